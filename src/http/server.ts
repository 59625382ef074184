import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../domain/log.ts';
import { traced } from '../logging/trace.ts';
import { declaredLength } from './body.ts';
import {
  answerClientErrors,
  closeWaiting,
  cutStalledReaders,
  ignoreUpgrade,
  isWebSocketUpgrade,
  refuseConnection,
} from './connection.ts';
import { type AnswerGraphql, serveGraphql } from './graphql.ts';
import { bodyBytesMax, type HttpLimits, headerBytesMax, httpLimits } from './limits.ts';
import { notReady, type Unreadiness } from './readiness.ts';
import { RequestAbortedError, RequestRefusedError, retryAfterMs } from './refusal.ts';
import { replyJson, replyRefusal } from './reply.ts';
import { readRequestLine } from './request-line.ts';
import { type ReturnPage, returnPath } from './return-page.ts';

/** What a request is answered by, once the app is ready. */
export type Routes = {
  readonly graphql: AnswerGraphql;
  /** Whether a browser that opens `/graphql` gets GraphiQL. */
  readonly hasGraphiql: boolean;
  webhook(request: IncomingMessage, response: ServerResponse, path: string): Promise<void>;
  /** Is told of a callback that is refused before it comes to its route. */
  webhookRefused(request: IncomingMessage, refusal: RequestRefusedError): void;
  /** Takes the connection over. */
  webSocket(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Resolves to why requests cannot be served, for load balancers; null when they can. */
  ready(): Promise<Unreadiness | null>;
  /** Where `/` leads; null where there is nothing to show. */
  readonly home: string | null;
  /** Where the buyer of a laptop's payment comes back to; null in production. */
  readonly returnPage: ReturnPage | null;
  readonly log: Log;
};

const requestIdGiven = /^[\w.:-]{1,64}$/;

export type HttpServer = {
  /** Resolves to where it listens. @throws {Error} with a sentence that names the port, when it cannot. */
  listen(port: number, host: string): Promise<string>;
  serve(routes: Routes): void;
  /** From now on no new connections; event streams end, other requests may finish for `drainMs`. */
  stopAccepting(drainMs: number): Promise<void>;
  close(): Promise<void>;
};

/** An HTTP server that says 503 until it is given routes, so that it may listen while the rest is being opened. */
export function createHttpServer(limits: HttpLimits = httpLimits): HttpServer {
  let routes: Routes | null = null;
  let isStopping = false;
  const open = new Set<ServerResponse>();
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    open.add(response);
    response.once('close', () => open.delete(response));
    const requestId = requestIdOf(request);
    response.setHeader('x-request-id', requestId);
    if (isStopping) response.setHeader('connection', 'close');
    traced(requestId, () => dispatch(routes, isStopping, request, response, requestId)).catch((error: unknown) => {
      if (error instanceof RequestAbortedError || (request.destroyed && !request.complete)) return; // whoever asked has gone
      if (error instanceof RequestRefusedError && !response.headersSent) {
        return refuse(routes, request, response, error, requestId);
      }
      routes?.log.error({ err: error, requestId }, 'a request failed');
      if (!response.headersSent) replyRefusal(response, ourFault());
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
    response.setHeader('x-request-id', requestId);
    const refusal = new RequestRefusedError(417, 'expect must be 100-continue, or left out.');
    refuse(routes, request, response, refusal, requestId);
  });
  server.on('connect', (_request, socket) => {
    refuseConnection(socket, 405, 'This server is no proxy.', { allow: 'GET, POST, OPTIONS' });
  });
  server.on('upgrade', (request, socket, head) => {
    if (!isWebSocketUpgrade(request)) return ignoreUpgrade(server, request, socket, head);
    openWebSocket(isStopping ? null : routes, request, socket, head);
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
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    maxHeaderSize: headerBytesMax,
    // Tells of a peer that is gone without a word, on a connection that has nothing to send.
    keepAlive: true,
    keepAliveInitialDelay: limits.stalledTimeoutMs,
    // Checked with everything else that a request must have, and answered as that is.
    requireHostHeader: false,
  };
}

function listen(server: Server, port: number, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'something else listens there' : error.message;
      reject(new Error(`Cannot listen on port ${port} of ${host}: ${why}. Set PORT or HOST.`, { cause: error }));
    });
    server.listen(port, host, () => {
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
  response: ServerResponse,
  requestId: string,
): Promise<void> {
  const path = readRequestLine(request);
  if (path === '/healthz' || path === '/readyz') {
    if (allowsOnlyReads(request, response)) return;
    if (path === '/healthz') return replyJson(response, 200, { status: 'ok' });
    return serveReadiness(routes, isStopping, response);
  }
  if (routes === null) throw starting();
  if (path === '/graphql') return serveGraphql(routes, request, response, requestId);
  if (path.startsWith('/webhooks/')) return routes.webhook(request, response, path);
  if (path === returnPath && routes.returnPage !== null) {
    if (allowsOnlyReads(request, response)) return;
    return routes.returnPage(request, response, requestId);
  }
  if (path === '/' && routes.home !== null) {
    if (allowsOnlyReads(request, response)) return;
    response.writeHead(302, { location: routes.home, 'content-length': 0 }).end();
    return;
  }
  if (path === '*' && request.method === 'OPTIONS') {
    response.writeHead(204, { allow: 'GET, HEAD, POST, OPTIONS' }).end();
    return;
  }
  throw new RequestRefusedError(404, 'There is nothing at this path. The API is at /graphql.');
}

function refuse(
  routes: Routes | null,
  request: IncomingMessage,
  response: ServerResponse,
  refusal: RequestRefusedError,
  requestId: string,
): void {
  replyRefusal(response, refusal);
  if (webhookTarget.test(request.url ?? '')) traced(requestId, () => routes?.webhookRefused(request, refusal));
}

const webhookTarget = /^(https?:\/\/[^/?#]*)?\/webhooks\//i;

/** Whether the request was answered, because it asks for the methods. @throws {RequestRefusedError} 405 for any but GET and HEAD. */
function allowsOnlyReads({ method }: IncomingMessage, response: ServerResponse): boolean {
  const allow = 'GET, HEAD, OPTIONS';
  if (method === 'GET' || method === 'HEAD') return false;
  if (method !== 'OPTIONS')
    throw new RequestRefusedError(405, `This path is read by GET, not ${method}.`, { headers: { allow } });
  response.writeHead(204, { allow }).end();
  return true;
}

function openWebSocket(routes: Routes | null, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  try {
    const path = readRequestLine(request);
    if (path !== '/graphql') throw new RequestRefusedError(404, 'There is no WebSocket here. The API is at /graphql.');
    if (routes === null) throw starting();
    routes.webSocket(request, socket, head);
  } catch (error) {
    if (!(error instanceof RequestRefusedError)) throw error;
    refuseConnection(socket, error.status, error.message, error.headers, error.code);
  }
}

async function serveReadiness(routes: Routes | null, isStopping: boolean, response: ServerResponse): Promise<void> {
  const why = isStopping ? notReady.stopping : routes === null ? notReady.starting : await routes.ready();
  if (why === null) return replyJson(response, 200, { status: 'ready' });
  replyJson(response, 503, { status: 'not ready', ...why });
}

function starting(): RequestRefusedError {
  return new RequestRefusedError(503, 'The server is starting. Try again in a moment.', {
    code: 'OVERLOADED',
    headers: { 'retry-after': String(retryAfterMs / 1000) },
  });
}

function ourFault(): RequestRefusedError {
  return new RequestRefusedError(500, 'Something went wrong on our side.', { code: 'INTERNAL' });
}

function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && requestIdGiven.test(given) ? given : randomUUID();
}
