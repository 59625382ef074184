import { type ExecutionResult, parse, subscribe } from 'graphql';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { onlyAccounts } from '../../src/accounts/provider-accounts.ts';
import { createClientTokens } from '../../src/commands/client-token.ts';
import { type Database, OverloadedError, readLogState } from '../../src/database/database.ts';
import { passAll } from '../../src/domain/failpoint.ts';
import { createFeeds } from '../../src/events/feeds.ts';
import { createNotifier } from '../../src/events/notifications.ts';
import type { Caller } from '../../src/graphql/authentication.ts';
import type { GraphqlContext } from '../../src/graphql/context.ts';
import { createOrderEventsLoader } from '../../src/graphql/order-events-loader.ts';
import { createOrderLoaders } from '../../src/graphql/order-loaders.ts';
import { neverEnding } from '../../src/graphql/revocations.ts';
import { schema } from '../../src/graphql/schema.ts';
import { createLookups } from '../../src/store/lookups.ts';
import { createOrderWriter } from '../../src/store/order-writer.ts';
import { openTestDatabase } from '../support/database.ts';
import { testMasterKeys } from '../support/merchants.ts';
import { createOrder, payOrder, refreshPayment, resolveReview } from '../support/orders.ts';
import { createMinter } from '../support/principals.ts';
import { untilSettled } from '../support/settled.ts';
import { followMerchant, wsClient } from '../support/subscriber.ts';
import { control, startTestApp, type TestApp, withToken } from '../support/test-app.ts';

let app: TestApp;
let start: string;
let orderId: string;
let callers: readonly (readonly [token: string, caller: Caller])[];

beforeAll(async () => {
  app = await startTestApp({ config: { masterKeys: testMasterKeys } });
  await untilSettled(app.database.pool);
  const answer = await app.client.request<{ merchant: { id: string }; orders: { eventCursor: string } }>(
    '{ merchant { id } orders(first: 1) { eventCursor } }',
  );
  const merchantId = answer.merchant.id;
  start = answer.orders.eventCursor;
  const mint = await createMinter(app, merchantId);
  const carl = await mint('CUSTOMER', 'carl');
  const ada = await mint('OPERATOR', 'ada');
  orderId = await makeEvents(carl, ada);
  const { order } = await app.client.request<{ order: { clientToken: string } }>(
    `{ order(id: "${orderId}") { clientToken } }`,
  );
  const as = (role: Caller['role'], id: string, scope: Partial<Caller> = {}): Caller => ({
    ...{ role, id, merchantId, customerId: null, orderId: null, ...scope },
    ...{ returnOrigins: ['*'], webOrigins: ['*'], revoked: neverEnding },
  });
  callers = [
    [app.token, as('MERCHANT', 'development')],
    [ada, as('OPERATOR', 'ada')],
    [await mint('OPERATOR', 'bob'), as('OPERATOR', 'bob')],
    [await mint('VIEWER', 'vera'), as('VIEWER', 'vera')],
    [carl, as('CUSTOMER', 'carl', { customerId: 'carl' })],
    [order.clientToken, as('BUYER', orderId, { orderId })],
  ];
});
afterAll(() => app.close());

/** An order of a customer that is paid late and reviewed, so that its events have every kind of actor, and notes. */
async function makeEvents(customerToken: string, operatorToken: string): Promise<string> {
  const { id } = await createOrder(app, { customerId: 'carl', metadata: { shelf: 'by the door' } });
  const payment = await payOrder(withToken(app, customerToken), id);
  await app.client.request(`mutation { cancelOrder(input: { orderId: "${id}" }) { __typename } }`);
  await control(app.sandboxUrl, `stripe/payment_intents/${payment.providerPaymentId}/succeed`, {});
  app.clock.advance(1100);
  await refreshPayment(app, payment.id);
  const note = 'The cup is still there.';
  await resolveReview(withToken(app, operatorToken), { orderId: id, reasons: ['LATE_PAYMENT'], note });
  await createOrder(app, { customerId: 'dora' });
  await untilSettled(app.database.pool);
  return id;
}

