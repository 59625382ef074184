import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertRejectedDelivery, rejectedPerMinuteMax } from '../../src/events/inbox.ts';
import { confirmCard, createOrder, payOrder, readOrder, resolveReview } from '../support/orders.ts';
import { control, startTestApp, type TestApp, testStripe, untilCallbacksCame } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
  // Callbacks of these tests are made here; the sandbox's own would only get between.
  await control(app.sandboxUrl, 'webhooks', { url: null });
});
afterAll(() => app.close());

const hour = 60 * 60_000;
const unknownPaymentId = 'pay_01jd8m0v6te4r8x3y5z7a9b1c2';

type Payment = Awaited<ReturnType<typeof payOrder>>;

/** A callback as Stripe would send it when the payment's card was charged. */
function succeeded(payment: Payment, part: { intent?: object; event?: object } = {}): string {
  return JSON.stringify({
    id: `evt_${randomUUID()}`,
    object: 'event',
    api_version: '2026-10-28.endive',
    created: Math.floor(Date.now() / 1000),
    livemode: false,
    type: 'payment_intent.succeeded',
    data: {
      object: {
        ...{ object: 'payment_intent', id: payment.providerPaymentId, status: 'succeeded', created: 1_700_000_000 },
        ...{ amount: 2500, amount_received: 2500, currency: 'eur', metadata: { payment_id: payment.id } },
        ...part.intent,
      },
    },
    ...part.event,
  });
}

const sign = (body: string, secret: string = testStripe.webhookSecret, at = Math.floor(Date.now() / 1000)) =>
  `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`;

