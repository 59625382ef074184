import { afterAll, beforeAll, expect, test } from 'vitest';
import { confirmCard, createOrder, payOrder, readOrder, requestRefund, sweepUntil } from '../support/orders.ts';
import { control, startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

type Facts = Record<string, unknown>;
type Changes = { order?: Facts; payment?: Facts & { id: string }; refund?: Facts & { id: string }; lines?: Facts[] };

const camelOf = (column: string) => column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
/** The format of the event log: amounts as strings, instants as RFC 3339. */
const asLogged = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? field.toString() : field)));

/** Columns that are not facts about a payment or an order: plans, derived values and positions in the log. */
const notFacts = {
  orders: [
    'paymentStatus',
    'authorizedMinor',
    'capturedMinor',
    'refundedMinor',
    'reservedMinor',
    'version',
    'epoch',
    'xid',
    'dueAt',
  ],
  payments: [
    ...['nextAction', 'providerReference', 'checkAt', 'checkAttempts', 'leasedUntil', 'askedAt', 'hintedAt'],
    ...['captureMinor', 'captureAttempt', 'cardBrand', 'cardLast4', 'orderCreatedAt'],
  ],
  refunds: ['checkAt', 'checkAttempts', 'leasedUntil'],
};

function factsOf(row: Facts, without: readonly string[]): Facts {
  return Object.fromEntries(
    Object.entries(row)
      .map(([column, value]) => [camelOf(column), asLogged(value)] as const)
      .filter(([name]) => !without.includes(name)),
  );
}

test('the fold of an order’s events is its rows, field by field', async () => {
  const paid = await createOrder(app, { metadata: { shop: 'a' } });
  const declined = await payOrder(app, paid.id);
  await confirmCard(app, declined, 'pm_card_chargeDeclined');
  await app.app.idle();
  const second = await payOrder(app, paid.id, { flow: 'REDIRECT', returnUrl: 'https://shop.example/' });
  expect(second.status).toBe('ACTION_REQUIRED');
  await app.client.request('mutation($id: ID!) { cancelPayment(input: { paymentId: $id }) { __typename } }', {
    id: second.id,
  });
  await confirmCard(app, await payOrder(app, paid.id));
  app.clock.advance(11_000);
  await app.app.rounds.sweep();
  await app.app.idle();
  const paidBy = (await readOrder(app, paid.id)).payments.find(({ status }) => status === 'SUCCEEDED');
  await control(app.sandboxUrl, 'faults', {
    fault: 'error_500_after',
    match: { operation: 'refunds.create' },
    times: 2,
  });
  await requestRefund(app, { paymentId: paidBy?.id ?? '', amountMinor: 1000, reason: 'Broken' });
  await control(app.sandboxUrl, 'stripe/refunds', { payment_intent: paidBy?.providerPaymentId, amount: 300 });
  await sweepUntil(
    app,
    paid.id,
    ({ refunds }) => refunds.filter(({ status }) => status === 'SUCCEEDED').length === 2,
    6000,
  );
  const expired = await createOrder(app, { expiresInSeconds: 60 });
  await payOrder(app, expired.id);
  app.clock.advance(61_000);
  await app.app.rounds.sweep();
  expect((await readOrder(app, paid.id)).status).toBe('CONFIRMED');
  expect((await readOrder(app, expired.id)).status).toBe('EXPIRED');

  const { pool } = app.database;
  for (const { id } of [paid, expired]) {
    const { rows: events } = await pool.query<{ changes: Changes; sequence: number }>(
      'select changes, sequence from events where order_id = $1 order by sequence',
      [id],
    );
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
    let order: Facts = {};
    const payments = new Map<string, Facts>();
    const refunds = new Map<string, Facts>();
    for (const { changes } of events) {
      order = { ...order, ...changes.order };
      const { payment, refund } = changes;
      if (payment) payments.set(payment.id, { ...payments.get(payment.id), ...payment });
      if (refund) refunds.set(refund.id, { ...refunds.get(refund.id), ...refund });
    }
    const { rows: orders } = await pool.query<Facts>('select * from orders where id = $1', [id]);
    expect(order).toEqual(factsOf(orders[0] ?? {}, notFacts.orders));
    const { rows } = await pool.query<Facts>('select * from payments where order_id = $1 order by id', [id]);
    expect([...payments.values()]).toEqual(rows.map((row) => factsOf(row, notFacts.payments)));
    const { rows: held } = await pool.query<Facts>('select * from refunds where order_id = $1 order by id', [id]);
    expect([...refunds.values()]).toEqual(held.map((row) => factsOf(row, notFacts.refunds)));
  }
});
