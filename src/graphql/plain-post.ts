import type { IncomingMessage } from 'node:http';

/** A POST with its decoded body. */
export type Post = Pick<IncomingMessage, 'method' | 'url' | 'headers'> & { readonly body?: unknown };

const jsonTypes: readonly string[] = ['application/json', 'application/graphql+json'];
const textTypes: readonly string[] = ['application/json', 'application/graphql-response+json', 'application/*', '*/*'];

/** A subscription, the hash of a document that may be one, or letters that are escaped and may spell either. */
const mayStream = /subscription|persistedQuery|\\u00[4-7]/;

/**
 * True for a request whose answer is certainly one text of JSON: a query or a mutation, posted as JSON, by a client that does not ask for a
 * stream. Any doubt makes it false; then the request is answered correctly as well, but at a higher cost.
 */
export function isPlainPost({ method, url, headers, body }: Post): boolean {
  return (
    method === 'POST' &&
    url === '/graphql' &&
    jsonTypes.includes(headers['content-type'] ?? '') &&
    (headers.accept === undefined || headers.accept.split(', ').every((type) => textTypes.includes(type))) &&
    typeof body === 'string' &&
    !mayStream.test(body)
  );
}

/** The parts of a `Request` that Yoga reads of a plain post. A complete one, with its streams and signals, costs more than the execution. */
export function requestOf({ method, url, headers, body }: Post): Request {
  const parts = {
    ...{ method, url, body: null },
    headers: { get: (name: string) => headers[name] ?? null },
    text: () => body,
  };
  return parts as unknown as Request;
}

/** The parts of a `Response` that the HTTP server reads of the answer to a plain post. */
export class PlainAnswer {
  readonly status: number;
  /** The names are in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string | null;

  /** @throws {TypeError} for a stream, which only another kind of request can have as its answer. */
  constructor(
    body: unknown,
    init: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    if (body !== null && typeof body !== 'string') throw new TypeError('The answer to a plain post must be a text.');
    this.body = body;
    this.status = init.status ?? 200;
    this.headers = new Map(Object.entries(init.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  }

  async text(): Promise<string> {
    return this.body ?? '';
  }
}
