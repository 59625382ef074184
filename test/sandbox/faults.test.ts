import { expect, test } from 'vitest';
import { openReceiver, openRig, type Rig, refusal, secretKey, stripeAt, tenDollars } from './rig.ts';

const onCreate = { operation: 'payment_intents.create' };

async function intentsMade(rig: Rig): Promise<number> {
  return (await rig.stripe.paymentIntents.list({ limit: 100 })).data.length;
}

test.each<[fault: string, type: string, statusCode: number | undefined, made: number]>([
  ['error_500_before', 'StripeAPIError', 500, 0],
  ['error_500_after', 'StripeAPIError', 500, 1],
  ['rate_limit', 'StripeRateLimitError', 429, 0],
  ['lock_timeout', 'StripeAPIError', 409, 0],
  ['refuse', 'StripeInvalidRequestError', 400, 0],
  ['malformed', 'StripeAPIError', undefined, 1],
])('the fault %s is a %s with status %s, and %i intents are made', async (fault, type, statusCode, made) => {
  const rig = await openRig();
  await rig.control('POST', '/faults', { fault, match: onCreate });
  const error = await refusal(rig.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'k' }));
  expect(error.type).toBe(type);
  expect(error.statusCode).toBe(statusCode);
  expect(await intentsMade(rig)).toBe(made);
});

test.each<[fault: string, made: number]>([
  ['timeout_before', 0],
  ['timeout_after', 1],
])('with the fault %s the client times out, and %i intents are made', async (fault, made) => {
  const rig = await openRig();
  await rig.control('POST', '/faults', { fault, match: { method: 'post', path: '/v1/payment_intents' } });
  const impatient = stripeAt(rig.url, secretKey, 300);
  expect((await refusal(impatient.paymentIntents.create(tenDollars))).type).toBe('StripeConnectionError');
  expect(await intentsMade(rig)).toBe(made);
});

test.each<[fault: string, made: number]>([
  ['reset_before', 0],
  ['reset_after', 1],
])('with the fault %s the connection is reset, and %i intents are made', async (fault, made) => {
  const rig = await openRig();
  await rig.control('POST', '/faults', { fault, match: { path: '/v1/*_intents' }, times: 2 }); // the SDK retries once
  const error = await refusal(rig.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'k' }));
  expect(error.type).toBe('StripeConnectionError');
  await rig.control('DELETE', '/faults');
  expect(await intentsMade(rig)).toBe(made);
});

test.each(['timeout_after', 'reset_after', 'malformed'])(
  'after %s a retry with the same key returns the result',
  async (fault) => {
    const rig = await openRig();
    await rig.control('POST', '/faults', { fault, match: onCreate });
    const impatient = stripeAt(rig.url, secretKey, 300);
    await impatient.paymentIntents.create(tenDollars, { idempotencyKey: 'k' }).catch(() => undefined);
    const again = await rig.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'k' });
    expect(again.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect((await rig.stripe.paymentIntents.list()).data.map(({ id }) => id)).toEqual([again.id]);
  },
);

test('a 500 after execution is stored under the key, and the object exists', async () => {
  const rig = await openRig();
  await rig.control('POST', '/faults', { fault: 'error_500_after', match: onCreate });
  await refusal(rig.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'k' }));
  const again = await refusal(rig.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'k' }));
  expect(again).toMatchObject({ statusCode: 500, headers: { 'idempotent-replayed': 'true' } });
  expect(await intentsMade(rig)).toBe(1);
});

test('a rule applies the given number of times to matching requests', async () => {
  const rig = await openRig();
  await rig.control('POST', '/faults', { fault: 'rate_limit', match: { contains: 'pay_unlucky' }, times: 2 });
  const unlucky = { ...tenDollars, metadata: { payment_id: 'pay_unlucky' } };
  await rig.stripe.paymentIntents.create(tenDollars);
  await refusal(rig.stripe.paymentIntents.create(unlucky));
  expect((await rig.control('GET', '/faults')).json.faults).toMatchObject([{ fault: 'rate_limit', times: 1 }]);
  await refusal(rig.stripe.paymentIntents.create(unlucky));
  await rig.stripe.paymentIntents.create(unlucky);
});

