export type RefusalCode = 'BAD_USER_INPUT' | 'OVERLOADED' | 'INTERNAL';

/** When it makes sense to repeat a request that was refused as OVERLOADED, in milliseconds from now. */
export const retryAfterMs = 1000;

/** A request that is answered without being carried out. The message reaches the client: what is wrong, and what to do. */
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

/** The sender went away, or was cut off, before its body had ended. There is nobody to answer. */
export class RequestAbortedError extends Error {}
