import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { pruneBatchMax } from '../../src/worker/prune.ts';
import { deliveryRow, insertRow } from '../database/rows-to-insert.ts';
import {
  booksOf,
  createOrder,
  orderInput,
  paidOrder,
  payOrder,
  payOrderDocument,
  requestRefund,
  sweepUntil,
} from '../support/orders.ts';
import { askControl, control, startTestApp, type TestApp, untilCallbacksCame } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());
beforeEach(() => pruneAll());

const dayMs = 24 * 60 * 60_000;
const query = async <Row extends object>(sql: string, values: unknown[] = []) =>
  (await app.database.pool.query<Row>(sql, values)).rows;

async function pruneAll() {
  const sum = { callbacks: 0, keys: 0, refusedCallbacks: 0 };
  for (;;) {
    const { callbacks, keys, refusedCallbacks, isFull } = await app.app.rounds.prune();
    sum.callbacks += callbacks;
    sum.keys += keys;
    sum.refusedCallbacks += refusedCallbacks;
    if (!isFull) return sum;
  }
}

async function operationsWithKeys(resultIds: readonly string[]): Promise<string[]> {
  const rows = await query<{ operation: string }>(
    'select operation from idempotency_keys where result_id = any ($1) order by operation',
    [resultIds],
  );
  return rows.map(({ operation }) => operation);
}

const contentOf = (eventId: string) =>
  query<{ status: string; headers: string; bytes: number; is_pruned: boolean }>(
    `select status::text, headers::text, length(body) as bytes, pruned_at is not null as is_pruned
     from deliveries where event_id = $1`,
    [eventId],
  );

test('a callback loses its content after 90 days and is still a duplicate when it is repeated', async () => {
  const { orderId, payment } = await paidOrder(app);
  await untilCallbacksCame(app);
  type Sent = { readonly id: string; readonly eventId: string };
  const { deliveries } = await askControl<{ deliveries: Sent[] }>(app.sandboxUrl, 'deliveries');
  const [kept] = await query<{ event_id: string; status: string }>(
    'select event_id, status::text from deliveries where payment_id = $1',
    [payment.id],
  );
  const sent = deliveries.find(({ eventId }) => eventId === kept?.event_id);
  if (sent === undefined) throw new Error(`No callback about ${payment.id} was sent.`);
  app.clock.advance(89 * dayMs);
  expect(await pruneAll()).toMatchObject({ callbacks: 0 });
  expect((await contentOf(sent.eventId))[0]).toMatchObject({ is_pruned: false, bytes: expect.toSatisfy((n) => n > 0) });

  app.clock.advance(2 * dayMs);
  expect((await pruneAll()).callbacks).toBeGreaterThan(0);
  const pruned = [{ status: kept?.status, headers: '{}', bytes: 0, is_pruned: true }];
  expect(await contentOf(sent.eventId)).toEqual(pruned);

  const count = () => query('select id from events where order_id = $1', [orderId]);
  const before = await count();
  await control(app.sandboxUrl, `deliveries/${sent.id}/redeliver`, {});
  await untilCallbacksCame(app);
  expect(app.logged).toContainEqual(
    expect.objectContaining({ fields: expect.objectContaining({ eventId: sent.eventId, outcome: 'duplicate' }) }),
  );
  expect(await contentOf(sent.eventId)).toEqual(pruned);
  expect(await count()).toEqual(before);
});

test('a callback that waits, or whose order is in review, keeps its content', async () => {
  const { orderId, payment } = await paidOrder(app);
  await query(`update orders set review_reasons = '{UNREADABLE_CALLBACK}' where id = $1`, [orderId]);
  const old = { headers: '{"a": "b"}', body: 'content', received_at: app.clock.now() };
  const [pending, inReview, settled] = [randomUUID(), randomUUID(), randomUUID()];
  const { pool } = app.database;
  await insertRow(pool, 'deliveries', { ...deliveryRow, ...old, event_id: pending });
  const reviewed = { ...deliveryRow, ...old, status: 'REVIEW', payment_id: payment.id };
  await insertRow(pool, 'deliveries', { ...reviewed, event_id: inReview });
  await insertRow(pool, 'deliveries', { ...reviewed, event_id: settled, payment_id: null });
  app.clock.advance(1000 * dayMs);
  await pruneAll();
  for (const eventId of [pending, inReview]) expect(await contentOf(eventId)).toMatchObject([{ bytes: 7 }]);
  expect(await contentOf(settled)).toMatchObject([{ status: 'REVIEW', bytes: 0 }]);
  await query(`update orders set review_reasons = '{}' where id = $1`, [orderId]);
  await pruneAll();
  expect(await contentOf(inReview)).toMatchObject([{ bytes: 0 }]);
  await query('delete from deliveries where event_id = $1', [pending]);
});

