import { expect, test } from 'vitest';
import { openReceiver, openRig, paidIntent, type Rig, tenDollars, webhookSecret } from './rig.ts';

type Delivery = { id: string; eventId: string; type: string; state: string; attempts: { status: number | null }[] };

async function deliveries(rig: Rig): Promise<Delivery[]> {
  return (await rig.control('GET', '/deliveries')).json.deliveries;
}

/** Virtual time: `advance` also waits for all deliveries that become due. */
function advance(rig: Rig, advanceMs: number) {
  return rig.control('POST', '/clock', { advanceMs });
}

test('every event is signed, pretty-printed and equal to the event of the API', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver });
  await paidIntent(rig);
  const received = await receiver.until((all) => all.length === 3);
  for (const { event, body, verified, headers, signedAt } of received) {
    expect(verified).toBe(true);
    expect(headers['stripe-signature']).toMatch(/^t=\d+,v1=[0-9a-f]{64},v0=[0-9a-f]{64}$/);
    expect(Math.abs(signedAt - Date.now() / 1000)).toBeLessThan(60);
    expect(body).toBe(JSON.stringify(event, null, 2));
    expect(event).toMatchObject({ object: 'event', api_version: '2026-10-28.endive', livemode: false });
    expect(JSON.parse(JSON.stringify(await rig.stripe.events.retrieve(event.id)))).toEqual(event);
  }
});

test('an event names the request that caused it', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver });
  const intent = await rig.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'why' });
  const [first] = await receiver.until((all) => all.length === 1);
  expect(first?.event).toMatchObject({ request: { id: intent.lastResponse.requestId, idempotency_key: 'why' } });
});

test('during the rotation of a secret both secrets sign', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver, webhookSecret: `whsec_next,${webhookSecret}` });
  await rig.stripe.paymentIntents.create(tenDollars);
  const [first] = await receiver.until((all) => all.length === 1);
  expect(first?.headers['stripe-signature']).toMatch(/^t=\d+,v1=\w+,v1=\w+,v0=\w+$/);
  expect(first?.verified).toBe(true);
});

test('an unacknowledged delivery is retried with a new signature and the same event id', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver });
  receiver.answerWith = () => 500;
  await rig.stripe.paymentIntents.create(tenDollars);
  await receiver.until((all) => all.length === 1);
  await advance(rig, 60_000);
  expect(receiver.received.length).toBeGreaterThanOrEqual(4); // at once, then 1 s, 5 s and 30 s after each other
  receiver.answerWith = () => 204;
  await advance(rig, 3_600_000);
  expect(new Set(receiver.received.map(({ event }) => event.id)).size).toBe(1);
  expect(receiver.received.every(({ verified }) => verified)).toBe(true);
  for (const { signedAt } of receiver.received) expect(Math.abs(signedAt - Date.now() / 1000)).toBeLessThan(60);
  const [delivery] = await deliveries(rig);
  expect(delivery?.state).toBe('delivered');
  expect(delivery?.attempts.map(({ status }) => status)).toEqual([500, 500, 500, 500, 204]);
});

test('an unacknowledged delivery is abandoned after three days', async () => {
  const receiver = await openReceiver();
  receiver.answerWith = () => 400;
  const rig = await openRig({ receiver });
  await rig.stripe.paymentIntents.create(tenDollars);
  await receiver.until((all) => all.length === 1);
  await advance(rig, 5 * 24 * 3_600_000);
  const [delivery] = await deliveries(rig);
  expect(delivery).toMatchObject({ state: 'gave_up' });
  expect(delivery?.attempts).toHaveLength(13);
});

test('a receiver that is down is retried, also at a new URL', async () => {
  const rig = await openRig();
  await rig.control('POST', '/webhooks', { url: 'http://127.0.0.1:1/hook', retryDelaysMs: [1000, 1000] });
  await rig.stripe.paymentIntents.create(tenDollars);
  await expect.poll(async () => (await deliveries(rig))[0]?.attempts, { interval: 5 }).toHaveLength(1);
  const receiver = await openReceiver();
  await rig.control('POST', '/webhooks', { url: receiver.url });
  await advance(rig, 1000);
  expect(receiver.types()).toEqual(['payment_intent.created']);
});

test('new settings do not duplicate a scheduled attempt', async () => {
  const receiver = await openReceiver();
  receiver.answerWith = () => 500;
  const rig = await openRig({ receiver });
  await rig.stripe.paymentIntents.create(tenDollars);
  await expect.poll(async () => (await deliveries(rig))[0]?.attempts, { interval: 5 }).toHaveLength(1);
  await rig.control('POST', '/webhooks', { retryDelaysMs: [1000, 3_600_000] });
  await rig.control('POST', '/webhooks', { url: receiver.url });
  await advance(rig, 60_000);
  expect((await deliveries(rig))[0]?.attempts).toHaveLength(2);
});

test('the control API redelivers with the same event id', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver });
  await rig.stripe.paymentIntents.create(tenDollars);
  await receiver.until((all) => all.length === 1);
  const [delivery] = await deliveries(rig);
  const again = await rig.control('POST', `/deliveries/${delivery?.id}/redeliver`);
  expect(again).toMatchObject({ status: 200, json: { state: 'delivered' } });
  expect(new Set(receiver.received.map(({ event }) => event.id)).size).toBe(1);
  expect(receiver.received).toHaveLength(2);
  expect((await rig.control('POST', '/deliveries/dlv_none/redeliver')).status).toBe(404);
});

