export type RefusalCode = 'BAD_USER_INPUT' | 'FORBIDDEN' | 'RATE_LIMITED' | 'OVERLOADED' | 'INTERNAL';

/** The time to wait before repeating a request that was refused as OVERLOADED. */
export const retryAfterMs = 1000;

/** The message of OVERLOADED for an operation that has no place. */
export const overloadedMessage =
  'The server is overloaded. Try again after retryAfterMs milliseconds. Nothing was done.';

/** A request that is refused before it is executed. The client sees the message: what is wrong, and what to do. */
export class RequestRefusedError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly code: RefusalCode;

  constructor(
    status: number,
    message: string,
    { headers = {}, code = 'BAD_USER_INPUT' }: { headers?: Record<string, string>; code?: RefusalCode } = {},
  ) {
    super(message);
    this.status = status;
    this.headers = headers;
    this.code = code;
  }
}

/** The connection closed before the end of the body, so no answer is possible. */
export class RequestAbortedError extends Error {}
