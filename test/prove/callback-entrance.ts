import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { CallbackRequest, CallbackResponse } from '../../sandbox/callback-post.ts';
import type { Answer } from '../../src/http/answer.ts';
import { handleWebhook, type WebhookParts } from '../../src/http/webhooks.ts';

/**
 * Passes a callback to the real route without a socket. Resolves as soon as the answer is sent; the route may go on.
 *
 * @param handling gets a promise that is settled when the route has ended, which is when the callback is being applied.
 */
export function receiveCallback(
  parts: WebhookParts,
  { url, headers, body }: CallbackRequest,
  handling: Set<Promise<unknown>>,
): Promise<CallbackResponse> {
  const path = new URL(url).pathname;
  const lowerCased = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const request = Object.assign(Readable.from([Buffer.from(body)]), {
    method: 'POST',
    url: path,
    headers: lowerCased,
    complete: true,
  }) as unknown as IncomingMessage; // only the properties that the route reads
  return new Promise((resolve, reject) => {
    const response = {
      req: request,
      setHeader: () => response,
      replaceHeader: () => undefined,
      sendText: (status: number, _type: string, text: string) => resolve({ status, body: text }),
    };
    const handled = handleWebhook(parts, request, response as unknown as Answer, path)
      .catch(reject)
      .finally(() => handling.delete(handled));
    handling.add(handled);
  });
}