test('a dropped callback is never sent', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver });
  await rig.control('POST', '/faults', { fault: 'drop', match: { type: 'payment_intent.succeeded' } });
  await paidIntent(rig);
  await receiver.until((all) => all.length === 2);
  await advance(rig, 5 * 24 * 3_600_000);
  expect(receiver.types().sort()).toEqual(['charge.succeeded', 'payment_intent.created']);
  expect(await deliveries(rig)).toContainEqual(expect.objectContaining({ state: 'dropped', attempts: [] }));
});

test('a duplicated callback is sent the given number of times with one event id', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver });
  await rig.control('POST', '/faults', { fault: 'duplicate', count: 4, match: { type: '*.created' } });
  await rig.stripe.paymentIntents.create(tenDollars);
  const received = await receiver.until((all) => all.length === 5);
  expect(new Set(received.map(({ event }) => event.id)).size).toBe(1);
});

test('a delayed callback is sent after its delay', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver });
  await rig.control('POST', '/faults', { fault: 'delay', target: 'callback', ms: 600_000 });
  await rig.stripe.paymentIntents.create(tenDollars);
  await advance(rig, 590_000);
  expect(receiver.types()).toEqual([]);
  await advance(rig, 20_000);
  expect(receiver.types()).toEqual(['payment_intent.created']);
});

test('a reordered callback is sent after the next one', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver });
  await rig.control('POST', '/faults', { fault: 'reorder', match: { type: 'payment_intent.created' } });
  const intent = await rig.stripe.paymentIntents.create(tenDollars);
  await rig.stripe.paymentIntents.cancel(intent.id);
  await receiver.until((all) => all.length === 2);
  expect(receiver.types()).toEqual(['payment_intent.canceled', 'payment_intent.created']);
});

test('a forged callback is sent in addition to the genuine one and never verifies', async () => {
  const receiver = await openReceiver();
  receiver.answerWith = ({ verified }) => (verified ? 200 : 400);
  const rig = await openRig({ receiver });
  await rig.control('POST', '/faults', { fault: 'forge', match: { type: 'payment_intent.created' } });
  await rig.stripe.paymentIntents.create(tenDollars);
  await receiver.until((all) => all.length === 2);
  expect(receiver.received.map(({ verified }) => verified).sort()).toEqual([false, true]);
  await advance(rig, 24 * 3_600_000);
  expect(receiver.received).toHaveLength(2);
});

test('an altered callback has an invalid signature in its first attempt and a valid one in the next', async () => {
  const receiver = await openReceiver();
  receiver.answerWith = ({ verified }) => (verified ? 200 : 400);
  const rig = await openRig({ receiver });
  await rig.control('POST', '/faults', { fault: 'alter', match: { type: 'payment_intent.created' } });
  await rig.stripe.paymentIntents.create(tenDollars);
  await receiver.until((all) => all.length === 1);
  await advance(rig, 2000);
  const story = receiver.received.map(({ verified, event }) => [verified, event.data.object.amount]);
  expect(story).toEqual([
    [false, 1100],
    [true, 1000],
  ]);
});

test('the first attempt of a stale callback has a timestamp of ten minutes ago', async () => {
  const receiver = await openReceiver();
  receiver.answerWith = ({ signedAt }) => (Date.now() / 1000 - signedAt > 300 ? 400 : 200);
  const rig = await openRig({ receiver });
  await rig.control('POST', '/faults', { fault: 'stale', match: { type: 'payment_intent.created' } });
  await rig.stripe.paymentIntents.create(tenDollars);
  const [first] = await receiver.until((all) => all.length === 1);
  expect(first?.verified).toBe(true);
  expect(Date.now() / 1000 - (first?.signedAt ?? 0)).toBeGreaterThan(590);
  await advance(rig, 2000);
  expect((await deliveries(rig))[0]?.state).toBe('delivered');
});

test('a callback with a wrong amount is validly signed, and the ledger has the true amount', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver });
  await rig.control('POST', '/faults', { fault: 'wrong_amount', match: { type: 'payment_intent.succeeded' } });
  const { id } = await paidIntent(rig);
  await receiver.until((all) => all.length === 3);
  const lie = receiver.received.find(({ event }) => event.type === 'payment_intent.succeeded');
  expect(lie).toMatchObject({ verified: true, event: { data: { object: { amount: 1100, amount_received: 1100 } } } });
  expect((await rig.stripe.paymentIntents.retrieve(id)).amount).toBe(1000);
});

test('a callback of another account is validly signed and names that account', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver });
  await rig.control('POST', '/faults', { fault: 'another_account', match: { type: 'payment_intent.succeeded' } });
  await paidIntent(rig);
  await receiver.until((all) => all.length === 3);
  const foreign = receiver.received.find(({ event }) => event.type === 'payment_intent.succeeded');
  expect(foreign).toMatchObject({ verified: true, event: { account: expect.stringMatching(/^acct_/) } });
});
