import { type Client, createClient } from 'graphql-ws';
import WebSocket from 'ws';
import type { EventType } from '../../generated/graphql/graphql.ts';
import type { TestApp } from './test-app.ts';

export type HeardEvent = {
  readonly cursor: string;
  readonly sequence: number;
  readonly type: EventType;
  readonly orderId: string;
  readonly orderStatus: string;
  readonly orderPaymentStatus: string;
  readonly paymentId: string | null;
  readonly paymentStatus: string | null;
};

const fields = 'cursor sequence type orderId orderStatus orderPaymentStatus paymentId paymentStatus';

/** A dashboard on a WebSocket: keeps what it hears, and waits for what it expects. */
export type Subscriber = {
  readonly heard: HeardEvent[];
  /** Resolves with all that was heard once one of them fits; rejects when the subscription fails. */
  until(fits: (event: HeardEvent) => boolean): Promise<HeardEvent[]>;
  stop(): Promise<void>;
  /** Resolves when the server has ended the subscription. */
  readonly ended: Promise<void>;
};

export function wsClient(app: TestApp, token: string | null = app.token): Client {
  return createClient({
    url: `${app.app.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: token === null ? {} : { authorization: `Bearer ${token}` },
    retryAttempts: 0,
  });
}

export function followOrder(app: TestApp, orderId: string, after: string | null = null): Subscriber {
  return follow(
    app,
    `subscription($orderId: ID!, $after: EventCursor) { event: orderEvents(orderId: $orderId, after: $after) { ${fields} } }`,
    {
      orderId,
      after,
    },
  );
}

export function followMerchant(app: TestApp, after: string | null, types: EventType[] | null = null): Subscriber {
  return follow(
    app,
    `subscription($after: EventCursor, $types: [EventType!]) { event: merchantEvents(after: $after, types: $types) { ${fields} } }`,
    { after, types },
  );
}

function follow(app: TestApp, query: string, variables: Record<string, unknown>): Subscriber {
  const client = wsClient(app);
  const heard: HeardEvent[] = [];
  let failure: unknown = null;
  let notice = () => {};
  const done = (async () => {
    try {
      for await (const { data, errors } of client.iterate<{ event: HeardEvent }>({ query, variables })) {
        if (!data) throw new Error(JSON.stringify(errors));
        heard.push(data.event);
        notice();
      }
    } catch (error) {
      failure = error;
      notice();
    }
  })();
  return {
    heard,
    ended: done,
    async until(fits) {
      for (;;) {
        if (heard.some(fits)) return heard;
        if (failure !== null) throw failure;
        await new Promise<void>((resolve) => {
          notice = resolve;
        });
      }
    },
    async stop() {
      await client.dispose();
      await done;
    },
  };
}
