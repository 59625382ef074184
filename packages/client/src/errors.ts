/**
 * A request or a subscription that failed. `code` is one of the API's `extensions.code` (`UNAUTHENTICATED`, `FORBIDDEN`,
 * `BAD_USER_INPUT`, `RATE_LIMITED`, `QUERY_TOO_COMPLEX`, `OVERLOADED`, `INTERNAL`), or one of the client's: `NETWORK` (no answer, or one
 * that is not the API's: a mutation may have taken effect), `TRANSPORT` (this runtime lacks what the transport needs), `CLOSED` (the
 * client was closed).
 */
export class PaystreamError extends Error {
  override readonly name = 'PaystreamError';
  readonly code: string;
  /** How long to wait before the next try, in milliseconds; null when the server gave no time. */
  readonly retryAfterMs: number | null;
  /** The id of the server's log lines; null when there is none. */
  readonly requestId: string | null;

  constructor(
    code: string,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number | null; readonly requestId?: string | null } = {},
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.requestId = options.requestId ?? null;
  }
}

/** The codes with which the same request can succeed later. */
const passing: readonly string[] = ['NETWORK', 'RATE_LIMITED', 'OVERLOADED', 'INTERNAL'];

/** False when repeating the request is pointless: a wrong token, a wrong cursor, a document that the server refuses. */
export function isPassing(error: PaystreamError): boolean {
  return passing.includes(error.code);
}

/** An entry of `errors` in a GraphQL answer, which comes from outside. */
export type AnsweredError = { readonly message?: unknown; readonly extensions?: unknown };

export function errorOf(errors: readonly AnsweredError[], cause?: unknown): PaystreamError {
  const [first = {}] = errors;
  const extensions = (first.extensions ?? {}) as Readonly<Record<string, unknown>>;
  const { code, retryAfterMs, requestId } = extensions;
  return new PaystreamError(
    typeof code === 'string' ? code : 'INTERNAL',
    typeof first.message === 'string' ? first.message : 'The server answered with an error without a message.',
    {
      cause,
      retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : null,
      requestId: typeof requestId === 'string' ? requestId : null,
    },
  );
}

export function networkError(
  cause: unknown,
  message = 'The server did not answer, or the connection broke.',
): PaystreamError {
  return new PaystreamError('NETWORK', message, { cause });
}
