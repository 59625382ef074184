import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { overloadIn } from '../database/errors.ts';
import type { Log } from '../domain/log.ts';
import { withoutSecrets } from '../logging/secrets.ts';
import { Answer } from './answer.ts';
import { declaredLength } from './body.ts';
import {
  answerClientErrors,
  closeWaiting,
  cutStalledReaders,
  ignoreUpgrade,
  isWebSocketUpgrade,
  refuseConnection,
} from './connection.ts';
import { exportKindOf, type ServeExport } from './exports.ts';
import { type GraphqlRoute, serveGraphql } from './graphql.ts';
import { bodyBytesMax, drainBytesMin, type HttpLimits, headerBytesMax, httpLimits } from './limits.ts';
import { observeRequest } from './observed-request.ts';
import { isKnown, originRefused } from './origins.ts';
import { isPagePath, type Pages } from './pages.ts';
import { notReady, type Unreadiness } from './readiness.ts';
import { RequestAbortedError, RequestRefusedError, retryAfterMs } from './refusal.ts';
import { replyJson, replyRefusal } from './reply.ts';
import { readRequestLine } from './request-line.ts';
import { type ReturnPage, returnPath } from './return-page.ts';
import type { SecurityHeaders } from './security-headers.ts';
import { type ShopSessions, shopSessionPath } from './shop-session.ts';
import type { WebhookEntrance } from './webhook-entrance.ts';

/** The request handlers, available once the app is ready. */
export type Routes = GraphqlRoute & {
  readonly webhooks: Pick<WebhookEntrance, 'handle' | 'refuse'>;
  /** Lists as CSV. */
  readonly exports: ServeExport;
  /** Takes over the connection. */
  webSocket(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Resolves to the reason why requests cannot be served; null when they can. */
  ready(): Promise<Unreadiness | null>;
  /** The redirect target of `/`; null for none. */
  readonly home: string | null;
  /** The dashboard, the checkout and the demo shop. */
  readonly pages: Pages;
  /** The development page for `returnUrl`; null in production. */
  readonly returnPage: ReturnPage | null;
  /** The logins of the demo shop; null in production. */
  readonly shopSessions: ShopSessions | null;
  readonly log: Log;
};

const requestIdGiven = /^[\w.:-]{1,64}$/;

export type HttpServer = {
  /** Resolves to the URL of the server. @throws {Error} naming the port and the reason, when it cannot listen. */
  listen(port: number, host: string): Promise<string>;
  serve(routes: Routes): void;
  /** Refuses new connections, ends event streams, and waits up to `drainMs` for other requests to finish. */
  stopAccepting(drainMs: number): Promise<void>;
  close(): Promise<void>;
};

/** Creates an HTTP server that answers 503 until it gets its routes, so that it can listen while the rest of the app starts. */
export function createHttpServer(securityHeaders: SecurityHeaders, limits: HttpLimits = httpLimits): HttpServer {
  let routes: Routes | null = null;
  let isStopping = false;
  const open = new Set<ServerResponse>();
  const firstHeaders = Object.entries(securityHeaders).flat();
  const handle = (request: IncomingMessage, response: Answer) => {
    open.add(response);
    response.once('close', () => open.delete(response));
    const requestId = requestIdOf(request);
    response.begin(requestId, firstHeaders);
    if (isStopping) response.setHeader('connection', 'close');
    const answered = () => dispatch(routes, isStopping, request, response, requestId);
    observeRequest(request, response, answered).catch((error: unknown) => {
      if (error instanceof RequestAbortedError || (request.destroyed && !request.complete)) return; // the client has disconnected
      if (error instanceof RequestRefusedError && !response.headersSent) {
        return refuse(routes, request, response, error, requestId);
      }
      if (overloadIn(error) !== null && !response.headersSent) {
        return replyRefusal(response, serverBusy('The server is busy. Try again in a moment.'));
      }
      routes?.log.error({ err: error, requestId }, 'a request failed');
      if (!response.headersSent) replyRefusal(response, internalError());
      else response.destroy();
    });
  };
  const server = createServer(serverOptions(limits), handle);
  closeWaiting(server, open);
  cutStalledReaders(server, open, limits.stalledTimeoutMs);
  server.on('checkContinue', (request, response) => {
    if (declaredLength(request) <= bodyBytesMax) response.writeContinue();
    handle(request, response);
  });
  server.on('checkExpectation', (request, response) => {
    const requestId = requestIdOf(request);
    response.begin(requestId, firstHeaders);
    const refusal = new RequestRefusedError(417, 'The expect header must be 100-continue, or omitted.');
    refuse(routes, request, response, refusal, requestId);
  });
  server.on('connect', (_request, socket) => {
    refuseConnection(socket, 405, 'This server is not a proxy. Send requests to /graphql.', {
      allow: 'GET, POST, OPTIONS',
    });
  });
  server.on('upgrade', (request, socket, head) => {
    if (!isWebSocketUpgrade(request)) return ignoreUpgrade(server, request, socket, head);
    void openWebSocket(isStopping ? null : routes, request, socket, head);
  });
  answerClientErrors(server, open);
  return {
    listen: (port, host) => listen(server, port, host),
    serve(given) {
      routes = given;
    },
    async stopAccepting(drainMs) {
      isStopping = true;
      server.close();
      const finished: Promise<unknown>[] = [];
      for (const response of open) {
        if (String(response.getHeader('content-type')).startsWith('text/event-stream')) response.destroy();
        else finished.push(once(response, 'close'));
      }
      await Promise.race([Promise.all(finished), delay(drainMs, undefined, { ref: false })]);
    },
    async close() {
      const closed = server.listening ? once(server, 'close') : null;
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function serverOptions(limits: HttpLimits) {
  return {
    ServerResponse: Answer,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    maxHeaderSize: headerBytesMax,
    highWaterMark: drainBytesMin,
    // TCP keep-alive detects a peer that disappeared from an idle connection.
    keepAlive: true,
    keepAliveInitialDelay: limits.stalledTimeoutMs,
    // `readRequestLine` checks it, so that the answer has the usual form.
    requireHostHeader: false,
  };
}

/**
 * The connections that may wait until the server accepts them; the system may allow fewer. Those beyond are dropped, and their clients try again
 * only after seconds: thousands of dashboards return at once, and a flood must not keep a provider out.
 */
const connectionsWaitingMax = 8192;

function listen(server: Server, port: number, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'another process listens there' : error.message;
      reject(new Error(`Cannot listen on port ${port} of ${host}: ${why}. Set PORT or HOST.`, { cause: error }));
    });
    server.listen({ port, host, backlog: connectionsWaitingMax }, () => {
      const address = server.address();
      const actualPort = typeof address === 'object' && address !== null ? address.port : port;
      resolve(`http://${host.includes(':') ? `[${host}]` : host}:${actualPort}`);
    });
  });
}

