import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { narrowAccept } from './accept.ts';
import { readBody } from './body.ts';
import { decodeUtf8, mediaTypeOf, requirePlainBody, requireUtf8 } from './media-type.ts';
import { RequestRefusedError } from './refusal.ts';
import { reply } from './reply.ts';

/** Carries out a request whose body, if it has one, was read and stands decoded in `body`. */
export type AnswerGraphql = (
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
) => Response | Promise<Response>;

const bodyTypes: readonly string[] = [
  ...['application/json', 'application/graphql+json', 'application/graphql'],
  'application/x-www-form-urlencoded',
];
const methods = 'GET, POST, OPTIONS';

/** @throws {RequestRefusedError} for what is no GraphQL request, whatever may be written in it. */
export async function serveGraphql(
  { graphql: answer, hasGraphiql }: { readonly graphql: AnswerGraphql; readonly hasGraphiql: boolean },
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<void> {
  const { method, headers } = request;
  if (method === undefined || !methods.split(', ').includes(method)) {
    throw new RequestRefusedError(405, `GraphQL is asked by POST or GET, not ${method}.`, {
      headers: { allow: methods },
    });
  }
  if (method === 'OPTIONS') response.setHeader('allow', methods);
  // A browser that opens the address wants the page, where there is one.
  const wantsPage = hasGraphiql && method === 'GET' && headers.accept?.includes('text/html');
  if (!wantsPage) narrowAccept(request);
  if (method === 'POST') await takeBody(request);
  await send(await answer(request, response, requestId), response);
}

/** Leaves the body decoded, as a framework's body parser would; the handler takes that instead of the stream that was read here. */
async function takeBody(request: IncomingMessage): Promise<void> {
  const { headers } = request;
  const mediaType = mediaTypeOf(headers['content-type']);
  if (mediaType === null || !bodyTypes.includes(mediaType.type)) {
    throw new RequestRefusedError(415, 'content-type must be application/json.');
  }
  requirePlainBody(request);
  requireUtf8(mediaType);
  const body = decodeUtf8(await readBody(request));
  if (body.trim() === '') throw new RequestRefusedError(400, 'The request has no body.');
  headers['content-type'] = mediaType.type;
  Object.assign(request, { body });
}

async function send(answer: Response, response: ServerResponse): Promise<void> {
  const { status, headers, body } = answer;
  const contentType = headers.get('content-type') ?? '';
  if (status === 406)
    throw new RequestRefusedError(406, 'A subscription is answered as text/event-stream: accept that.');
  if (status >= 400 && contentType === '') throw new RequestRefusedError(status, 'The request cannot be served.');
  headers.forEach((value, name) => {
    if (!ownHeaders.includes(name.toLowerCase())) response.setHeader(name, value);
  });
  if (body === null) {
    response.writeHead(status).end();
    return;
  }
  if (!/^(text\/event-stream|multipart\/mixed)/.test(contentType)) {
    reply(response, status, contentType, await answer.text());
    return;
  }
  response.writeHead(status, streamHeaders);
  // The handler's responses are Node's streams under another interface.
  await pipe(body as unknown as Readable, response);
}

/** Of the connection and the encoding, which are decided here. */
const ownHeaders: readonly string[] = ['connection', 'content-encoding', 'content-length', 'transfer-encoding'];

/** Nobody on the way may hold an event back: not to compress it, and not to fill a buffer, as nginx does unless it is told. */
const streamHeaders = { 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' };

/** Ends with the stream, or with its reader: whatever the stream holds is let go at once. */
async function pipe(stream: Readable, response: ServerResponse): Promise<void> {
  if (response.destroyed) return void stream.destroy();
  stream.on('error', () => response.destroy());
  response.once('close', () => stream.destroy());
  stream.pipe(response);
  if (!response.closed) await once(response, 'close');
}
