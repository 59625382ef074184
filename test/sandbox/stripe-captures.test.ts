import { expect, test } from 'vitest';
import { refusal, tenDollars } from './rig.ts';
import { openVirtualRig, type VirtualRig } from './virtual-rig.ts';

const held = { ...tenDollars, capture_method: 'manual', confirm: true, payment_method: 'pm_card_visa' } as const;
const paid = { ...tenDollars, confirm: true, payment_method: 'pm_card_visa' } as const;

test('a partial capture releases the rest, as its charge and its events show', async () => {
  const rig = await openVirtualRig();
  const { id } = await rig.stripe.paymentIntents.create(held);
  expect(rig.sandbox.ledger().stripe.totals.pay_rig).toMatchObject({ authorized: 1000, captured: 0, charges: 1 });
  const captured = await rig.stripe.paymentIntents.capture(id, { amount_to_capture: 300, expand: ['latest_charge'] });
  expect(captured).toMatchObject({ status: 'succeeded', amount: 1000, amount_capturable: 0, amount_received: 300 });
  expect(captured.latest_charge).toMatchObject({ captured: true, amount: 1000, amount_captured: 300 });
  expect(rig.sandbox.ledger().stripe.totals.pay_rig).toMatchObject({ authorized: 0, captured: 300, charges: 1 });
  await rig.sandbox.advance(0);
  expect(rig.types()).toEqual([
    'payment_intent.created',
    'charge.succeeded',
    'payment_intent.amount_capturable_updated',
    'charge.captured',
    'payment_intent.succeeded',
  ]);
});

test('a capture is repeated with its key and refused with another', async () => {
  const { sandbox, stripe } = await openVirtualRig();
  const { id } = await stripe.paymentIntents.create(held);
  const capture = (idempotencyKey: string) =>
    stripe.paymentIntents.capture(id, { amount_to_capture: 300 }, { idempotencyKey });
  const first = await capture('k1');
  await sandbox.advance(1000);
  expect(await capture('k1')).toEqual(first);
  expect((await refusal(capture('k2'))).code).toBe('payment_intent_unexpected_state');
});

test('canceling voids an authorization, which can then be neither captured nor refunded', async () => {
  const rig = await openVirtualRig();
  const { id } = await rig.stripe.paymentIntents.create(held);
  const voided = await rig.stripe.paymentIntents.cancel(id, {}, { idempotencyKey: 'void' });
  expect(voided).toMatchObject({ status: 'canceled', cancellation_reason: null, amount_capturable: 0 });
  expect((await refusal(rig.stripe.paymentIntents.capture(id))).code).toBe('payment_intent_unexpected_state');
  expect((await refusal(rig.stripe.refunds.create({ payment_intent: id }))).statusCode).toBe(400);
  await rig.sandbox.advance(0);
  expect(rig.types().slice(-2)).toEqual(['charge.refunded', 'payment_intent.canceled']);
  expect(rig.sandbox.ledger().stripe.totals.pay_rig).toMatchObject({ authorized: 0, captured: 0, refunded: 0 });
});

test('the console captures an authorization instead of charging again', async () => {
  const { sandbox, stripe } = await openVirtualRig();
  const { id } = await stripe.paymentIntents.create(held);
  const captured = await sandbox.control(`/control/stripe/payment_intents/${id}/succeed`);
  expect(captured).toMatchObject({ status: 'succeeded', amount_received: 1000 });
  expect(sandbox.ledger().stripe.charges).toHaveLength(1);
});

test('a canceled intent that succeeds afterwards is charged once', async () => {
  const rig = await openVirtualRig();
  const { id } = await rig.stripe.paymentIntents.create(held);
  await rig.fault({ fault: 'success_after_close', ms: 1000 });
  expect((await rig.stripe.paymentIntents.cancel(id)).status).toBe('canceled');
  await rig.sandbox.advance(1000);
  expect(rig.sandbox.ledger().stripe.totals.pay_rig).toMatchObject({ authorized: 0, captured: 1000, charges: 1 });
  expect((await rig.stripe.refunds.create({ payment_intent: id })).amount).toBe(1000);
});

test('the event of a new intent carries its client secret', async () => {
  const rig = await openVirtualRig();
  const intent = await rig.stripe.paymentIntents.create(tenDollars);
  await rig.sandbox.advance(0);
  expect(rig.received[0]?.event.data.object.client_secret).toBe(intent.client_secret);
});

