import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, type Readable } from 'node:stream';

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS' | 'HEAD' | 'PATCH';

/** A request read whole. Header names are lower case; `path` is percent-decoded nowhere. */
export type HttpRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

export type HttpResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes are a file's; a file too large to hold is opened when it is sent. */
  readonly body: string | Buffer | (() => Readable);
};

/** What becomes of a request: an answer, one that never comes, or a broken connection. */
export type HttpOutcome = HttpResponse | 'unanswered' | 'reset';

export const bodyBytesMax = 1_048_576;

/** The body is larger than `bodyBytesMax`. */
export class BodyTooLargeError extends Error {}

/** @throws {BodyTooLargeError} as soon as more has arrived than is allowed. */
export async function readRequest(incoming: IncomingMessage): Promise<HttpRequest> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new BodyTooLargeError(`The body is larger than ${bodyBytesMax} bytes.`);
    chunks.push(chunk);
  }
  return {
    method: incoming.method ?? 'GET',
    ...splitTarget(incoming.url ?? '/'),
    headers: incoming.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

/** `/path?query` in its two parts. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const at = target.indexOf('?');
  return at < 0 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at + 1) };
}

export function sendResponse(response: ServerResponse, answer: HttpResponse): void {
  if (response.destroyed || response.headersSent) return;
  const { status, headers, body } = answer;
  if (typeof body === 'function') {
    response.writeHead(status, headers);
    pipeline(body(), response, () => undefined); // a client that goes away in the middle ends both
    return;
  }
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

/** The whole body in memory. */
export async function bodyOf({ body }: HttpResponse): Promise<string | Buffer> {
  if (typeof body !== 'function') return body;
  const pieces: Buffer[] = [];
  for await (const piece of body() as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

export function jsonResponse(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  return {
    status,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers },
    body: `${JSON.stringify(value, null, 2)}\n`,
  };
}

/** Sends the browser on with a GET. A location beyond ASCII must be absolute: it is percent-encoded. */
export function redirectResponse(location: string): HttpResponse {
  const isPlain = /^[\x21-\x7e]*$/.test(location);
  return {
    status: 303,
    headers: { Location: isPlain ? location : new URL(location).href, 'Cache-Control': 'no-store' },
    body: '',
  };
}

/** The one value of a header, or undefined; the first when it was sent several times. */
export function headerOf(request: HttpRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
