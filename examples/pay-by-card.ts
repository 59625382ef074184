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
 * A shop's backend and its buyer in one: creates an order, pays it by card in the sandbox, and follows it to the end.
 * Whatever it is told goes to a journal, one line each; started again with the same journal, it goes on where it was. A journal that it
 * has named itself is removed once the order is confirmed.
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
  console.error('Pass the token that the server printed: npm run example -- --token <token>');
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

/** What is done and what was heard, in the order in which it was. A line is written whole or not at all. */
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
 * One key for the whole undertaking, and where the log stood before it: made before anything is sent, the same after every restart.
 */
async function begin(client: GraphQLClient): Promise<Extract<Entry, { kind: 'started' }>> {
  const held = entries.find((entry) => entry.kind === 'started');
  if (held !== undefined) return held;
  const { orders } = await client.request(logEnd);
  if (!orders) throw new Error('The log could not be read.');
  const started = { kind: 'started', key: randomUUID(), cursor: orders.eventCursor } as const;
  write(started);
  return started;
}

async function playBuyer(client: GraphQLClient, paymentId: string): Promise<void> {
  const { node } = await client.request(nextActionOf, { id: paymentId });
  const action = node && 'nextAction' in node ? node.nextAction : null;
  if (action?.__typename === 'ConfirmCardAction') await confirmCard(action);
}

/** The buyer's part, which Stripe.js plays in a real page: confirms the payment with a test card. */
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
  if (order?.__typename !== 'Order') throw new Error(`No order: ${order?.message}`);
  console.log(`order ${order.number} (${order.id}); journal ${journal}`);

  const heard = entries.filter((entry) => entry.kind === 'event').map(({ event }) => event);
  for (const event of heard) console.log(`${event.sequence} ${event.type} (heard before)`);
  if (heard.at(-1)?.type === 'ORDER_CONFIRMED') return;
  // The buyer may have been asked before the restart, and not have answered.
  const last = heard.at(-1);
  if (last?.type === 'PAYMENT_ACTION_REQUIRED' && last.paymentId) await playBuyer(client, last.paymentId);
  const following = followToTheEnd(client, order.id, last?.cursor ?? cursor);

  const { payOrder: payment } = await client.request(payOrder, {
    input: { idempotencyKey: `${key}-payment`, orderId: order.id, method: 'CARD', flow: 'EMBEDDED' },
  });
  if (payment?.__typename !== 'Payment') throw new Error(`No payment: ${payment?.message}`);
  await following;
}

/** Hears every event of the order after the cursor, once each; ends when the order is confirmed. */
async function followToTheEnd(client: GraphQLClient, orderId: string, after: string): Promise<void> {
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    retryAttempts: 0, // this script's own restart goes on from the journal
  });
  const variables = { orderId, after };
  const events = socket.iterate<FollowOrderSubscription>({ query: print(followOrder), variables });
  for await (const { data, errors } of events) {
    if (!data) throw new Error(errors?.[0]?.message ?? 'The subscription brought nothing.');
    const event = data.orderEvents;
    write({ kind: 'event', event });
    console.log(`${event.sequence} ${event.type} → ${event.orderStatus}, ${event.orderPaymentStatus}`);
    // Not from payOrder's answer: a repetition may come back while the first call is still under way.
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
  console.error(`It did not work out: ${error instanceof Error ? error.message : error}`);
  console.error(`Is the server running, and the token the one that it printed? To go on: --journal ${journal}`);
  process.exit(1);
});
