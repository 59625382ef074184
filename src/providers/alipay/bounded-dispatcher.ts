import { AsyncLocalStorage } from 'node:async_hooks';
import { Agent, Dispatcher, errors } from 'undici';

/** Answers are short; bills are downloaded elsewhere. */
const answerBytesMax = 1024 * 1024;

/** Carries requests that end with their call, for the SDK of Alipay takes no signal and reads whatever comes. */
export type BoundedDispatcher = {
  readonly dispatcher: Dispatcher;
  /** Requests that are made within the call end by the signal: their connections are closed then. */
  within<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T>;
};

/**
 * @param carrier what carries the requests; connections of its own when null. An answer is refused when it is longer than one of Alipay's
 * can be, or compressed, which nobody has asked for and which would unpack to any length.
 */
export function createBoundedDispatcher(carrier: Dispatcher | null): BoundedDispatcher {
  const signals = new AsyncLocalStorage<AbortSignal>();
  // Composed, for then undici brings handlers of every age into the one form that is used below.
  const dispatcher = new EmptyDispatcher(carrier ?? new Agent()).compose((dispatch) => (options, handler) => {
    const signal = signals.getStore();
    return dispatch(options, signal === undefined ? handler : new BoundedHandler(handler, signal));
  });
  return { dispatcher, within: (signal, call) => signals.run(signal, call) };
}

/** Hands on. It has no fields that are seen, for the SDK walks through those of all it is handed. */
class EmptyDispatcher extends Dispatcher {
  readonly #carrier: Dispatcher;

  constructor(carrier: Dispatcher) {
    super();
    this.#carrier = carrier;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return this.#carrier.dispatch(options, handler);
  }
}

class BoundedHandler implements Dispatcher.DispatchHandler {
  readonly #inner: Dispatcher.DispatchHandler;
  readonly #signal: AbortSignal;
  #abort = () => {};
  #bytes = 0;

  constructor(inner: Dispatcher.DispatchHandler, signal: AbortSignal) {
    this.#inner = inner;
    this.#signal = signal;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#letGo();
    this.#abort = () => controller.abort(new errors.RequestAbortedError('The call was over before its answer.'));
    this.#inner.onRequestStart?.(controller, context);
    if (this.#signal.aborted) this.#abort();
    else this.#signal.addEventListener('abort', this.#abort, { once: true });
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    message?: string,
  ): void {
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      return controller.abort(new errors.RequestAbortedError('The answer is compressed.'));
    }
    this.#inner.onResponseStart?.(controller, status, headers, message);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= answerBytesMax) return this.#inner.onResponseData?.(controller, chunk);
    controller.abort(new errors.ResponseExceededMaxSizeError(`The answer has more than ${answerBytesMax} bytes.`));
  }

  onResponseEnd(
    controller: Dispatcher.DispatchController,
    trailers: Record<string, string | string[] | undefined>,
  ): void {
    this.#letGo();
    this.#inner.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#letGo();
    this.#inner.onResponseError?.(controller, error);
  }

  #letGo(): void {
    this.#signal.removeEventListener('abort', this.#abort);
  }
}