test('random faults are reproducible with the same seed', async () => {
  const courses = await Promise.all(
    [7, 7, 8].map(async (seed) => {
      const rig = await openRig({ seed });
      await rig.control('POST', '/faults', { fault: 'rate_limit', probability: 0.5, times: 100 });
      const course: boolean[] = [];
      for (let n = 0; n < 16; n += 1)
        course.push(
          await rig.stripe.charges.list().then(
            () => true,
            () => false,
          ),
        );
      return course.join();
    }),
  );
  expect(courses[0]).toBe(courses[1]);
  expect(courses[0]).not.toBe(courses[2]);
});

test('an invalid rule is refused with the name of the problem', async () => {
  const rig = await openRig();
  for (const [rule, about] of [
    [{ fault: 'meteor' }, 'fault'],
    [{ fault: 'drop', times: 0 }, 'times'],
    [{ fault: 'drop', probability: 2 }, 'probability'],
    [{ fault: 'drop', match: { colour: 'red' } }, 'colour'],
    [{ fault: 'drop', target: 'request' }, 'fault'],
  ] as const) {
    const answer = await rig.control('POST', '/faults', rule);
    expect(answer.status).toBe(400);
    expect(answer.json.error.message).toContain(about);
  }
});

test('a canceled intent can succeed afterwards', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver });
  const { id } = await rig.stripe.paymentIntents.create(tenDollars);
  await rig.control('POST', '/faults', { fault: 'success_after_close', ms: 5000, match: { contains: id } });
  expect((await rig.stripe.paymentIntents.cancel(id)).status).toBe('canceled');
  await rig.control('POST', '/clock', { advanceMs: 5000 });
  const paid = await rig.stripe.paymentIntents.retrieve(id, { expand: ['latest_charge'] });
  expect(paid).toMatchObject({ status: 'succeeded', amount_received: 1000, latest_charge: { captured: true } });
  await receiver.until((all) => all.some(({ event }) => event.type === 'payment_intent.succeeded'));
});

test('an expired session can be paid afterwards', async () => {
  const rig = await openRig();
  const session = await rig.stripe.checkout.sessions.create({
    mode: 'payment',
    line_items: [{ quantity: 1, price_data: { currency: 'usd', unit_amount: 700, product_data: { name: 'Tea' } } }],
    success_url: 'https://shop.test/',
  });
  await rig.control('POST', '/faults', { fault: 'success_after_close' });
  await rig.stripe.checkout.sessions.expire(session.id);
  await rig.control('POST', '/clock', { advanceMs: 0 });
  expect(await rig.stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
    status: 'complete',
    payment_status: 'paid',
  });
});

test.each<['succeeded' | 'failed', string]>([
  ['succeeded', 'succeeded'],
  ['failed', 'requires_payment_method'],
])('a payment can stay processing until it has %s', async (outcome, status) => {
  const rig = await openRig();
  await rig.control('POST', '/faults', { fault: `processing_then_${outcome}` });
  const params = { ...tenDollars, confirm: true, payment_method: 'pm_card_visa' };
  const intent = await rig.stripe.paymentIntents.create(params);
  expect(intent.status).toBe('processing');
  expect((await refusal(rig.stripe.paymentIntents.cancel(intent.id))).code).toBe('payment_intent_unexpected_state');
  await rig.control('POST', `/stripe/payment_intents/${intent.id}/finish`, { outcome });
  expect((await rig.stripe.paymentIntents.retrieve(intent.id)).status).toBe(status);
});

test('an authorization lapses on demand', async () => {
  const rig = await openRig();
  const params = { ...tenDollars, capture_method: 'manual', confirm: true, payment_method: 'pm_card_visa' } as const;
  const held = await rig.stripe.paymentIntents.create(params);
  expect((await rig.control('POST', `/stripe/payment_intents/${held.id}/lapse`)).json.status).toBe('canceled');
  const late = await refusal(rig.stripe.paymentIntents.capture(held.id));
  expect(late.code).toBe('payment_intent_unexpected_state');
});