test('refunds of an intent are listed in pages, newest first', async () => {
  const { stripe } = await openVirtualRig();
  const [one, other] = [await stripe.paymentIntents.create(paid), await stripe.paymentIntents.create(paid)];
  for (const amount of [101, 102, 103, 104, 105]) {
    await stripe.refunds.create({ payment_intent: one.id, amount });
    await stripe.refunds.create({ payment_intent: other.id, amount: 1 });
  }
  const first = await stripe.refunds.list({ payment_intent: one.id, limit: 2 });
  expect([first.data.map(({ amount }) => amount), first.has_more]).toEqual([[105, 104], true]);
  const all: number[] = [];
  for await (const { amount } of stripe.refunds.list({ payment_intent: one.id, limit: 2 })) all.push(amount);
  expect(all).toEqual([105, 104, 103, 102, 101]);
});

test('a refund is made once with its key', async () => {
  const { sandbox, stripe } = await openVirtualRig();
  const { id } = await stripe.paymentIntents.create(paid);
  const refund = () => stripe.refunds.create({ payment_intent: id, amount: 300 }, { idempotencyKey: 'rfd_1' });
  expect((await refund()).id).toBe((await refund()).id);
  expect(sandbox.ledger().stripe.totals.pay_rig?.refunded).toBe(300);
});

test.each<[fault: string, events: string[]]>([
  ['refund_pending_then_succeeded', ['refund.created', 'charge.refunded', 'refund.updated']],
  ['refund_pending_then_failed', ['refund.created', 'charge.refunded', 'refund.updated', 'refund.failed']],
  ['refund_fails_later', ['refund.created', 'charge.refunded', 'refund.updated', 'refund.failed']],
])('a refund with %s sends %j', async (fault, events) => {
  const rig = await openVirtualRig();
  const { id } = await rig.stripe.paymentIntents.create(paid);
  await rig.sandbox.advance(0);
  await rig.fault({ fault, ms: 60_000 });
  await rig.stripe.refunds.create({ payment_intent: id });
  await rig.sandbox.advance(59_999);
  expect(rig.types().slice(3)).toEqual(events.slice(0, 2));
  await rig.sandbox.advance(1);
  expect(rig.types().slice(3)).toEqual(events);
});

type Call = (rig: VirtualRig, id: string) => Promise<unknown>;
const calls: readonly [operation: string, params: typeof held | typeof paid, call: Call][] = [
  ['payment_intents.capture', held, ({ stripe }, id) => stripe.paymentIntents.capture(id)],
  ['payment_intents.cancel', held, ({ stripe }, id) => stripe.paymentIntents.cancel(id)],
  ['refunds.create', paid, ({ stripe }, id) => stripe.refunds.create({ payment_intent: id })],
  ['refunds.list', paid, ({ stripe }, id) => stripe.refunds.list({ payment_intent: id })],
];
const faults: readonly [fault: string, executes: boolean][] = [
  ['delay', true],
  ['timeout_before', false],
  ['timeout_after', true],
  ['reset_before', false],
  ['reset_after', true],
  ['error_500_before', false],
  ['error_500_after', true],
  ['rate_limit', false],
  ['lock_timeout', false],
  ['malformed', true],
];

test.each(
  calls.flatMap(([operation, params, call]) =>
    faults.map(([fault, executes]) => ({ operation, params, call, fault, executes })),
  ),
)('$operation suffers $fault', async ({ operation, params, call, fault, executes }) => {
  const rig = await openVirtualRig();
  const { id } = await rig.stripe.paymentIntents.create(params);
  const before = rig.sandbox.ledger();
  await rig.fault({ fault, target: 'request', match: { operation }, ms: 1000 });
  await refusal(call(rig, id));
  await rig.sandbox.advance(1000);
  const changes = executes && operation !== 'refunds.list';
  expect(JSON.stringify(rig.sandbox.ledger()) !== JSON.stringify(before)).toBe(changes);
});

test('every read can fail while every write succeeds', async () => {
  const rig = await openVirtualRig();
  await rig.fault({ fault: 'timeout_before', match: { method: 'GET' }, times: 1_000_000 });
  const { id } = await rig.stripe.paymentIntents.create(paid);
  await refusal(rig.stripe.paymentIntents.retrieve(id));
  await refusal(rig.stripe.refunds.list({ payment_intent: id }));
  expect((await rig.stripe.refunds.create({ payment_intent: id })).status).toBe('succeeded');
});
