import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Gate } from '../limits/gate.ts';
import { note } from '../telemetry/observe.ts';
import { narrowAccept } from './accept.ts';
import type { Answer } from './answer.ts';
import { readBody } from './body.ts';
import { decodeUtf8, mediaTypeOf, requirePlainBody, requireUtf8 } from './media-type.ts';
import { admitOrigin, type Origins } from './origins.ts';
import { overloadedMessage, RequestRefusedError, retryAfterMs } from './refusal.ts';
import { reply } from './reply.ts';

/** Executes a request. Its decoded body, if it has one, is in `request.body`. */
export type AnswerGraphql = (
  request: IncomingMessage,
  response: Answer,
  requestId: string,
) => GraphqlAnswer | Promise<GraphqlAnswer>;

/** The result of an operation, or any other response. */
export type GraphqlAnswer = DataAnswer | ResponseParts;

/** The result of an operation without errors: a text of JSON, with the status 200. */
type DataAnswer = { readonly contentType: string; readonly jsonText: string };

/** The parts of a `Response` that are sent. */
type ResponseParts = {
  readonly status: number;
  readonly headers: {
    get(name: string): string | null | undefined;
    forEach(visit: (value: string, name: string) => void): void;
  };
  /** Null for none; a text or a stream. */
  readonly body: unknown;
  text(): Promise<string>;
};

/** Browsers send none of these to another origin without a preflight. Forms, which need none, are refused. */
const bodyTypes: readonly string[] = ['application/json', 'application/graphql+json', 'application/graphql'];
const methodsAllowed: readonly string[] = ['GET', 'POST', 'OPTIONS'];
const methods = methodsAllowed.join(', ');

export type GraphqlRoute = {
  readonly graphql: AnswerGraphql;
  /** Whether `/graphql` serves GraphiQL to browsers. */
  readonly hasGraphiql: boolean;
  readonly origins: Origins;
  /** Every request needs a place here before anything is decided about it, so that a refusal costs next to nothing. */
  readonly operations: Gate;
};

/** @throws {RequestRefusedError} when the origin, the method, the headers or the encoding are not those of a GraphQL request. */
export async function serveGraphql(
  { graphql: answer, hasGraphiql, origins, operations }: GraphqlRoute,
  request: IncomingMessage,
  response: Answer,
  requestId: string,
): Promise<void> {
  const { method, headers } = request;
  if (method === undefined || !methodsAllowed.includes(method)) {
    throw new RequestRefusedError(405, `${method} is not allowed here. Send GraphQL requests with POST or GET.`, {
      headers: { allow: methods },
    });
  }
  response.addFirst('vary', 'origin');
  if (headers.origin !== undefined) await admitOrigin(origins, request, response, methods);
  if (method === 'OPTIONS') {
    response.writeHead(204, { allow: methods }).end();
    return;
  }
  // A browser that opens the address gets GraphiQL.
  const wantsPage = hasGraphiql && method === 'GET' && headers.accept?.includes('text/html');
  if (!wantsPage) narrowAccept(request);
  // Before the body: reading it costs more than refusing it.
  if (operations.refuses()) throw shed();
  if (method === 'POST') await takeBody(request);
  const leave = operations.enterNow() ?? (await operations.enter());
  if (leave === null) throw shed();
  let answered: GraphqlAnswer;
  try {
    answered = await answer(request, response, requestId);
  } finally {
    leave();
  }
  if ('jsonText' in answered) response.sendText(200, answered.contentType, answered.jsonText);
  else await send(answered, response);
}

/** One for all, because thousands are refused at once, and most of the time of making an error is spent on its stack. */
const overloaded = new RequestRefusedError(503, overloadedMessage, {
  code: 'OVERLOADED',
  headers: { 'retry-after': String(retryAfterMs / 1000) },
});

function shed(): RequestRefusedError {
  note({ kind: 'shed', reason: 'overloaded' });
  return overloaded;
}

/** Reads and decodes the body into `request.body`, as a body parser does. The handler uses it instead of the consumed stream. */
function takeBody(request: IncomingMessage): Promise<void> {
  const { headers } = request;
  const mediaType = mediaTypeOf(headers['content-type']);
  if (mediaType === null || !bodyTypes.includes(mediaType.type)) {
    throw new RequestRefusedError(415, 'The content-type header must be application/json.');
  }
  requirePlainBody(request);
  requireUtf8(mediaType);
  return readBody(request).then((bytes) => {
    const body = decodeUtf8(bytes);
    if (body.trim() === '')
      throw new RequestRefusedError(400, 'The request has no body. Send a JSON object with a query.');
    headers['content-type'] = mediaType.type;
    Object.assign(request, { body });
  });
}

async function send(answer: ResponseParts, response: Answer): Promise<void> {
  const { status, headers, body } = answer;
  const contentType = headers.get('content-type') ?? '';
  if (status === 406)
    throw new RequestRefusedError(406, 'A subscription is answered as text/event-stream. Add it to the accept header.');
  if (status >= 400 && contentType === '')
    throw new RequestRefusedError(status, 'The request cannot be served. Send a GraphQL request as JSON with POST.');
  headers.forEach((value, name) => {
    if (!ownHeaders.includes(name.toLowerCase())) response.setHeader(name, value);
  });
  if (contentType.startsWith('text/html')) response.setHeader('content-security-policy', pagePolicy);
  if (body === null) {
    response.writeHead(status).end();
    return;
  }
  if (!/^(text\/event-stream|multipart\/mixed)/.test(contentType)) {
    reply(response, status, contentType, await answer.text());
    return;
  }
  response.writeHead(status, streamHeaders);
  // Yoga's body is a Node stream with the type of a web stream.
  await pipe(body as Readable, response);
}

/** GraphiQL itself states what it may load and run. */
const pagePolicy = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Headers of the connection and the encoding, which this server sets itself. */
const ownHeaders: readonly string[] = ['connection', 'content-encoding', 'content-length', 'transfer-encoding'];

/** Keeps proxies from delaying events: no compression, and no buffering, which is nginx's default. */
const streamHeaders = { 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' };

/** Pipes until the stream ends or the client disconnects; then the stream's resources are released. */
async function pipe(stream: Readable, response: Answer): Promise<void> {
  if (response.destroyed) return void stream.destroy();
  stream.on('error', () => response.destroy());
  response.once('close', () => stream.destroy());
  stream.pipe(response);
  if (!response.closed) await once(response, 'close');
}