const fields = `
  id cursor sequence type occurredAt orderId orderNumber orderStatus orderPaymentStatus paymentId paymentStatus paymentMethod
  refundId amount { amountMinor currency } failure { reason message providerCode } actor { kind id } note resolvedBy
  order {
    id version metadata allowedActions clientToken customerId eventCursor needsReview payments { id status }
    events(first: 100) { nodes { cursor actor { kind id } note } }
  }`;
const ofMerchant = `subscription($after: EventCursor) { merchantEvents(after: $after) { ${fields} } }`;
const ofOrder = `subscription($after: EventCursor, $id: ID!) { orderEvents(orderId: $id, after: $after) { ${fields} } }`;

type Operation = { readonly query: string; readonly variables: Record<string, unknown> };

/** The payloads of the first `count` messages, as text. */
function framesOf(token: string, operation: Operation, count: number): Promise<string[]> {
  const socket = new WebSocket(`${app.app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const frames: string[] = [];
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code) => reject(new Error(`The socket was closed: ${code}`)));
    socket.on('open', () =>
      socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } })),
    );
    socket.on('message', (data) => {
      const [, text] = /^\{"id":"1","type":"(?:next|error)","payload":(.*)\}$/.exec(String(data)) ?? [];
      if (text !== undefined) frames.push(text);
      else socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: operation }));
      if (frames.length < count) return;
      resolve(frames);
      socket.close();
    });
  });
}

/** The same by GraphQL's own executor, for this caller alone. */
async function unsharedFramesOf(actor: Caller, { query, variables }: Operation, count: number): Promise<string[]> {
  const { database: db, clock } = app;
  const log = { info() {}, warn() {}, error() {} };
  const notifier = createNotifier();
  const contextValue: GraphqlContext = {
    ...{
      actor,
      hasToken: true,
      requestId: 'alone',
      address: '203.0.113.7',
      socket: {},
      lastEventId: null,
      isMeasured: false,
    },
    commands: {
      ...{ db, clock, log, notifier, accounts: onlyAccounts(db, []), failpoint: passAll },
      writer: createOrderWriter({ db, clock, failpoint: passAll }),
      lookups: createLookups(db),
    },
    feeds: createFeeds({ pool: db.pool, notifier, log, readsMax: 1 }),
    logId: (await readLogState(db.pool)).logId,
    administration: {
      ...{ masterKeys: testMasterKeys, isProduction: false, publicUrl: app.app.url },
      webhookRules: { isProduction: false, allowsLoopback: true },
    },
    replayDelivery: () => Promise.reject(new Error('A subscription replays nothing.')),
    clientTokens: createClientTokens(testMasterKeys),
    orderEvents: createOrderEventsLoader(db.pool, actor.merchantId),
    ...createOrderLoaders(db.pool, actor),
  };
  const results = await subscribe({ schema, document: parse(query), variableValues: variables, contextValue });
  if (!(Symbol.asyncIterator in results)) throw new Error(JSON.stringify(results));
  const frames: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const { value } = (await results.next()) as { value: ExecutionResult };
    frames.push(JSON.stringify(value));
  }
  await results.return(undefined);
  return frames;
}

test('every caller gets, byte for byte, what an execution of its own would give, while others follow the same events', async () => {
  const { rows } = await app.database.pool.query<{ count: bigint }>(
    'select count(*) as count from events where order_id = $1',
    [orderId],
  );
  const ofThisOrder = Number(rows[0]?.count);
  const wanted = callers.flatMap(([token, caller]) => {
    const orders = { query: ofOrder, variables: { after: start, id: orderId } };
    const merchants = { query: ofMerchant, variables: { after: start } };
    const isStaff = caller.customerId === null && caller.orderId === null;
    return [
      { token, caller, operation: orders, count: ofThisOrder },
      ...(isStaff ? [{ token, caller, operation: merchants, count: ofThisOrder + 1 }] : []),
    ];
  });
  // Two of each at once: the second one shares what the first one has executed.
  const shared = await Promise.all(
    [...wanted, ...wanted].map(({ token, operation, count }) => framesOf(token, operation, count)),
  );
  for (const [index, { caller, operation, count }] of wanted.entries()) {
    const alone = await unsharedFramesOf(caller, operation, count);
    expect(alone.every((frame) => frame.startsWith('{"data":{'))).toBe(true);
    expect(shared[index]).toEqual(alone);
    expect(shared[index + wanted.length]).toEqual(alone);
  }
});

test('the texts of the merchant do not reach its customers and buyers', async () => {
  const operation = { query: ofOrder, variables: { after: start, id: orderId } };
  for (const [token, { role }] of callers) {
    const text = (await framesOf(token, operation, 5)).join('');
    const isStaff = role !== 'CUSTOMER' && role !== 'BUYER';
    expect([text.includes('by the door'), text.includes('development')]).toEqual([isStaff, isStaff]);
  }
});

/**
 * Collects the statements of a database that do not go through Prisma or a transaction and returned rows, other than events that an older
 * transaction holds back. How often the log is read in vain depends on what else runs on the server.
 */
function counting(database: Database): { readonly database: Database; readonly texts: string[] } {
  const texts: string[] = [];
  const counted = (pool: pg.Pool) =>
    new Proxy(pool, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: [string | pg.QueryConfig, ...unknown[]]) => {
          const result: unknown = Reflect.apply(value, target, args);
          if (name !== 'query') return result;
          return (result as Promise<pg.QueryResult>).then((reply) => {
            if (reply.rows.some(({ isSettled = true }) => isSettled))
              texts.push(typeof args[0] === 'string' ? args[0] : args[0].text);
            return reply;
          });
        };
      },
    });
  return { texts, database: { ...database, pool: counted(database.pool), follows: counted(database.follows) } };
}

test('the number of statements for an event does not depend on the number of subscribers', async () => {
  const opened = await openTestDatabase();
  const { database, texts } = counting(opened);
  const node = await startTestApp({ database });
  try {
    const statementsFor = async (count: number) => {
      await untilSettled(database.pool);
      const { orders } = await node.client.request<{ orders: { eventCursor: string } }>(
        '{ orders(first: 1) { eventCursor } }',
      );
      const subscribers = Array.from({ length: count }, () => followMerchant(node, orders.eventCursor));
      const hearAll = async (events: number) => {
        await createOrder(node);
        await Promise.all(subscribers.map(({ until, heard }) => until(() => heard.length >= events)));
      };
      await hearAll(1); // now all of them listen
      const before = texts.length;
      await hearAll(2);
      const statements = texts.slice(before).filter((text) => text.includes('from events'));
      await Promise.all(subscribers.map(({ stop }) => stop()));
      return statements.length;
    };
    const forOne = await statementsFor(1);
    expect(forOne).toBeGreaterThan(0);
    expect(await statementsFor(50)).toBe(forOne);
  } finally {
    await node.close();
    await opened.close();
  }
});

test('a subscriber gets its event when the database is back, not an error in its place', async () => {
  const opened = await openTestDatabase();
  let failures = 0;
  const pool = new Proxy(opened.pool, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        const [statement] = args as [{ readonly name?: string } | string];
        const isOrder = typeof statement === 'object' && statement.name?.startsWith('order by id');
        if (name !== 'query' || !isOrder || failures === 0) return Reflect.apply(value, target, args);
        failures -= 1;
        return Promise.reject(new OverloadedError('The database is away.'));
      };
    },
  });
  const node = await startTestApp({ database: { ...opened, pool } });
  try {
    const { id, eventCursor } = await createOrder(node);
    const heard: unknown[] = [];
    const client = wsClient(node);
    await payOrder(node, id);
    failures = 2;
    const query = `subscription { orderEvents(orderId: "${id}", after: "${eventCursor}") { sequence order { id } } }`;
    for await (const result of client.iterate({ query })) {
      heard.push(result);
      if (heard.length === 2) break;
    }
    expect(failures).toBe(0);
    expect(heard).toEqual([2, 3].map((sequence) => ({ data: { orderEvents: { sequence, order: { id } } } })));
    await client.dispose();
  } finally {
    await node.close();
    await opened.close();
  }
});
