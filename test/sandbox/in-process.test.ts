import { expect, test } from 'vitest';
import { startSandbox } from '../../sandbox/server.ts';
import { openRig, publishableKey, secretKey, stripeAt, tenDollars, webhookSecret } from './rig.ts';
import { openVirtualRig, startsAt } from './virtual-rig.ts';

const form = { Authorization: `Bearer ${secretKey}`, 'Content-Type': 'application/x-www-form-urlencoded' };
const create = {
  method: 'POST',
  path: '/v1/payment_intents',
  headers: form,
  body: 'amount=1000&currency=usd',
} as const;

test('in-process requests and HTTP use the same ledger', async () => {
  const sandbox = await startSandbox({
    port: 0,
    dataDir: null,
    stripe: { secretKey, publishableKey, webhookSecret, webhookUrl: null },
  });
  const made = await sandbox.request(create);
  const { id } = JSON.parse(typeof made === 'string' ? '' : made.body);
  expect((await stripeAt(sandbox.url).paymentIntents.retrieve(id)).amount).toBe(1000);
  await sandbox.close();
});

test('a response has its status, its headers in lower case, and its body', async () => {
  const { sandbox } = await openVirtualRig();
  const refused = await sandbox.request({ ...create, body: 'amount=1' });
  expect(refused).toMatchObject({ status: 400, headers: { 'content-type': 'application/json' } });
  expect(await sandbox.request({ method: 'GET', path: '/v1/refunds?limit=2', headers: form })).toMatchObject({
    status: 200,
    body: expect.stringContaining('"object": "list"'),
  });
  expect(await sandbox.request({ method: 'GET', path: '/nowhere' })).toMatchObject({ status: 404 });
});

test.each<[fault: string, outcome: unknown, made: number]>([
  ['timeout_before', 'unanswered', 0],
  ['timeout_after', 'unanswered', 1],
  ['reset_before', 'reset', 0],
  ['reset_after', 'reset', 1],
])('in process, %s resolves to %s, and %i intents are made', async (fault, outcome, made) => {
  const { sandbox, fault: add } = await openVirtualRig({ unansweredRequests: 'hold' });
  await add({ fault, match: { operation: 'payment_intents.create' } });
  expect(await sandbox.request(create)).toBe(outcome);
  expect(sandbox.ledger().stripe.paymentIntents).toHaveLength(made);
});

test.each<[fault: string, made: number]>([
  ['timeout_before', 0],
  ['timeout_after', 1],
  ['delay', 0],
])('with status-599, %s gets 599 at once, in process and by HTTP', async (fault, made) => {
  const told = { status: 599, headers: { 'x-sandbox-unanswered': 'timeout' }, body: '' };
  const sandbox = await startSandbox({
    port: 0,
    dataDir: null,
    stripe: { secretKey, publishableKey, webhookSecret, webhookUrl: null },
    virtualTime: { startsAt },
    unansweredRequests: 'status-599',
  });
  await sandbox.control('/control/faults', { fault, target: 'request', ms: 1000, times: 2 });
  expect(await sandbox.request(create)).toEqual(told);
  const response = await fetch(sandbox.url + create.path, create);
  expect([response.status, response.headers.get('x-sandbox-unanswered')]).toEqual([599, 'timeout']);
  expect(sandbox.ledger().stripe.paymentIntents).toHaveLength(made * 2);
  await sandbox.advance(1000);
  expect(sandbox.ledger().stripe.paymentIntents).toHaveLength(fault === 'timeout_before' ? 0 : 2);
  await sandbox.close();
});

test('actions of the console work in process, and refusals have a reason', async () => {
  const { sandbox, stripe } = await openVirtualRig();
  const paid = await stripe.paymentIntents.create({ ...tenDollars, confirm: true, payment_method: 'pm_card_visa' });
  const refund = await sandbox.control('/control/stripe/refunds', { payment_intent: paid.id, amount: 250 });
  expect(refund).toMatchObject({ object: 'refund', status: 'succeeded', metadata: {} });
  expect(await sandbox.control(`/control/stripe/refunds/${refund.id}/fail`)).toMatchObject({ status: 'failed' });
  await expect(sandbox.control('/control/stripe/refunds/re_none/fail')).rejects.toThrow('The refund does not exist.');
  const colour = sandbox.control('/control/stripe/refunds', { payment_intent: paid.id, colour: 'red' });
  await expect(colour).rejects.toThrow('colour is unknown');
});

test('the in-process ledger equals the ledger by HTTP', async () => {
  const { sandbox, stripe } = await openVirtualRig();
  const paid = await stripe.paymentIntents.create({ ...tenDollars, confirm: true, payment_method: 'pm_card_visa' });
  await stripe.refunds.create({ payment_intent: paid.id, amount: 300, metadata: { refund_id: 'rfd_1' } });
  await sandbox.control('/control/stripe/refunds', { payment_intent: paid.id, amount: 250 });
  const answer = await sandbox.request({ method: 'GET', path: '/control/ledger?payment_id=pay_rig' });
  expect(JSON.parse(typeof answer === 'string' ? '' : answer.body)).toEqual(sandbox.ledger('pay_rig'));
  const { totals, refunds } = sandbox.ledger('pay_rig').stripe;
  expect(totals.pay_rig).toEqual({
    currency: 'usd',
    paymentIntents: 1,
    charges: 1,
    authorized: 0,
    captured: 1000,
    refunded: 550,
    refundPending: 0,
  });
  expect(refunds).toMatchObject([
    { amount: 300, status: 'succeeded', metadata: { refund_id: 'rfd_1' }, origin: 'API' },
    { amount: 250, status: 'succeeded', metadata: {}, origin: 'PROVIDER' },
  ]);
  expect(sandbox.ledger('pay_other').stripe.refunds).toEqual([]);
});

test('the control API moves the same clock', async () => {
  const rig = await openVirtualRig();
  const clock = await rig.sandbox.control('/control/clock', { advanceMs: 90_000 });
  expect(clock.nowMs).toBe(rig.sandbox.now().getTime());
  expect(clock.offsetMs).toBe(90_000);
});

test('a sandbox in real time reports real time', async () => {
  const rig = await openRig();
  await rig.control('POST', '/clock', { advanceMs: 3_600_000 });
  const { created } = await rig.stripe.paymentIntents.create(tenDollars);
  expect(Math.abs(created - Date.now() / 1000)).toBeLessThan(60);
});
