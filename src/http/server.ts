import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../domain/log.ts';
import { traced } from '../logging/trace.ts';
import { BodyTooLargeError, bodyBytesMax, readBody } from './body.ts';
import { replyJson } from './reply.ts';

/** What a request is answered by, once the app is ready. */
export type Routes = {
  graphql(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void>;
  webhook(request: IncomingMessage, response: ServerResponse, path: string): Promise<void>;
  /** Resolves when requests can be served; rejects when not, for whoever balances load. */
  ready(): Promise<void>;
  /** Where `/` leads; null where there is nothing to show. */
  readonly home: string | null;
  readonly log: Log;
};

const requestIdGiven = /^[\w.:-]{1,64}$/;

/** Longer than a provider's call may take, so that whoever pays at that moment gets the answer. */
const drainMs = 25_000;

export type HttpServer = {
  readonly server: Server;
  /** Resolves to where it listens. @throws {Error} with a sentence that names the port, when it cannot. */
  listen(port: number, host: string): Promise<string>;
  serve(routes: Routes): void;
  /** From now on no new connections; event streams end, other requests may finish for a while. */
  stopAccepting(): Promise<void>;
  close(): Promise<void>;
};

/** An HTTP server that says 503 until it is given routes, so that it may listen while the rest is being opened. */
export function createHttpServer(): HttpServer {
  let routes: Routes | null = null;
  const open = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    open.add(response);
    response.once('close', () => open.delete(response));
    const requestId = requestIdOf(request);
    response.setHeader('x-request-id', requestId);
    if (routes === null) return replyJson(response, 503, { error: 'Starting.' });
    const given = routes;
    const { log } = given;
    traced(requestId, () => dispatch(given, request, response, requestId)).catch((error: unknown) => {
      if (request.destroyed && !request.complete) return; // whoever asked has gone
      log.error({ err: error, requestId }, 'a request failed');
      if (!response.headersSent) replyJson(response, 500, { error: 'Something went wrong on our side.', requestId });
      else response.destroy();
    });
  });
  server.requestTimeout = 30_000;
  return {
    server,
    listen: (port, host) => listen(server, port, host),
    serve(given) {
      routes = given;
    },
    async stopAccepting() {
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
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<void> {
  const [path = '/'] = (request.url ?? '/').split('?', 1);
  if (path === '/graphql') return serveGraphql(routes, request, response, requestId);
  if (path.startsWith('/webhooks/')) return routes.webhook(request, response, path);
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (path === '/healthz' && isRead) return replyJson(response, 200, { status: 'ok' });
  if (path === '/readyz' && isRead) return serveReadiness(routes, response);
  if (path === '/' && isRead && routes.home !== null) {
    response.writeHead(302, { location: routes.home, 'content-length': 0 }).end();
    return;
  }
  replyJson(response, 404, { error: 'There is nothing at this path. The API is at /graphql.' });
}

async function serveGraphql(
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<void> {
  if (request.method === 'POST') {
    try {
      const body = await readBody(request);
      if (body.length === 0) return replyGraphqlError(response, 400, 'The request has no body.');
      // What a framework's body parser would leave; the handler takes it instead of the stream that was read here.
      Object.assign(request, { body: body.toString('utf8') });
    } catch (error) {
      if (!(error instanceof BodyTooLargeError)) throw error;
      return replyGraphqlError(response, 413, `The body must have at most ${bodyBytesMax} bytes.`);
    }
  }
  await routes.graphql(request, response, requestId);
}

function replyGraphqlError(response: ServerResponse, status: number, message: string): void {
  replyJson(response, status, { errors: [{ message, extensions: { code: 'BAD_USER_INPUT' } }] });
}

async function serveReadiness({ ready, log }: Routes, response: ServerResponse): Promise<void> {
  try {
    await ready();
    replyJson(response, 200, { status: 'ready' });
  } catch (error) {
    log.warn({ err: error }, 'not ready');
    replyJson(response, 503, { status: 'not ready' });
  }
}

function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && requestIdGiven.test(given) ? given : randomUUID();
}
