import { networkError, PaystreamError } from './errors.ts';

/** A bearer token, or a function that gets one: it is called for every request and every connection. */
export type Token = string | null | (() => string | null | Promise<string | null>);

/**
 * The headers of a request with the token.
 *
 * @throws {PaystreamError} NETWORK when the function fails, which may be for a moment; a PaystreamError of the function is thrown as it is.
 */
export async function headersOf(token: Token): Promise<Record<string, string>> {
  const value = typeof token === 'function' ? await call(token) : token;
  return value === null ? {} : { authorization: `Bearer ${value}` };
}

async function call(token: Exclude<Token, string | null>): Promise<string | null> {
  try {
    return await token();
  } catch (error) {
    throw error instanceof PaystreamError ? error : networkError(error, 'The function that gets the token failed.');
  }
}
