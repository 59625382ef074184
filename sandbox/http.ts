import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, type Readable } from 'node:stream';

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS' | 'HEAD' | 'PATCH';

/** A complete request. Header names are lower case; `path` is not percent-decoded. */
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
  /** A Buffer holds a file. A function opens a file that is too large for memory when the response is sent. */
  readonly body: string | Buffer | (() => Readable);
};

/** The result of a request: a response, no response, or a reset connection. */
export type HttpResult = HttpResponse | 'unanswered' | 'reset';

export const bodyBytesMax = 1_048_576;

/** The body is larger than `bodyBytesMax`. */
export class BodyTooLargeError extends Error {}

/** @throws {BodyTooLargeError} as soon as the body exceeds the limit. */
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

/** Splits `/path?query`. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const at = target.indexOf('?');
  return at < 0 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at + 1) };
}

export function sendResponse(outgoing: ServerResponse, response: HttpResponse): void {
  if (outgoing.destroyed || outgoing.headersSent) return;
  const { status, headers, body } = response;
  if (typeof body === 'function') {
    outgoing.writeHead(status, headers);
    pipeline(body(), outgoing, () => undefined); // a client that disconnects ends both streams
    return;
  }
  outgoing.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) });
  outgoing.end(body);
}

/** Reads the body into memory. */
export async function bodyOf({ body }: HttpResponse): Promise<string | Buffer> {
  if (typeof body !== 'function') return body;
  const chunks: Buffer[] = [];
  for await (const chunk of body() as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
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

/** Redirects the browser with a GET. A location with characters outside ASCII must be absolute: it is percent-encoded. */
export function redirectResponse(location: string): HttpResponse {
  const isPlain = /^[\x21-\x7e]*$/.test(location);
  return {
    status: 303,
    headers: { Location: isPlain ? location : new URL(location).href, 'Cache-Control': 'no-store' },
    body: '',
  };
}

/** The value of a header: the first one when the header is repeated, undefined without it. */
export function headerOf(request: HttpRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** True for an absolute http or https URL. */
export function isWebUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}
