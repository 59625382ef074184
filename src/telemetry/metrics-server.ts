import { createServer, type Server, type ServerResponse } from 'node:http';
import type { MetricsSettings } from './settings.ts';

export type MetricsServer = { readonly url: string; close(): Promise<void> };

/** One scrape as Prometheus reads it. */
export type Scrape = { readonly contentType: string; readonly text: string };

/**
 * Serves `/metrics` at an address of its own, which clients of the API cannot reach.
 *
 * @throws {Error} naming METRICS_PORT and the reason, when it cannot listen.
 */
export async function serveMetrics(
  { host, port }: MetricsSettings,
  scrape: () => Promise<Scrape>,
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    request.resume();
    if (isOnLoopback(server) && !namesThisMachine(request.headers.host, host)) {
      return answer(response, 403, 'The metrics are read by the name localhost, or by an address such as 127.0.0.1.\n');
    }
    if (path !== '/metrics') return answer(response, 404, 'The metrics are at /metrics.\n');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return answer(response, 405, 'Send GET.\n');
    }
    scrape().then(
      ({ contentType, text }) => answer(response, 200, text, contentType),
      () => answer(response, 503, 'The metrics could not be read.\n'),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'another process listens there' : error.message;
      const remedy = 'Set METRICS_PORT or METRICS_HOST.';
      reject(new Error(`Cannot serve metrics on port ${port} of ${host}: ${why}. ${remedy}`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
  server.unref();
  const address = server.address();
  const actualPort = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actualPort}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isOnLoopback(server: Server): boolean {
  const address = server.address();
  return typeof address === 'object' && address !== null && /^(127\.|::1$)/.test(address.address);
}

/**
 * A browser on this machine can be led here by a page of a foreign host name that resolves to a loopback address (DNS rebinding). To the
 * browser, page and metrics then have the same origin; only the name tells. Where METRICS_HOST is reached by others, names are not checked:
 * Prometheus uses any.
 */
function namesThisMachine(given: string | undefined, host: string): boolean {
  if (given === undefined) return true; // HTTP/1.0, which no browser sends
  if (!URL.canParse(`http://${given}`)) return false;
  const { hostname } = new URL(`http://${given}`);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname) || hostname === host;
}

function answer(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text);
}
