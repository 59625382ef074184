import { Dispatcher, errors } from 'undici';
import type { InProcessRequest, InProcessResponse } from '../../sandbox/in-process.ts';
import { type Door, unansweredStatus } from './provider-client.ts';

/** An undici dispatcher that sends requests through a `door` and reports responses and failures as undici does. */
export function doorDispatcher(door: Door): Dispatcher {
  // `compose` converts handlers of every undici version into the form used below.
  return new NowhereDispatcher().compose(() => (options, handler) => {
    void carry(door, options, handler);
    return true;
  });
}

/** Has no fields, because Alipay's SDK walks through the fields of every object that it gets. */
class NowhereDispatcher extends Dispatcher {}

async function carry(
  door: Door,
  options: Dispatcher.DispatchOptions,
  handler: Dispatcher.DispatchHandler,
): Promise<void> {
  const controller = new Controller();
  handler.onRequestStart?.(controller, {});
  const outcome = await door(requestOf(options));
  if (controller.aborted)
    return handler.onResponseError?.(controller, controller.reason ?? new Error('It was aborted.'));
  if (outcome === 'reset') return handler.onResponseError?.(controller, new errors.SocketError('other side closed'));
  if (isUnanswered(outcome)) return handler.onResponseError?.(controller, new errors.HeadersTimeoutError());
  handler.onResponseStart?.(controller, outcome.status, { ...outcome.headers }, '');
  // Text that is not UTF-8 passes the door as one character per byte.
  const isBytes = /charset=gbk/i.test(outcome.headers['content-type'] ?? '');
  handler.onResponseData?.(controller, Buffer.from(outcome.body, isBytes ? 'latin1' : 'utf8'));
  handler.onResponseEnd?.(controller, {});
}

function isUnanswered(outcome: InProcessResponse | 'unanswered'): outcome is 'unanswered' {
  return outcome === 'unanswered' || outcome.status === unansweredStatus;
}

function requestOf({ method, path, headers, body }: Dispatcher.DispatchOptions): InProcessRequest {
  const isText = typeof body === 'string' || Buffer.isBuffer(body);
  if (body != null && !isText) throw new TypeError('Only text goes through a door.');
  return {
    method: method as InProcessRequest['method'],
    path,
    headers: Object.fromEntries(
      Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]),
    ),
    ...(isText && { body: body.toString() }),
  };
}

/** The controller through which undici pauses a response or aborts a request. */
class Controller implements Dispatcher.DispatchController {
  aborted = false;
  paused = false;
  reason: Error | null = null;

  abort(reason: Error): void {
    this.aborted = true;
    this.reason = reason;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}
