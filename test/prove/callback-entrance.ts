import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { CallbackRequest, CallbackResponse } from '../../sandbox/callback-post.ts';
import { handleWebhook, type WebhookParts } from '../../src/http/webhooks.ts';

/** Passes a callback to the real route without a socket. Resolves as soon as the answer is sent; processing may continue. */
export function receiveCallback(
  parts: WebhookParts,
  { url, headers, body }: CallbackRequest,
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
      writeHead: (status: number) => ({ end: (text: string) => resolve({ status, body: text }) }),
    };
    handleWebhook(parts, request, response as unknown as ServerResponse, path).catch(reject);
  });
}