async function deliver(body: string, signature = sign(body)): Promise<number> {
  const response = await fetch(`${app.app.url}/webhooks/stripe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': signature },
    body,
  });
  await response.text();
  await app.app.idle();
  return response.status;
}

async function startedPayment() {
  const order = await createOrder(app);
  return { order, payment: await payOrder(app, order.id) };
}

const inbox = async (body: string) => {
  const { id } = JSON.parse(body) as { id: string };
  const { rows } = await app.database.pool.query<{ status: string; reason: string | null }>(
    'select status, reason from deliveries where event_id = $1',
    [id],
  );
  return rows;
};

test('a callback that is delivered five times concurrently creates one event', async () => {
  const { order, payment } = await startedPayment();
  const body = succeeded(payment);
  const statuses = await Promise.all(Array.from({ length: 5 }, () => deliver(body)));
  expect(statuses).toEqual([200, 200, 200, 200, 200]);
  const { types } = await readOrder(app, order.id);
  expect(types.filter((type) => type === 'PAYMENT_SUCCEEDED')).toHaveLength(1);
  expect(types.filter((type) => type === 'ORDER_CONFIRMED')).toHaveLength(1);
  expect(await inbox(body)).toEqual([{ status: 'APPLIED', reason: null }]);
});

test('the same fact in two callbacks with different ids creates one event', async () => {
  const { order, payment } = await startedPayment();
  const bodies = [succeeded(payment), succeeded(payment)];
  for (const body of bodies) expect(await deliver(body)).toBe(200);
  expect((await readOrder(app, order.id)).types.filter((type) => type === 'PAYMENT_SUCCEEDED')).toHaveLength(1);
  expect(await inbox(bodies[1] ?? '')).toEqual([{ status: 'IGNORED', reason: 'repeated' }]);
});

test.each<[string, (body: string) => [body: string, signature: string]]>([
  ['forged', (body) => [body, sign(body, 'whsec_somebody_else')]],
  [
    'altered after it was signed',
    (body) => [body.replace('"amount_received":2500', '"amount_received":9500'), sign(body)],
  ],
  ['five minutes and a second old', (body) => [body, sign(body, undefined, Math.floor(Date.now() / 1000) - 302)]],
  ['from the future', (body) => [body, sign(body, undefined, Math.floor(Date.now() / 1000) + 600)]],
  ['signed by the scheme for tests alone', (body) => [body, sign(body).replace('v1=', 'v0=')]],
  [
    'signed, but live',
    (body) => {
      const live = body.replace('"livemode":false', '"livemode":true');
      return [live, sign(live)];
    },
  ],
])('a callback that is %s creates no event, gets a 4xx, and its payment is queried soon', async (_what, spoil) => {
  const { order, payment } = await startedPayment();
  const before = await readOrder(app, order.id);
  const [body, signature] = spoil(succeeded(payment));
  expect(await deliver(body, signature)).toBe(400);
  const after = await readOrder(app, order.id);
  expect(after.types).toEqual(before.types);
  expect(await inbox(body)).toEqual([]);
  const [asked] = after.payments;
  expect(Date.parse(asked?.nextCheckAt ?? '')).toBeLessThan(Date.parse(before.payments[0]?.nextCheckAt ?? ''));
});

/** The number of stored refused callbacks for each minute of the server's clock. */
async function keptByMinute(from = new Date(0)) {
  const { rows } = await app.database.pool.query<{ count: number }>(
    `select count(*)::int as count from rejected_deliveries where received_at >= $1
     group by date_trunc('minute', received_at)`,
    [from],
  );
  return rows;
}

test('a few of a flood of forged callbacks are stored for inspection', async () => {
  const body = succeeded((await startedPayment()).payment);
  for (let i = 0; i < 20; i += 1) expect(await deliver(body, sign(body, 'whsec_somebody_else'))).toBe(400);
  for (const { count } of await keptByMinute()) expect(count).toBeLessThanOrEqual(rejectedPerMinuteMax);
});

/**
 * Runs `work` so that on PostgreSQL this many of its statements have decided to keep a callback before the first of them writes it: a
 * trigger holds them there. PGlite has one connection.
 */
async function together<T>(statements: number, work: () => Promise<T>): Promise<T> {
  if (app.database.kind === 'pglite') return work();
  const holder = await app.database.writes.connect(); // the statements need the others
  try {
    await holder.query(`
      create function wait_for_others() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock_shared(7); return new; end $$;
      create trigger wait_for_others before insert on rejected_deliveries for each row execute function wait_for_others();
      select pg_advisory_lock(7)`);
    const working = work();
    for (let waiting = 0; waiting < statements; ) {
      const { rows } = await holder.query<{ count: number }>(
        `select count(*)::int as count from pg_locks
         where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`,
      );
      waiting = rows[0]?.count ?? 0;
    }
    await holder.query('select pg_advisory_unlock(7)');
    const result = await working;
    await holder.query('drop trigger wait_for_others on rejected_deliveries; drop function wait_for_others');
    return result;
  } finally {
    holder.release();
  }
}

test('of a hundred concurrent forged callbacks, no more are stored than the limit per minute', async () => {
  const { payment } = await startedPayment();
  // A separate minute, so that earlier refusals do not count.
  app.clock.advance(2 * 60_000);
  const now = Math.floor(app.clock.now().getTime() / 1000);
  const from = new Date(Math.floor(now / 60) * 60_000);
  const bodies = Array.from({ length: 100 }, () => succeeded(payment));
  const statuses = await together(rejectedPerMinuteMax, () =>
    Promise.all(bodies.map((body) => deliver(body, sign(body, 'whsec_somebody_else', now)))),
  );
  await untilCallbacksCame(app);
  app.clock.advance(-2 * 60_000);
  expect(new Set(statuses)).toEqual(new Set([400]));
  const rows = await keptByMinute(from);
  expect(rows.length).toBeGreaterThan(0);
  for (const { count } of rows) expect(count).toBeLessThanOrEqual(rejectedPerMinuteMax);
});

test('several nodes together store no more refused callbacks than the limit per minute', async () => {
  const receivedAt = new Date(Date.UTC(2030, 0, 1));
  const refused = {
    provider: 'STRIPE',
    reason: 'SIGNATURE',
    headers: {},
    body: Buffer.from('{}'),
    receivedAt,
  } as const;
  // Each node writes at most the limit, and here there are two.
  const attempts = Array.from({ length: 2 * rejectedPerMinuteMax });
  await together(rejectedPerMinuteMax + 1, () =>
    Promise.all(attempts.map(() => insertRejectedDelivery(app.database.pool, refused))),
  );
  const [kept, ...others] = await keptByMinute(receivedAt);
  expect(others).toEqual([]);
  expect(kept?.count).toBeGreaterThan(0);
  expect(kept?.count).toBeLessThanOrEqual(rejectedPerMinuteMax);
});

test('accepted and refused callbacks are stored without the client secret and buyer data', async () => {
  const { payment } = await startedPayment();
  const secret = `${payment.providerPaymentId}_secret_canary`;
  const buyer = { client_secret: secret, receipt_email: 'canary@shop.example', next_action: { url: 'canary' } };
  const body = succeeded(payment, { intent: buyer });
  expect(await deliver(body)).toBe(200);
  expect(await inbox(body)).toEqual([{ status: 'APPLIED', reason: null }]);
  app.clock.advance(4 * 60_000);
  const forged = succeeded(payment, { intent: buyer });
  expect(await deliver(forged, sign(forged, 'whsec_somebody_else', Math.floor(app.clock.now().getTime() / 1000)))).toBe(
    400,
  );
  app.clock.advance(-4 * 60_000);
  const { rows } = await app.database.pool.query<{ body: Buffer }>(
    'select body from deliveries union all select body from rejected_deliveries',
  );
  const kept = rows.map((row) => row.body.toString('utf8'));
  expect(kept.filter((text) => text.includes(payment.id)).length).toBeGreaterThanOrEqual(2);
  expect(kept.filter((text) => text.includes('canary'))).toEqual([]);
});

test('the first event of a payment keeps its next action until the event is applied, and not longer', async () => {
  const { payment } = await startedPayment();
  const secret = `${payment.providerPaymentId}_secret_canary`;
  const body = succeeded(payment, {
    intent: { client_secret: secret, status: 'requires_payment_method', metadata: { payment_id: unknownPaymentId } },
    event: { type: 'payment_intent.created' },
  });
  const keptBody = async () => {
    const { id } = JSON.parse(body) as { id: string };
    const { rows } = await app.database.pool.query<{ body: Buffer; status: string }>(
      'select body, status from deliveries where event_id = $1',
      [id],
    );
    return rows.map((row) => [row.status, row.body.toString('utf8').includes(secret)]);
  };
  expect(await deliver(body)).toBe(200);
  expect(await keptBody()).toEqual([['PENDING', true]]);
  for (let tries = 0; tries < 36; tries += 1) {
    app.clock.advance(hour);
    await app.app.rounds.sweep();
  }
  expect(await keptBody()).toEqual([['REVIEW', false]]);
  app.clock.advance(-36 * hour);
});

test('both active secrets are accepted', async () => {
  const { order, payment } = await startedPayment();
  const body = succeeded(payment);
  expect(await deliver(body, sign(body, testStripe.otherWebhookSecret))).toBe(200);
  expect((await readOrder(app, order.id)).status).toBe('CONFIRMED');
});

test.each<[string, object]>([
  ['another amount', { amount: 2400, amount_received: 2400 }],
  ['another currency', { currency: 'usd' }],
  ['another captured amount', { amount_received: 2400 }],
  ['another PaymentIntent', { id: 'pi_of_somebody_else' }],
])(
  'a signed callback with %s changes nothing, is acknowledged, and puts its order into review',
  async (_what, intent) => {
    const { order, payment } = await startedPayment();
    const body = succeeded(payment, { intent });
    expect(await deliver(body)).toBe(200);
    expect(await readOrder(app, order.id)).toMatchObject({
      ...{ status: 'OPEN', paymentStatus: 'PENDING', needsReview: ['AMOUNT_MISMATCH'] },
      payments: [{ status: 'ACTION_REQUIRED', captured: { amountMinor: 0 } }],
    });
    expect(await inbox(body)).toEqual([{ status: 'REVIEW', reason: 'mismatch' }]);
  },
);

test('a signed callback for an unknown payment is stored and retried for a day, then goes into review', async () => {
  const { payment } = await startedPayment();
  const body = succeeded(payment, { intent: { metadata: { payment_id: unknownPaymentId } } });
  expect(await deliver(body)).toBe(200);
  expect(await inbox(body)).toEqual([{ status: 'PENDING', reason: 'unknown_payment' }]);
  // A day without a running server does not count as a day of retries.
  app.clock.advance(25 * hour);
  await app.app.rounds.sweep();
  expect(await inbox(body)).toEqual([{ status: 'PENDING', reason: 'unknown_payment' }]);
  for (let tries = 0; tries < 10; tries += 1) {
    app.clock.advance(hour);
    await app.app.rounds.sweep();
  }
  expect(await inbox(body)).toEqual([{ status: 'REVIEW', reason: 'unknown_payment' }]);
  app.clock.advance(-35 * hour);
});

test.each<[string, object]>([
  ['of another integration', { intent: { metadata: {} } }],
  ['of a type that we did not subscribe to', { event: { type: 'customer.created' } }],
])('a signed callback %s is acknowledged and ignored', async (_what, part) => {
  const { order, payment } = await startedPayment();
  const body = succeeded(payment, part);
  expect(await deliver(body)).toBe(200);
  expect(await inbox(body)).toMatchObject([{ status: 'IGNORED' }]);
  expect((await readOrder(app, order.id)).status).toBe('OPEN');
});

const unclear: readonly [what: string, part: { intent?: object; event?: object }][] = [
  ['whose amount is no number', { intent: { amount: 'much' } }],
  ['with an unknown status', { intent: { status: 'dreamt' } }],
  ['whose metadata alone can be read', { intent: { id: null, status: 7, currency: null } }],
];
test.each(unclear)(
  'a signed callback %s puts the order that it names into review once, and its payment is queried soon',
  async (_what, part) => {
    const { order, payment } = await startedPayment();
    const before = await readOrder(app, order.id);
    const bodies = [succeeded(payment, part), succeeded(payment, part)];
    for (const body of bodies) {
      expect(await deliver(body)).toBe(200);
      expect(await inbox(body)).toEqual([{ status: 'REVIEW', reason: 'unreadable' }]);
    }
    const after = await readOrder(app, order.id);
    expect(after).toMatchObject({
      ...{ status: 'OPEN', needsReview: ['UNREADABLE_CALLBACK'] },
      payments: [{ status: 'ACTION_REQUIRED', captured: { amountMinor: 0 } }],
    });
    expect(after.types).toEqual([...before.types, 'ORDER_REVIEW_NEEDED']);
    expect(after.events.nodes.at(-1)?.note).toMatch(new RegExp(`^${payment.id}: a verified callback .+\\.$`));
    const dueInMs = Date.parse(after.payments[0]?.nextCheckAt ?? '') - app.clock.now().getTime();
    expect(dueInMs).toBeLessThanOrEqual(2000);
    // The next callbacks are applied, and the review stays until a person resolves it.
    expect(await deliver(succeeded(payment))).toBe(200);
    expect(await readOrder(app, order.id)).toMatchObject({ status: 'CONFIRMED', needsReview: ['UNREADABLE_CALLBACK'] });
    expect(await resolveReview(app, { orderId: order.id, reasons: ['UNREADABLE_CALLBACK'] })).toMatchObject({
      needsReview: [],
    });
  },
);

test('a refund with an unknown status puts its order into review', async () => {
  const { order, payment } = await startedPayment();
  expect(await deliver(succeeded(payment))).toBe(200);
  const refund = {
    ...{ object: 'refund', id: 're_1', amount: 500, currency: 'eur', created: 1_700_000_000, status: 'dreamt' },
    ...{ payment_intent: payment.providerPaymentId, metadata: {} },
  };
  const body = succeeded(payment, { event: { type: 'refund.updated', data: { object: refund } } });
  expect(await deliver(body)).toBe(200);
  expect(await readOrder(app, order.id)).toMatchObject({
    ...{ status: 'CONFIRMED', needsReview: ['UNREADABLE_CALLBACK'], refunds: [] },
  });
});

test('a signed callback that cannot be read changes no order of another account', async () => {
  const { order, payment } = await startedPayment();
  await app.database.pool.query(`update payments set provider_account = 'retired' where id = $1`, [payment.id]);
  const body = succeeded(payment, { intent: { status: 'dreamt' } });
  expect(await deliver(body)).toBe(200);
  expect(await inbox(body)).toEqual([{ status: 'PENDING', reason: 'unknown_payment' }]);
  expect((await readOrder(app, order.id)).needsReview).toEqual([]);
});

test('a failure that comes after the success changes nothing', async () => {
  const { order, payment } = await startedPayment();
  await deliver(succeeded(payment));
  const canceled = succeeded(payment, { intent: { status: 'canceled' }, event: { type: 'payment_intent.canceled' } });
  expect(await deliver(canceled)).toBe(200);
  expect(await readOrder(app, order.id)).toMatchObject({ status: 'CONFIRMED', payments: [{ status: 'SUCCEEDED' }] });
  expect(await inbox(canceled)).toEqual([{ status: 'IGNORED', reason: 'superseded' }]);
});

test('a callback that a crash left in the inbox is applied by the sweep', async () => {
  const { order, payment } = await startedPayment();
  await confirmCard(app, payment);
  const body = succeeded(payment);
  await app.database.pool.query(
    `insert into deliveries (provider, provider_account, event_id, event_type, headers, body, status, received_at, apply_at, apply_attempts)
     select 'STRIPE', provider_account, $1, 'payment_intent.succeeded', '{}', $2, 'PENDING', now(), $3::timestamptz, 0
     from payments where id = $4`,
    [(JSON.parse(body) as { id: string }).id, Buffer.from(body), app.clock.now(), payment.id],
  );
  await app.app.rounds.sweep();
  expect((await readOrder(app, order.id)).status).toBe('CONFIRMED');
});

/** A payment without a known Stripe id, because the answer to its creation was lost. */
async function unnamedPayment() {
  const order = await createOrder(app);
  await control(app.sandboxUrl, 'faults', { fault: 'error_500_after', match: { operation: 'payment_intents.create' } });
  const payment = await payOrder(app, order.id);
  expect(payment).toMatchObject({ status: 'UNKNOWN', providerPaymentId: null });
  return { order, payment: { ...payment, providerPaymentId: 'pi_elsewhere' } };
}

test.each<[what: string, event: object, intent: object]>([
  ['of another account', { account: 'acct_other' }, {}],
  ['of an account within an organization', { context: 'org_1/acct_other' }, {}],
  ['about an object of the other mode', {}, { livemode: true }],
])(
  'an event %s is acknowledged, changes nothing, and puts the order that it names into review',
  async (_what, event, intent) => {
    const { order, payment } = await unnamedPayment();
    const body = succeeded(payment, { event, intent });
    expect(await deliver(body)).toBe(200);
    expect(await inbox(body)).toEqual([{ status: 'REVIEW', reason: 'mismatch' }]);
    expect(await readOrder(app, order.id)).toMatchObject({
      ...{ status: 'OPEN', needsReview: ['AMOUNT_MISMATCH'], captured: { amountMinor: 0 } },
      payments: [{ status: 'UNKNOWN', providerPaymentId: null }],
    });
  },
);

test('an event that names our own account is applied', async () => {
  const { order, payment } = await startedPayment();
  const { rows } = await app.database.pool.query<{ account: string }>(
    'select provider_account as account from payments where id = $1',
    [payment.id],
  );
  const account = rows[0]?.account.replace(/\.test$/, '');
  expect(account).toMatch(/^acct_/);
  expect(await deliver(succeeded(payment, { event: { account, context: account } }))).toBe(200);
  expect((await readOrder(app, order.id)).status).toBe('CONFIRMED');
});
