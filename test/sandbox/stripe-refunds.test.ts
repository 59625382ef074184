import { expect, test } from 'vitest';
import { openReceiver, openRig, paidIntent, refusal, tenDollars } from './rig.ts';

test('several refunds together cannot exceed the captured amount', async () => {
  const rig = await openRig();
  const { id } = await paidIntent(rig);
  const first = await rig.stripe.refunds.create({ payment_intent: id, amount: 300, metadata: { refund_id: 'rfd_1' } });
  expect(first).toMatchObject({
    status: 'succeeded',
    amount: 300,
    payment_intent: id,
    metadata: { refund_id: 'rfd_1' },
  });
  const tooMuch = await refusal(rig.stripe.refunds.create({ payment_intent: id, amount: 701 }));
  expect(tooMuch).toMatchObject({ statusCode: 400, param: 'amount' });
  await rig.stripe.refunds.create({ payment_intent: id });
  const over = await refusal(rig.stripe.refunds.create({ payment_intent: id, amount: 1 }));
  expect(over.code).toBe('charge_already_refunded');
  const list = await rig.stripe.refunds.list({ payment_intent: id });
  expect(list.data.map(({ amount }) => amount)).toEqual([700, 300]);
  const { latest_charge: charge } = await rig.stripe.paymentIntents.retrieve(id, { expand: ['latest_charge'] });
  expect(charge).toMatchObject({ amount_refunded: 1000, refunded: true });
});

test('only a captured charge can be refunded', async () => {
  const { stripe } = await openRig();
  const open = await stripe.paymentIntents.create(tenDollars);
  expect((await refusal(stripe.refunds.create({ payment_intent: open.id }))).message).toContain('successful charge');
  const held = await stripe.paymentIntents.create({
    ...tenDollars,
    capture_method: 'manual',
    confirm: true,
    payment_method: 'pm_card_visa',
  });
  expect((await refusal(stripe.refunds.create({ payment_intent: held.id }))).statusCode).toBe(400);
  await stripe.paymentIntents.capture(held.id, { amount_to_capture: 400 });
  expect((await stripe.refunds.create({ payment_intent: held.id })).amount).toBe(400);
});

test('a refund that fails long after it succeeded makes its amount refundable again', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver });
  const { id } = await paidIntent(rig, 'pm_card_refundFail');
  const refund = await rig.stripe.refunds.create({ payment_intent: id });
  expect(refund.status).toBe('succeeded');
  await rig.control('POST', '/clock', { advanceMs: 11_000 });
  expect(await rig.stripe.refunds.retrieve(refund.id)).toMatchObject({ status: 'failed', failure_reason: 'unknown' });
  await receiver.until((all) => all.some(({ event }) => event.type === 'refund.failed'));
  expect((await rig.stripe.refunds.create({ payment_intent: id })).amount).toBe(1000);
  const { json } = await rig.control('GET', '/ledger?payment_id=pay_rig');
  expect(json.stripe.totals.pay_rig).toMatchObject({ captured: 1000, refunded: 1000, refundPending: 0 });
});

test.each<[outcome: 'succeed' | 'fail', status: string]>([
  ['succeed', 'succeeded'],
  ['fail', 'failed'],
])('a pending refund waits until the console lets it %s', async (outcome, status) => {
  const rig = await openRig();
  const { id } = await paidIntent(rig);
  await rig.control('POST', '/faults', { fault: 'refund_pending_then_succeeded', match: { contains: 'rfd_7' } });
  const refund = await rig.stripe.refunds.create({ payment_intent: id, metadata: { refund_id: 'rfd_7' } });
  expect(refund.status).toBe('pending');
  expect((await rig.control('POST', `/stripe/refunds/${refund.id}/${outcome}`)).json.status).toBe(status);
  expect((await rig.stripe.refunds.retrieve(refund.id)).status).toBe(status);
});

test('only the ledger distinguishes a refund of the console', async () => {
  const rig = await openRig();
  const { id } = await paidIntent(rig);
  const made = await rig.control('POST', '/stripe/refunds', { payment_intent: id, amount: 250 });
  expect(made.json).toMatchObject({ object: 'refund', amount: 250, metadata: {} });
  const { json } = await rig.control('GET', '/ledger');
  expect(json.stripe.refunds).toMatchObject([{ id: made.json.id, origin: 'PROVIDER' }]);
});

test('the balance lists every movement with its source', async () => {
  const rig = await openRig();
  const { id } = await paidIntent(rig, 'pm_card_refundFail');
  await rig.stripe.refunds.create({ payment_intent: id, amount: 400 });
  await rig.control('POST', '/clock', { advanceMs: 11_000 });
  const { data } = await rig.stripe.balanceTransactions.list({ expand: ['data.source'] });
  expect(data.map(({ type, amount, fee }) => [type, amount, fee])).toEqual([
    ['refund_failure', 400, 0],
    ['refund', -400, 0],
    ['charge', 1000, 59],
  ]);
  expect(data[2]?.source).toMatchObject({ object: 'charge', payment_intent: id });
  const since = Math.floor(Date.now() / 1000) + 3600;
  expect((await rig.stripe.balanceTransactions.list({ created: { gte: since } })).data).toEqual([]);
});
