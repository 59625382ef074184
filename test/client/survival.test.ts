import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { createApollo, followMerchant as followWithApollo } from '../../examples/frontend/apollo.ts';
import { followMerchant as followWithEventSource } from '../../examples/frontend/event-source.ts';
import { createRelay } from '../../examples/frontend/relay.ts';
import { createUrql, followMerchant as followWithUrql } from '../../examples/frontend/urql.ts';
import { EndOfLogDocument } from '../../packages/client/generated/graphql.ts';
import { createPaystreamClient } from '../../packages/client/src/main.ts';
import { type Home, makeHome, type ServerProcess, startServerProcess } from '../support/server-process.ts';

/** Set by `npm run prove:clients`. */
const kills = Number(process.env.KILLS ?? 2);

let home: Home;
let server: ServerProcess;
beforeAll(async () => {
  home = await makeHome();
  server = await startServerProcess(home);
});
afterAll(() => server.kill());

type Heard = { readonly cursor: string; readonly orderId: string; readonly sequence: number };
type Follower = { readonly heard: string[]; readonly end: () => void };

/** Repeats a request until it is answered, as a shop does whose server was killed. */
async function ask<T>(query: string, variables: object = {}): Promise<T> {
  for (;;) {
    try {
      return await server.client.request<T>(query, variables);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Makes events: an order, and a payment of it. */
async function shop(): Promise<void> {
  const lines = [{ name: 'Cup', quantity: 1, unitAmountMinor: 1250 }];
  const create = { idempotencyKey: randomUUID(), currency: 'EUR', lines };
  const { createOrder } = await ask<{ createOrder: { id: string } }>(
    'mutation($input: CreateOrderInput!) { createOrder(input: $input) { ... on Order { id } } }',
    { input: create },
  );
  const pay = { idempotencyKey: randomUUID(), orderId: createOrder.id, method: 'CARD', flow: 'EMBEDDED' };
  await ask('mutation($input: PayOrderInput!) { payOrder(input: $input) { __typename } }', { input: pay });
}

async function readLog(start: string): Promise<string[]> {
  const names: string[] = [];
  for (let after = start; ; ) {
    type Page = { events: { nodes: Heard[]; pageInfo: { hasNextPage: boolean; endCursor: string } } };
    const { events } = await ask<Page>(
      'query($after: EventCursor) { events(first: 100, after: $after) { nodes { cursor orderId sequence } pageInfo { hasNextPage endCursor } } }',
      { after },
    );
    names.push(...events.nodes.map(nameOf));
    if (!events.pageInfo.hasNextPage) return names;
    after = events.pageInfo.endCursor;
  }
}

const nameOf = ({ orderId, sequence }: Heard): string => `${orderId} ${sequence}`;

function startFollowers(
  url: string,
  token: string,
  after: string,
  fail: (error: unknown) => void,
): Record<string, Follower> {
  const sockets = { webSocketImpl: WebSocket };
  const follower = (start: (hear: (event: Heard) => void) => () => void): Follower => {
    const heard: string[] = [];
    return { heard, end: start((event) => heard.push(nameOf(event))) };
  };
  const own = (transport: 'websocket' | 'sse') =>
    follower((hear) => {
      const client = createPaystreamClient({ url, token, ...sockets });
      const read = async () => {
        for await (const event of client.follow('merchant', { after, transport })) hear(event);
      };
      read().catch(fail);
      return () => client.close();
    });
  return {
    'our client over WebSocket': own('websocket'),
    'our client over SSE': own('sse'),
    Apollo: follower((hear) => {
      const { client, close } = createApollo(url, token, sockets);
      const end = followWithApollo(client, after, hear, fail);
      return () => {
        end();
        client.stop();
        void close();
      };
    }),
    urql: follower((hear) => {
      const { client, close } = createUrql(url, token, sockets);
      const end = followWithUrql(client, after, hear, fail);
      return () => {
        end();
        void close();
      };
    }),
    Relay: follower((hear) => {
      const { environment, close } = createRelay(url, token, sockets);
      const text =
        'subscription Events($after: EventCursor!) { merchantEvents(after: $after) { cursor orderId sequence } }';
      const params = {
        id: null,
        cacheID: 'events',
        name: 'Events',
        operationKind: 'subscription',
        text,
        metadata: {},
      } as const;
      const { unsubscribe } = environment
        .getNetwork()
        .execute(params, { after }, {})
        .subscribe({
          next: (result) => hear((result as { data: { merchantEvents: Heard } }).data.merchantEvents),
          error: fail,
        });
      return () => {
        unsubscribe();
        void close();
      };
    }),
    EventSource: follower((hear) => followWithEventSource(url, token, after, hear, fail)),
  };
}

test(`our client, Apollo, urql, Relay and EventSource survive ${kills} kills of the server without a gap or a repeat`, async () => {
  const { orders } = await ask<{ orders: { eventCursor: string } }>(String(EndOfLogDocument));
  const failures: unknown[] = [];
  const followers = startFollowers(`${server.url}/graphql`, server.token, orders.eventCursor, (error) =>
    failures.push(error),
  );
  for (let kill = 1; kill <= kills; kill += 1) {
    const shopping = Promise.all(Array.from({ length: 3 }, shop));
    // One round in three kills a server at which the followers have just arrived.
    if (kill % 3 !== 0)
      await expect.poll(() => Object.values(followers).some(({ heard }) => heard.length >= kill)).toBe(true);
    if (process.env.KILLS !== undefined) console.log(`kill ${kill} of ${kills}`);
    await server.kill();
    server = await startServerProcess(home);
    await shopping;
  }
  await shop();
  const log = await readLog(orders.eventCursor);
  expect(log.length).toBeGreaterThanOrEqual(kills * 9);
  for (const [name, { heard, end }] of Object.entries(followers)) {
    await expect.poll(() => heard.length, { message: name }).toBeGreaterThanOrEqual(log.length);
    end();
    // A payment whose server was killed is continued after its lease, so events may have come since.
    const later = await readLog(orders.eventCursor);
    expect(heard, name).toEqual(later.slice(0, heard.length));
  }
  expect(failures).toEqual([]);
});
