import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** One attempt to deliver a callback. `body` is sent byte for byte, because it is signed. */
export type CallbackRequest = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};
export type CallbackResponse = { readonly status: number; readonly body: string };

/**
 * Posts a callback to its receiver; rejects when no response arrives. `signal` aborts when the attempt takes too long and when the
 * sandbox closes. From then on the result is ignored.
 */
export type CallbackPost = (request: CallbackRequest, signal: AbortSignal) => Promise<CallbackResponse>;

/** How callbacks reach their receiver, and the limit in real time for one attempt. */
export type CallbackTransport = { readonly post: CallbackPost; readonly attemptTimeoutMs: number };

/** The result of one attempt: a response, or the error that prevented one. */
export type AttemptResult = { readonly status: number | null; readonly body: string; readonly error: string | null };

/** In real time. */
export const defaultAttemptTimeoutMs = 10_000;
const responseBytesMax = 4096;

/** Posts over a new connection and does not follow redirects. */
export const postByHttp: CallbackPost = ({ url, headers, body }, signal) =>
  new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? httpsRequest : httpRequest;
    const outgoing = request(
      url,
      {
        method: 'POST',
        agent: false,
        headers: { ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' },
        signal,
      },
      (incoming) => {
        let response = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (text: string) => {
          if (response.length < responseBytesMax) response += text;
        });
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: response }));
        incoming.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });

/** Makes one attempt within its time limit. Never rejects: an error is the result. `stopped` aborts when the sandbox closes. */
export async function attemptPost(
  { post, attemptTimeoutMs }: CallbackTransport,
  request: CallbackRequest,
  stopped: AbortSignal,
): Promise<AttemptResult> {
  const attempt = new AbortController();
  const { signal } = attempt;
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  const stop = (): void => attempt.abort(new Error('the sandbox was closed'));
  stopped.addEventListener('abort', stop, { once: true });
  const expire = (): void => attempt.abort(new Error(`no response within ${attemptTimeoutMs} ms`));
  const timer = setTimeout(expire, attemptTimeoutMs);
  try {
    const { status, body } = await Promise.race([post(request, signal), aborted]);
    return { status, body, error: null };
  } catch (error) {
    return { status: null, body: '', error: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
    stopped.removeEventListener('abort', stop);
  }
}