test('the keys of a settled order are pruned after 30 days; used again they pay nothing twice', async () => {
  const input = orderInput();
  const order = await createOrder(app, input);
  const key = randomUUID();
  const payment = await payOrder(app, order.id, { idempotencyKey: key });
  app.clock.advance(31 * dayMs);
  await pruneAll();
  expect(await operationsWithKeys([order.id, payment.id])).toEqual(['createOrder', 'payOrder']); // it is still open

  await sweepUntil(app, order.id, ({ status }) => status === 'EXPIRED');
  app.clock.advance(29 * dayMs);
  await pruneAll();
  expect(await operationsWithKeys([order.id, payment.id])).toHaveLength(2); // needed less than 30 days ago
  app.clock.advance(2 * dayMs);
  expect((await pruneAll()).keys).toBeGreaterThanOrEqual(2);
  expect(await operationsWithKeys([order.id, payment.id])).toEqual([]);

  const again = { idempotencyKey: key, orderId: order.id, method: 'CARD', flow: 'EMBEDDED' } as const;
  const { payOrder: refused } = await app.client.request(payOrderDocument, { input: again });
  expect(refused).toMatchObject({ __typename: 'OrderNotPayableError' });
  expect((await booksOf(app, payment.id)).paymentIntents).toHaveLength(1);
  const other = await createOrder(app, input);
  expect(other).toMatchObject({ status: 'OPEN', paymentStatus: 'UNPAID', payments: [] });
  expect(other.id).not.toBe(order.id);
});

test('the key of a refund stays while repeating it could move money', async () => {
  const { payment } = await paidOrder(app);
  const wanted = { idempotencyKey: randomUUID(), paymentId: payment.id, amountMinor: 1000 };
  const first = await requestRefund(app, wanted);
  if (first.__typename !== 'Refund') throw new Error('It was refused.');
  app.clock.advance(31 * dayMs);
  await pruneAll();
  expect(await operationsWithKeys([payment.id, first.id])).toEqual(['requestRefund']); // the key of payOrder is gone
  expect(await requestRefund(app, wanted)).toMatchObject({ id: first.id });
  expect((await booksOf(app, payment.id)).totals.refunded).toBe(1000);

  await requestRefund(app, { paymentId: payment.id, amountMinor: 1500 });
  app.clock.advance(31 * dayMs);
  await pruneAll();
  expect(await operationsWithKeys([first.id])).toEqual([]);
  expect(await requestRefund(app, wanted)).toMatchObject({ __typename: 'RefundExceedsPaymentError' });
  expect((await booksOf(app, payment.id)).totals.refunded).toBe(2500);
});

const expire = `update orders set status = 'EXPIRED' where id = $1`;
const endPayment = `update payments set status = 'EXPIRED' where order_id = $1`;

test.each([
  ['in review', [expire, endPayment, `update orders set review_reasons = '{SURPLUS}' where id = $1`]],
  ['closing', [endPayment, `update orders set status = 'CLOSING', close_target = 'CANCELED' where id = $1`]],
  ['with a payment under way', [expire]],
])('the keys of an order %s stay', async (_what, statements) => {
  const order = await createOrder(app);
  const payment = await payOrder(app, order.id);
  for (const sql of statements) await query(sql, [order.id]);
  app.clock.advance(31 * dayMs);
  await pruneAll();
  expect(await operationsWithKeys([order.id, payment.id])).toEqual(['createOrder', 'payOrder']);
});

test('the keys of an order with a refund under way stay', async () => {
  const { payment } = await paidOrder(app);
  await control(app.sandboxUrl, 'faults', { fault: 'refund_pending_then_succeeded', match: { contains: payment.id } });
  const refund = await requestRefund(app, { paymentId: payment.id, amountMinor: 2500 });
  expect(refund).toMatchObject({ status: 'PENDING' });
  const ids = [payment.id, 'id' in refund ? refund.id : ''];
  app.clock.advance(31 * dayMs);
  await pruneAll();
  expect(await operationsWithKeys(ids)).toEqual(['payOrder', 'requestRefund']);
});

test('a batch is small, and reports that there is more', async () => {
  const old = { headers: '{}', body: 'content', received_at: app.clock.now(), status: 'IGNORED' };
  await query(
    `insert into deliveries (provider, provider_account, event_id, event_type, headers, body, status, received_at, apply_attempts)
     select 'STRIPE', 'acct_1', 'batch ' || n, 'a.b', $1, $2, 'IGNORED', $3, 1 from generate_series(1, $4::int) n`,
    [old.headers, old.body, old.received_at, pruneBatchMax + 1],
  );
  app.clock.advance(91 * dayMs);
  expect(await app.app.rounds.prune()).toMatchObject({ callbacks: pruneBatchMax, isFull: true });
  expect((await pruneAll()).callbacks).toBeGreaterThanOrEqual(1);
  expect(await app.app.rounds.prune()).toEqual({
    callbacks: 0,
    keys: 0,
    refusedCallbacks: 0,
    webhooks: 0,
    isFull: false,
  });
});