async function dispatch(
  routes: Routes | null,
  isStopping: boolean,
  request: IncomingMessage,
  response: Answer,
  requestId: string,
): Promise<void> {
  const path = readRequestLine(request);
  if (path === '/healthz' || path === '/readyz') {
    if (answersOptions(request, response)) return;
    if (path === '/healthz') return replyJson(response, 200, { status: 'ok' });
    return serveReadiness(routes, isStopping, response);
  }
  if (routes === null) throw serverStarting();
  if (path === '/graphql') return await serveGraphql(routes, request, response, requestId);
  const exported = exportKindOf(path);
  if (exported !== null) {
    if (routes.origins.foreignOf(request) !== null) throw originRefused();
    return routes.exports(exported, request, response, requestId);
  }
  if (path.startsWith('/webhooks/')) return routes.webhooks.handle(request, response, path, requestId);
  if (path === returnPath && routes.returnPage !== null) {
    if (answersOptions(request, response)) return;
    return routes.returnPage(request, response, requestId);
  }
  if (path === shopSessionPath && routes.shopSessions !== null) return routes.shopSessions(request, response);
  if (path === '/' && routes.home !== null) {
    if (answersOptions(request, response)) return;
    response.writeHead(302, { location: routes.home, 'content-length': 0 }).end();
    return;
  }
  if (isPagePath(path)) {
    if (answersOptions(request, response)) return;
    if (routes.pages.serve(request, response, path)) return;
  }
  if (path === '*' && request.method === 'OPTIONS') {
    response.writeHead(204, { allow: 'GET, HEAD, POST, OPTIONS' }).end();
    return;
  }
  throw new RequestRefusedError(404, 'Nothing exists at this path. The API is at /graphql.');
}

function refuse(
  routes: Routes | null,
  request: IncomingMessage,
  response: Answer,
  refusal: RequestRefusedError,
  requestId: string,
): void {
  replyRefusal(response, refusal);
  if (webhookTarget.test(request.url ?? '')) routes?.webhooks.refuse(request, refusal, requestId);
}

const webhookTarget = /^(https?:\/\/[^/?#]*)?\/webhooks\//i;

/** Answers OPTIONS and returns true; returns false for GET and HEAD. @throws {RequestRefusedError} 405 for other methods. */
function answersOptions({ method }: IncomingMessage, response: ServerResponse): boolean {
  const allow = 'GET, HEAD, OPTIONS';
  if (method === 'GET' || method === 'HEAD') return false;
  if (method !== 'OPTIONS')
    throw new RequestRefusedError(405, `${method} is not allowed here. Send GET.`, { headers: { allow } });
  response.writeHead(204, { allow }).end();
  return true;
}

async function openWebSocket(
  routes: Routes | null,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on('error', ignore); // the client may disconnect while its origin is looked up
  try {
    const path = readRequestLine(request);
    if (path !== '/graphql')
      throw new RequestRefusedError(404, 'No WebSocket exists at this path. The API is at /graphql.');
    if (routes === null) throw serverStarting();
    if (!(await isKnown(routes.origins, request))) throw originRefused();
    routes.webSocket(request, socket, head);
  } catch (thrown) {
    const error = thrown instanceof RequestRefusedError ? thrown : failedUpgrade(thrown, routes);
    refuseConnection(socket, error.status, error.message, error.headers, error.code);
  }
}

function failedUpgrade(error: unknown, routes: Routes | null): RequestRefusedError {
  if (overloadIn(error) !== null) return serverBusy('The server is busy. Try again in a moment.');
  routes?.log.error({ err: error }, 'a WebSocket could not be opened');
  return internalError();
}

function ignore(): void {}

async function serveReadiness(routes: Routes | null, isStopping: boolean, response: Answer): Promise<void> {
  const why = isStopping ? notReady.stopping : routes === null ? notReady.starting : await routes.ready();
  if (why === null) return replyJson(response, 200, { status: 'ready' });
  replyJson(response, 503, { status: 'not ready', ...why });
}

function serverStarting(): RequestRefusedError {
  return serverBusy('The server is starting. Try again in a moment.');
}

function serverBusy(message: string): RequestRefusedError {
  return new RequestRefusedError(503, message, {
    code: 'OVERLOADED',
    headers: { 'retry-after': String(retryAfterMs / 1000) },
  });
}

function internalError(): RequestRefusedError {
  return new RequestRefusedError(500, 'Internal error. Report the requestId to the operator of this server.', {
    code: 'INTERNAL',
  });
}

function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  const isUsable = typeof given === 'string' && requestIdGiven.test(given) && withoutSecrets(given) === given;
  return isUsable ? given : randomUUID();
}
