import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { CallbackRequest, CallbackResponse } from '../../sandbox/callback-post.ts';
import { handleWebhook, type WebhookParts } from '../../src/http/webhooks.ts';

/** Hands a callback to the real route without a socket. Resolves with the answer as soon as it is sent, whatever follows it. */
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
  }) as unknown as IncomingMessage; // as much of one as the route reads
  return new Promise((resolve, reject) => {
    const response = {
      req: request,
      setHeader: () => response,
      writeHead: (status: number) => ({ end: (text: string) => resolve({ status, body: text }) }),
    };
    handleWebhook(parts, request, response as unknown as ServerResponse, path).catch(reject);
  });
}
