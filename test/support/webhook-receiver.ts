import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

export type ReceivedWebhook = {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly payload: {
    readonly type: string;
    readonly timestamp: string;
    readonly data: {
      readonly id: string;
      readonly orderId: string;
      readonly sequence: number;
      readonly cursor: string;
    };
  };
  /** What the receiver answered. */
  readonly status: number;
};

export type WebhookReceiver = {
  readonly url: string;
  /** Everything that came, in order. */
  readonly received: ReceivedWebhook[];
  /** The ids of the events that were acknowledged, in order. */
  acknowledged(): string[];
  /** How the receiver answers from now on. */
  answerWith(answer: (received: Omit<ReceivedWebhook, 'status'>) => number): void;
  close(): Promise<void>;
};

/** A merchant's server. */
export async function startReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  let answer: (received: Omit<ReceivedWebhook, 'status'>) => number = () => 204;
  const server = createServer(async (request, response: ServerResponse) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const webhook = { headers: request.headers, body, payload: JSON.parse(body) as ReceivedWebhook['payload'] };
    const status = answer(webhook);
    received.push({ ...webhook, status });
    response.writeHead(status).end(status === 204 ? '' : `answered ${status}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hooks`,
    received,
    acknowledged: () => received.filter(({ status }) => status < 300).map(({ payload }) => payload.data.id),
    answerWith(next) {
      answer = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Verifies a message as its receiver would. @throws when the signature is not genuine. */
export function verify(secret: string, { headers, body }: Pick<ReceivedWebhook, 'headers' | 'body'>): unknown {
  return new Webhook(secret).verify(body, headers as Record<string, string>);
}
