/** A bearer token, or a function that gets one: it is called for every request and every connection. */
export type Token = string | null | (() => string | null | Promise<string | null>);

export async function headersOf(token: Token): Promise<Record<string, string>> {
  const value = typeof token === 'function' ? await token() : token;
  return value === null ? {} : { authorization: `Bearer ${value}` };
}
