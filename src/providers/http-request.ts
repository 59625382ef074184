import { type Dispatcher, errors, request as send } from 'undici';
import { traceHeaders } from '../telemetry/traceparent.ts';
import { withDeadline } from './deadline.ts';
import { MisconfiguredError, NotExecutedError } from './provider.ts';

export type HttpRequest = {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for a GET. */
  readonly body: string;
  /** The limit for the complete response, in milliseconds. */
  readonly timeoutMs: number;
};

export type HttpReply = {
  readonly status: number;
  /** Names in lower case. The values of a repeated header are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** The raw bytes, including a byte order mark: signatures cover all of them. */
  readonly body: Buffer;
};

/** API responses are short. Bills are downloaded by `downloadBill`. */
const answerBytesMax = 1024 * 1024;

/** Nothing was written to a connection, so the request was certainly not executed. */
export class NotSentError extends Error {
  /** True for an error that persists: a header or URL that cannot be sent, or a certificate that does not verify. */
  readonly isLasting: boolean;

  constructor(cause: unknown) {
    super(`Nothing was sent: ${nameOf(cause)}.`, { cause });
    this.isLasting =
      cause instanceof errors.InvalidArgumentError || cause instanceof TypeError || isOfCertificate(codeOf(cause));
  }
}

/**
 * Sends a request and returns the response. Redirects are returned and never followed, because they could send a signed
 * request to another host. A compressed response, which no request asks for, and a response of more than one mebibyte
 * are refused.
 *
 * @throws {NotSentError} when the request failed before anything was written. After any other error the request may
 * have been executed. The error's name is TimeoutError when the time limit was reached.
 */
export function sendRequest(
  dispatcher: Dispatcher,
  { method, url, headers, body, timeoutMs }: HttpRequest,
  signal: AbortSignal,
): Promise<HttpReply> {
  return withDeadline(signal, timeoutMs, async (deadline) => {
    const progress = { isStarted: false };
    const watched = dispatcher.compose(
      (dispatch) => (options, handler) => dispatch(options, new StartWatch(handler, progress)),
    );
    // undici notices an abort only after it is connected.
    const aborted = new Promise<never>((_, reject) => {
      const end = () => reject(deadline.reason);
      if (deadline.aborted) end();
      else deadline.addEventListener('abort', end, { once: true });
    });
    const ask = async (): Promise<HttpReply> => {
      const sent = {
        method,
        headers: { ...headers, ...traceHeaders() },
        ...(method === 'POST' && { body }),
        dispatcher: watched,
        signal: deadline,
      };
      const { statusCode: status, headers: told, body: stream } = await send(url, sent);
      return { status, headers: joined(told), body: await bytesOf(stream, told['content-encoding']) };
    };
    try {
      return await Promise.race([ask(), aborted]);
    } catch (error) {
      throw progress.isStarted ? error : new NotSentError(error);
    }
  });
}

/**
 * The error of a call whose request was not sent.
 *
 * @param lookAt says what an operator can check, as part of a sentence.
 */
export function notExecuted(error: NotSentError, provider: string, lookAt: string): NotExecutedError {
  if (error.isLasting) {
    const message = `${provider} cannot be called: ${nameOf(error.cause)}; ${lookAt}.`;
    return new MisconfiguredError(message, 30_000, { cause: error });
  }
  return new NotExecutedError(`${provider} could not be reached: ${nameOf(error.cause)}.`, 5000, { cause: error });
}

/** Records that undici has a connection and begins to write. */
class StartWatch implements Dispatcher.DispatchHandler {
  readonly #inner: Dispatcher.DispatchHandler;
  readonly #progress: { isStarted: boolean };

  constructor(inner: Dispatcher.DispatchHandler, progress: { isStarted: boolean }) {
    this.#inner = inner;
    this.#progress = progress;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#progress.isStarted = true;
    this.#inner.onRequestStart?.(controller, context);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    message?: string,
  ): void {
    this.#inner.onResponseStart?.(controller, status, headers, message);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#inner.onResponseData?.(controller, chunk);
  }

  onResponseEnd(
    controller: Dispatcher.DispatchController,
    trailers: Record<string, string | string[] | undefined>,
  ): void {
    this.#inner.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#inner.onResponseError?.(controller, error);
  }
}

type Body = Awaited<ReturnType<typeof send>>['body'];

async function bytesOf(stream: Body, encoding: string | string[] | undefined): Promise<Buffer> {
  const refuse = (error: Error): never => {
    stream.on('error', () => {}); // // reported below
    stream.destroy(error);
    throw error;
  };
  if (encoding !== undefined && encoding !== 'identity') refuse(new Error('The answer is compressed.'));
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) refuse(new RangeError(`The answer has more than ${answerBytesMax} bytes.`));
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function joined(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The error code if there is one: messages of network errors contain addresses. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it was given up';
  const code = error instanceof errors.InvalidArgumentError ? '' : codeOf(error);
  return code || error.message.replace(/\.$/, '') || error.name;
}

/**
 * Node refuses a certificate before it sends anything. Other TLS errors can occur at any time and are not of this kind.
 */
function isOfCertificate(code: string): boolean {
  return /^(CERT_|ERR_TLS_CERT_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY)_)/.test(code);
}
