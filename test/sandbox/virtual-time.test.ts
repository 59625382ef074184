import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Stripe from 'stripe';
import { expect, onTestFinished, test } from 'vitest';
import { refusal, secretKey, tenDollars } from './rig.ts';
import { dayMs, minuteMs, openVirtualRig, startSeconds, startsAt } from './virtual-rig.ts';

const held = { ...tenDollars, capture_method: 'manual', confirm: true, payment_method: 'pm_card_visa' } as const;
const session: Stripe.Checkout.SessionCreateParams = {
  mode: 'payment',
  line_items: [{ quantity: 1, price_data: { currency: 'usd', unit_amount: 700, product_data: { name: 'Tea' } } }],
  success_url: 'https://shop.test/',
};

test('time stands still, and a task that is due at once waits for advance(0)', async () => {
  const rig = await openVirtualRig();
  expect((await rig.stripe.paymentIntents.create(tenDollars)).created).toBe(startSeconds);
  await new Promise(setImmediate);
  expect(rig.types()).toEqual([]);
  await rig.sandbox.advance(0);
  expect(rig.types()).toEqual(['payment_intent.created']);
  expect(rig.sandbox.now()).toEqual(startsAt);
});

test('objects, events, signatures and attempts all use virtual time', async () => {
  const rig = await openVirtualRig();
  rig.answerWith = 500;
  await rig.sandbox.advance(90_000);
  const { created } = await rig.stripe.paymentIntents.create(tenDollars);
  expect(created).toBe(startSeconds + 90);
  await rig.sandbox.advance(2000);
  expect(rig.received.map(({ signedAt, verified }) => [signedAt, verified])).toEqual([
    [startSeconds + 90, true],
    [startSeconds + 91, true],
  ]);
  expect(rig.received[0]?.event).toMatchObject({ created: startSeconds + 90 });
  const answer = await rig.sandbox.request({ method: 'GET', path: '/control/deliveries' });
  const [delivery] = JSON.parse(typeof answer === 'string' ? '' : answer.body).deliveries;
  const atMs = startsAt.getTime() + 90_000;
  expect(delivery.attempts).toMatchObject([{ atMs, durationMs: 0 }, { atMs: atMs + 1000 }]);
});

test('a Checkout Session is checked and expires by virtual time', async () => {
  const rig = await openVirtualRig();
  const real = Math.floor(Date.now() / 1000) + 3600;
  const refused = await refusal(rig.stripe.checkout.sessions.create({ ...session, expires_at: real }));
  expect(refused).toMatchObject({ param: 'expires_at' });
  const { id } = await rig.stripe.checkout.sessions.create({ ...session, expires_at: startSeconds + 1800 });
  await rig.sandbox.advance(30 * minuteMs - 1);
  expect((await rig.stripe.checkout.sessions.retrieve(id)).status).toBe('open');
  await rig.sandbox.advance(1);
  expect((await rig.stripe.checkout.sessions.retrieve(id)).status).toBe('expired');
});

test('an authorization expires after exactly seven days', async () => {
  const rig = await openVirtualRig();
  const { id } = await rig.stripe.paymentIntents.create(held);
  await rig.sandbox.advance(7 * dayMs - 1);
  expect((await rig.stripe.paymentIntents.retrieve(id)).status).toBe('requires_capture');
  await rig.sandbox.advance(1);
  expect(await rig.stripe.paymentIntents.retrieve(id)).toMatchObject({
    status: 'canceled',
    cancellation_reason: 'automatic',
    canceled_at: startSeconds + 7 * 24 * 3600,
    amount_capturable: 0,
  });
  expect(rig.types().slice(-2)).toEqual(['charge.expired', 'payment_intent.canceled']);
});

test('an idempotency key expires after a day of virtual time', async () => {
  const rig = await openVirtualRig();
  const create = async (): Promise<string> =>
    (await rig.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'k' })).id;
  const first = await create();
  await rig.sandbox.advance(dayMs);
  expect(await create()).toBe(first);
  await rig.sandbox.advance(1);
  expect(await create()).not.toBe(first);
});

test('a delayed request is unanswered at once, keeps its key in use, and is executed when the clock reaches it', async () => {
  const rig = await openVirtualRig();
  await rig.fault({ fault: 'delay', target: 'request', ms: 5000 });
  const create = () => rig.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'k' });
  expect((await refusal(create())).type).toBe('StripeConnectionError');
  expect((await refusal(create())).code).toBe('idempotency_key_in_use');
  await rig.sandbox.advance(4999);
  expect(rig.sandbox.ledger().stripe.paymentIntents).toEqual([]);
  await rig.sandbox.advance(1);
  const [made] = rig.sandbox.ledger().stripe.paymentIntents;
  expect(made).toMatchObject({ created: startSeconds + 5 });
  expect(rig.types()).toEqual(['payment_intent.created']);
  expect((await create()).id).toBe(made?.id);
});

