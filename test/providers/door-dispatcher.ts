import { ProxyAgent } from 'alipay-sdk';

export type Asked = { readonly method: string; readonly path: string; readonly body: string };
export type Told = { readonly status: number; readonly body: string } | 'unanswered' | 'reset';

type Dispatch = Parameters<ProxyAgent['dispatch']>;

/**
 * Carries the requests of Alipay's SDK to a function: no connection, and no time that passes. It comes from ProxyAgent because that is
 * what the SDK takes, and goes through no proxy.
 */
export class DoorDispatcher extends ProxyAgent {
  readonly #door: (asked: Asked) => Promise<Told>;

  constructor(door: (asked: Asked) => Promise<Told>) {
    super('http://127.0.0.1:9'); // nobody calls there
    this.#door = door;
  }

  override dispatch({ method, path, body }: Dispatch[0], handler: Dispatch[1]): boolean {
    handler.onConnect?.(() => {});
    this.#door({ method, path: String(path), body: typeof body === 'string' ? body : '' }).then(
      (told) => {
        if (told === 'unanswered') return handler.onError?.(failure('UND_ERR_HEADERS_TIMEOUT'));
        if (told === 'reset') return handler.onError?.(failure('ECONNRESET'));
        handler.onHeaders?.(told.status, [], () => {}, '');
        handler.onData?.(Buffer.from(told.body));
        handler.onComplete?.([]);
      },
      (error: Error) => handler.onError?.(error),
    );
    return true;
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`The door says ${code}.`), { code });
}
