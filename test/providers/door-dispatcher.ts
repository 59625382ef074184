import { Dispatcher, errors } from 'undici';

export type Asked = { readonly method: string; readonly path: string; readonly body: string };
export type Told = { readonly status: number; readonly body: string } | 'unanswered' | 'reset';

/** Passes the requests of Alipay's SDK to a function, without a connection and without delay. */
export class DoorDispatcher extends Dispatcher {
  readonly #door: (asked: Asked) => Promise<Told>;

  constructor(door: (asked: Asked) => Promise<Told>) {
    super();
    this.#door = door;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const { method, path, body } = options;
    const controller = new Controller();
    handler.onRequestStart?.(controller, {});
    this.#door({ method, path: String(path), body: typeof body === 'string' ? body : '' }).then(
      (told) => {
        if (told === 'unanswered') return handler.onResponseError?.(controller, new errors.HeadersTimeoutError());
        if (told === 'reset') return handler.onResponseError?.(controller, new errors.SocketError('other side closed'));
        handler.onResponseStart?.(controller, told.status, {}, '');
        handler.onResponseData?.(controller, Buffer.from(told.body));
        handler.onResponseEnd?.(controller, {});
      },
      (error: Error) => handler.onResponseError?.(controller, error),
    );
    return true;
  }
}

/** With this controller undici could pause or abort a request. */
class Controller implements Dispatcher.DispatchController {
  readonly aborted = false;
  readonly paused = false;
  readonly reason = null;
  abort(): void {}
  pause(): void {}
  resume(): void {}
}