test('with hold, a delayed response resolves when the clock reaches it', async () => {
  const rig = await openVirtualRig({ unansweredRequests: 'hold' });
  await rig.fault({ fault: 'delay', target: 'request', ms: 5000 });
  const answer = rig.stripe.paymentIntents.create(tenDollars);
  await new Promise(setImmediate); // let the SDK send it
  await rig.sandbox.advance(5000);
  expect((await answer).created).toBe(startSeconds + 5);
});

test('a late response is returned at once and says how late it would be', async () => {
  const rig = await openVirtualRig();
  await rig.fault({ fault: 'delay_after', ms: 7000 });
  const answer = await rig.sandbox.request({
    method: 'POST',
    path: '/v1/payment_intents',
    headers: { Authorization: `Bearer ${secretKey}`, 'Content-Type': 'application/x-www-form-urlencoded' },
    body: 'amount=1000&currency=usd',
  });
  expect(answer).toMatchObject({ status: 200, headers: { 'x-sandbox-late-ms': '7000' } });
});

test('an attempt without a response times out in real time and is retried in virtual time', async () => {
  let asked = 0;
  const post = (): Promise<never> => {
    asked += 1;
    return new Promise(() => undefined);
  };
  const rig = await openVirtualRig({ attemptTimeoutMs: 5, post });
  await rig.stripe.paymentIntents.create(tenDollars);
  await rig.sandbox.advance(1000);
  expect(asked).toBe(2);
  const answer = await rig.sandbox.request({ method: 'GET', path: '/control/deliveries' });
  expect(typeof answer === 'string' ? answer : answer.body).toContain('no response within 5 ms');
});

test('after a restart virtual time continues where it was, with its scheduled tasks', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sandbox-virtual-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const before = await openVirtualRig({ dataDir });
  await before.sandbox.advance(90_000);
  await before.stripe.paymentIntents.create(tenDollars);
  await before.sandbox.close();
  const after = await openVirtualRig({ dataDir });
  expect(after.sandbox.now().getTime()).toBe(startsAt.getTime() + 90_000);
  await after.sandbox.advance(0);
  expect(after.types()).toEqual(['payment_intent.created']);
});

test('every callback can be dropped', async () => {
  const rig = await openVirtualRig();
  await rig.fault({ fault: 'drop', times: 1_000_000 });
  const { id } = await rig.stripe.paymentIntents.create({
    ...tenDollars,
    confirm: true,
    payment_method: 'pm_card_visa',
  });
  await rig.stripe.refunds.create({ payment_intent: id });
  await rig.sandbox.advance(10 * dayMs);
  expect(rig.types()).toEqual([]);
});

test('the same seed and requests produce the same ids, faults and callbacks in the same order', async () => {
  const stories = await Promise.all([5, 5, 6].map(story));
  expect(stories[0]).toBe(stories[1]);
  expect(stories[0]).not.toBe(stories[2]);
});

/** A digest of all ids, responses and callbacks of one scenario. */
async function story(seed: number): Promise<string> {
  const rig = await openVirtualRig({ seed });
  await rig.fault({ fault: 'error_500_after', probability: 0.3, times: 100 });
  await rig.fault({ fault: 'duplicate', target: 'callback', probability: 0.5, times: 100 });
  await rig.fault({ fault: 'reorder', target: 'callback', probability: 0.5, times: 100 });
  const told: unknown[] = [];
  for (let step = 0; step < 8; step += 1) {
    rig.answerWith = step % 3 === 0 ? 500 : 200;
    const key = (act: string) => ({ idempotencyKey: `${act}_${step}` }); // the keys of the SDK are random
    const intent = await rig.stripe.paymentIntents.create(held, key('create')).catch(() => null);
    const part = { amount_to_capture: 400 };
    if (intent) await rig.stripe.paymentIntents.capture(intent.id, part, key('capture')).catch(() => null);
    await rig.sandbox.advance(step * 1000);
    told.push(intent?.id ?? 'failed');
  }
  await rig.sandbox.advance(30 * dayMs);
  const whole = JSON.stringify([told, rig.received, rig.sandbox.ledger()]);
  return createHash('sha256').update(whole).digest('hex');
}
