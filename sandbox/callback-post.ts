import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** One callback on its way. `body` is sent byte for byte: it is what was signed. */
export type CallbackRequest = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};
export type CallbackResponse = { readonly status: number; readonly body: string };

/**
 * Brings a callback to its receiver; rejects when there is no answer. `signal` aborts when the attempt has taken too long or the
 * sandbox is closed: nobody waits for it any more.
 */
export type CallbackPost = (request: CallbackRequest, signal: AbortSignal) => Promise<CallbackResponse>;

const answerBytesMax = 4096;

/** Over a connection of its own. Redirects are not followed. */
export const postByHttp: CallbackPost = ({ url, headers, body }, signal) =>
  new Promise((resolve, reject) => {
    const ask = url.startsWith('https:') ? httpsRequest : httpRequest;
    const outgoing = ask(
      url,
      {
        method: 'POST',
        agent: false,
        headers: { ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' },
        signal,
      },
      (incoming) => {
        let answer = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (text: string) => {
          if (answer.length < answerBytesMax) answer += text;
        });
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: answer }));
        incoming.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
