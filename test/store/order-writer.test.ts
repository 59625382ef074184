import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onlyAccounts } from '../../src/accounts/provider-accounts.ts';
import { createOrder } from '../../src/commands/create-order.ts';
import type { Database } from '../../src/database/database.ts';
import { systemActor } from '../../src/domain/actor.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { InvalidInputError, NotFoundError } from '../../src/domain/errors.ts';
import { passAll } from '../../src/domain/failpoint.ts';
import { newId } from '../../src/domain/ids.ts';
import type { OrderChange } from '../../src/domain/order-change.ts';
import { needReview } from '../../src/domain/review.ts';
import type { CommandContext } from '../../src/provider-calls/context.ts';
import { changeOrder } from '../../src/store/change-order.ts';
import { createLookups } from '../../src/store/lookups.ts';
import { ensureFirstMerchant } from '../../src/store/merchant-store.ts';
import { loadOrder, orderLockSpace } from '../../src/store/order-store.ts';
import { batchSizeMax, createOrderWriter } from '../../src/store/order-writer.ts';
import { openTestDatabase } from '../support/database.ts';

let database: Database;
let merchantId: string;
/** The number of transactions so far. */
let transactions = 0;

beforeAll(async () => {
  database = await openTestDatabase();
  ({ id: merchantId } = await ensureFirstMerchant(database, new Date()));
});
afterAll(() => database.close());

/** A node of its own on the same database. */
function startNode(): CommandContext {
  const db: Database = {
    ...database,
    changeLocked(change) {
      transactions += 1;
      return database.changeLocked(change);
    },
  };
  return {
    ...{ db, clock: systemClock, failpoint: passAll, accounts: onlyAccounts(db, []) },
    writer: createOrderWriter({ db, clock: systemClock, failpoint: passAll }),
    lookups: createLookups(db),
    notifier: { notify() {} },
    log: { info() {}, warn() {}, error() {} },
  };
}

const node = () => startNode();

function createAt(context: CommandContext, given: { number?: string; idempotencyKey?: string } = {}): Promise<string> {
  return createOrder(
    context,
    { merchantId, customerId: null, orderId: null, role: 'MERCHANT', id: 'test', returnOrigins: [] },
    {
      ...{ idempotencyKey: randomUUID(), currency: 'EUR', ...given },
      lines: [{ name: 'Cup', quantity: 1, unitAmountMinor: 100n }],
    },
  );
}

function createMany(context: CommandContext, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => createAt(context)));
}

const reviewAt = (context: CommandContext, orderId: string) =>
  changeOrder(context, 'review', { orderId, actor: systemActor }, (change) => {
    needReview(change, 'SURPLUS', 'a test');
    return orderId;
  });

/** Breaks a rule of the database, which the domain never does. */
const breakRule = (change: OrderChange) => change.record('ORDER_REVIEW_NEEDED', { order: { totalMinor: -1n } });

const versionOf = async (orderId: string) => (await loadOrder(database.pool, orderId))?.order.version;

test('concurrent changes are written together, and each caller gets the result of its own', async () => {
  const context = node();
  const orderIds = await createMany(context, 2 * batchSizeMax);
  transactions = 0;
  expect(await Promise.all(orderIds.map((id) => reviewAt(context, id)))).toEqual(orderIds);
  expect(transactions).toBe(2); // at most `batchSizeMax` at a time
  expect(await Promise.all(orderIds.map(versionOf))).toEqual(orderIds.map(() => 2));
});

test('concurrent changes of one order follow each other: each sees what the one before has written', async () => {
  const context = node();
  const [orderId = ''] = await createMany(context, 1);
  const versions = await Promise.all(
    Array.from({ length: 20 }, () =>
      changeOrder(context, 'review', { orderId, actor: systemActor }, (change) => {
        change.record('ORDER_REVIEW_NEEDED', { note: 'a test' });
        return change.order.version;
      }),
    ),
  );
  expect(versions).toEqual(Array.from({ length: 20 }, (_, index) => index + 2));
});

