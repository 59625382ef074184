import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { print } from 'graphql';
import { GraphQLClient } from 'graphql-request';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { graphql } from '../generated/graphql/gql.ts';
import type { FollowOrderSubscription } from '../generated/graphql/graphql.ts';

/**
 * A shop's backend and its buyer in one program: creates an order, pays it by card in the sandbox, and follows it until it is confirmed.
 * It writes each event to a journal file. Started again with the same journal, it continues where it stopped. A journal with a generated
 * name is removed when the order is confirmed.
 *
 *   npm run example -- --token <token> [--url http://127.0.0.1:4000/graphql] [--sandbox http://127.0.0.1:4100] [--journal FILE]
 */
const { values: options } = parseArgs({
  options: {
    token: { type: 'string' },
    url: { type: 'string', default: 'http://127.0.0.1:4000/graphql' },
    sandbox: { type: 'string', default: 'http://127.0.0.1:4100' },
    journal: { type: 'string' },
  },
});
if (options.token === undefined) {
  console.error('--token is missing. Pass the token that the server printed: npm run example -- --token <token>');
  process.exit(1);
}
const authorization = `Bearer ${options.token}`;
const { url, sandbox, journal = `.example-${randomUUID()}.jsonl` } = options;
const isOwnJournal = /^\.example-[0-9a-f-]{36}\.jsonl$/.test(journal);

const logEnd = graphql(`
  query LogEnd {
    orders(first: 1) {
      eventCursor
    }
  }
`);
const createOrder = graphql(`
  mutation CreateOrder($input: CreateOrderInput!) {
    createOrder(input: $input) {
      __typename
      ... on Order {
        id
        number
        eventCursor
      }
      ... on Error {
        code
        message
      }
    }
  }
`);
const payOrder = graphql(`
  mutation PayOrder($input: PayOrderInput!) {
    payOrder(input: $input) {
      __typename
      ... on Payment {
        id
        status
      }
      ... on Error {
        code
        message
      }
    }
  }
`);
const nextActionOf = graphql(`
  query NextAction($id: ID!) {
    node(id: $id) {
      ... on Payment {
        nextAction {
          __typename
          ... on ConfirmCardAction {
            clientSecret
            publishableKey
          }
        }
      }
    }
  }
`);
const followOrder = graphql(`
  subscription FollowOrder($orderId: ID!, $after: EventCursor) {
    orderEvents(orderId: $orderId, after: $after) {
      cursor
      sequence
      type
      paymentId
      orderStatus
      orderPaymentStatus
    }
  }
`);

/** A line of the journal: the start, or a received event. The last line may be incomplete after a crash, and is then ignored. */
type Entry =
  | { readonly kind: 'started'; readonly key: string; readonly cursor: string }
  | { readonly kind: 'event'; readonly event: FollowOrderSubscription['orderEvents'] };

const entries: Entry[] = existsSync(journal)
  ? readFileSync(journal, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Entry)
  : [];

function write(entry: Entry): void {
  appendFileSync(journal, `${JSON.stringify(entry)}\n`);
  entries.push(entry);
}

/**
 * Returns the idempotency key of this run and the end of the log before it. Both are stored before the first mutation, so that a restarted
 * program uses the same key and misses no event.
 */
async function begin(client: GraphQLClient): Promise<Extract<Entry, { kind: 'started' }>> {
  const stored = entries.find((entry) => entry.kind === 'started');
  if (stored !== undefined) return stored;
  const { orders } = await client.request(logEnd);
  if (!orders) throw new Error('The end of the log could not be read.');
  const started = { kind: 'started', key: randomUUID(), cursor: orders.eventCursor } as const;
  write(started);
  return started;
}

async function playBuyer(client: GraphQLClient, paymentId: string): Promise<void> {
  const { node } = await client.request(nextActionOf, { id: paymentId });
  const action = node && 'nextAction' in node ? node.nextAction : null;
  if (action?.__typename === 'ConfirmCardAction') await confirmCard(action);
}

/** Confirms the payment with a test card, as Stripe.js does in a real page. */
async function confirmCard(action: { clientSecret: string; publishableKey: string }): Promise<void> {
  const [intentId] = action.clientSecret.split('_secret_');
  const response = await fetch(`${sandbox}/v1/payment_intents/${intentId}/confirm`, {
    method: 'POST',
    headers: { authorization: `Bearer ${action.publishableKey}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ client_secret: action.clientSecret, payment_method: 'pm_card_visa' }),
  });
  if (!response.ok) throw new Error(`The sandbox refused the card: ${await response.text()}`);
}

async function main(): Promise<void> {
  const client = new GraphQLClient(url, { headers: { authorization } });
  const { key, cursor } = await begin(client);
  const { createOrder: order } = await client.request(createOrder, {
    input: {
      idempotencyKey: `${key}-order`,
      currency: 'EUR',
      lines: [{ name: 'Espresso cup', quantity: 2, unitAmountMinor: 1250 }],
    },
  });
  if (order?.__typename !== 'Order') throw new Error(`createOrder failed: ${order?.message}`);
  console.log(`order ${order.number} (${order.id}); journal ${journal}`);

  const received = entries.filter((entry) => entry.kind === 'event').map(({ event }) => event);
  for (const event of received) console.log(`${event.sequence} ${event.type} (already received)`);
  if (received.at(-1)?.type === 'ORDER_CONFIRMED') return;
  // The buyer may not have paid before the restart.
  const last = received.at(-1);
  if (last?.type === 'PAYMENT_ACTION_REQUIRED' && last.paymentId) await playBuyer(client, last.paymentId);
  const following = followToTheEnd(client, order.id, last?.cursor ?? cursor);

  const { payOrder: payment } = await client.request(payOrder, {
    input: { idempotencyKey: `${key}-payment`, orderId: order.id, method: 'CARD', flow: 'EMBEDDED' },
  });
  if (payment?.__typename !== 'Payment') throw new Error(`payOrder failed: ${payment?.message}`);
  await following;
}

/** Receives every event of the order after the cursor, once each. Resolves when the order is confirmed. */
async function followToTheEnd(client: GraphQLClient, orderId: string, after: string): Promise<void> {
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    retryAttempts: 0, // a restart of this program continues from the journal
  });
  const variables = { orderId, after };
  const events = socket.iterate<FollowOrderSubscription>({ query: print(followOrder), variables });
  for await (const { data, errors } of events) {
    if (!data) throw new Error(errors?.[0]?.message ?? 'The subscription returned no data.');
    const event = data.orderEvents;
    write({ kind: 'event', event });
    console.log(`${event.sequence} ${event.type} → ${event.orderStatus}, ${event.orderPaymentStatus}`);
    // Not after payOrder's answer: a repeated call can return while the first one is still in progress.
    if (event.type === 'PAYMENT_ACTION_REQUIRED' && event.paymentId) await playBuyer(client, event.paymentId);
    if (event.type === 'ORDER_CONFIRMED') break;
  }
  await socket.dispose();
}

async function run(): Promise<void> {
  await main();
  if (isOwnJournal) rmSync(journal, { force: true });
}

await run().catch((error: unknown) => {
  console.error(`The example failed: ${error instanceof Error ? error.message : error}`);
  console.error(
    `Check that the server is running and that the token is the one that it printed. To continue: --journal ${journal}`,
  );
  process.exit(1);
});