test('a decision that throws harms no neighbour', async () => {
  const context = node();
  const orderIds = await createMany(context, 3);
  const missing = newId('order');
  const results = await Promise.allSettled([
    ...orderIds.map((id) => reviewAt(context, id)),
    changeOrder(context, 'review', { orderId: missing, actor: systemActor }, () => 'found'),
    createAt(context, { number: 'A-1' }),
    createAt(context, { number: 'A-1' }),
  ]);
  expect(results.map(({ status }) => status)).toEqual([
    ...['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'rejected'],
  ]);
  expect(results[3]).toMatchObject({ reason: expect.any(NotFoundError) });
  expect(results[5]).toMatchObject({ reason: expect.any(InvalidInputError) });
});

test('a change that the database refuses fails alone, and writes nothing', async () => {
  const context = node();
  const orderIds = await createMany(context, 6);
  const guilty = orderIds[3] ?? '';
  const results = await Promise.allSettled(
    orderIds.map((id) =>
      id === guilty
        ? changeOrder(context, 'review', { orderId: id, actor: systemActor }, breakRule)
        : reviewAt(context, id),
    ),
  );
  expect(results.map(({ status }) => status === 'rejected')).toEqual(orderIds.map((id) => id === guilty));
  expect(await Promise.all(orderIds.map(versionOf))).toEqual(orderIds.map((id) => (id === guilty ? 1 : 2)));
});

test('one key makes one order, on whatever nodes and however often it is used at once', async () => {
  const nodes = [node(), node(), node()];
  const idempotencyKey = randomUUID();
  const made = await Promise.all(
    Array.from({ length: 12 }, (_, index) => createAt(nodes[index % nodes.length] ?? node(), { idempotencyKey })),
  );
  expect(new Set(made).size).toBe(1);
});

test.runIf(process.env.DATABASE_URL)(
  'two nodes that change the same orders in another order both succeed',
  async () => {
    const [one, other] = [node(), node()];
    const orderIds = await createMany(one, 20);
    const add = (context: CommandContext, orderId: string) =>
      changeOrder(context, 'review', { orderId, actor: systemActor }, (change) =>
        change.record('ORDER_REVIEW_NEEDED', { note: 'a test' }),
      );
    await Promise.all([
      ...orderIds.map((id) => add(one, id)),
      ...[...orderIds].reverse().map((id) => add(other, id)),
      ...orderIds.map((id) => add(one, id)),
    ]);
    expect(await Promise.all(orderIds.map(versionOf))).toEqual(orderIds.map(() => 4));
  },
);

test.runIf(process.env.DATABASE_URL)('an order that another node holds stops no other order', async () => {
  const context = node();
  const [held = '', ...others] = await createMany(context, 5);
  const holder = await database.pool.connect();
  try {
    await holder.query('begin');
    await holder.query(`select pg_advisory_xact_lock(${orderLockSpace}, hashtext($1))`, [held]);
    const order: string[] = [];
    const all = [others[0] ?? '', held, ...others.slice(1)].map(async (id) => order.push(await reviewAt(context, id)));
    await Promise.all(all.filter((_, index) => index !== 1));
    expect(order).not.toContain(held);
    await holder.query('commit');
    await Promise.all(all);
    expect(await Promise.all([held, ...others].map(versionOf))).toEqual([2, 2, 2, 2, 2]);
  } finally {
    holder.release();
  }
});

test('while the state of the log is missing, nothing is written and every caller is told so', async () => {
  const context = node();
  const orderId = await createAt(context);
  const before = await versionOf(orderId);
  await database.pool.query('create table kept_state as select * from log_state; delete from log_state');
  try {
    await expect(reviewAt(context, orderId)).rejects.toThrow('The table log_state has no row.');
    await expect(createAt(context, { idempotencyKey: 'while it is missing' })).rejects.toThrow('log_state');
  } finally {
    await database.pool.query('insert into log_state select * from kept_state; drop table kept_state');
  }
  expect(await versionOf(orderId)).toBe(before);
  await createAt(context, { idempotencyKey: 'while it is missing' });
});
