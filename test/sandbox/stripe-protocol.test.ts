import { connect } from 'node:net';
import type Stripe from 'stripe';
import { expect, test } from 'vitest';
import { openRig, paidIntent, publishableKey, read, refusal, secretKey, stripeAt, tenDollars } from './rig.ts';

test.each<[change: object, code: string | undefined, param: string]>([
  [{ payment_method_types: ['card'] }, 'parameter_unknown', 'payment_method_types'],
  [{ colour: 'red' }, 'parameter_unknown', 'colour'],
  [
    { payment_method_data: { type: 'card', card: { number: '4242424242424242', pin: '1' } } },
    'parameter_unknown',
    'payment_method_data[card][pin]',
  ],
  [{ amount: 'ten' }, 'parameter_invalid_integer', 'amount'],
  [{ amount: 10.5 }, 'parameter_invalid_integer', 'amount'],
  [{ amount: 0 }, 'parameter_invalid_integer', 'amount'],
  [{ amount: -100 }, 'parameter_invalid_integer', 'amount'],
  [{ amount: 49 }, 'amount_too_small', 'amount'],
  [{ amount: 100_000_000 }, 'amount_too_large', 'amount'],
  [{ amount: undefined }, 'parameter_missing', 'amount'],
  [{ currency: 'kwd', amount: 5124 }, 'parameter_invalid_integer', 'amount'],
  [{ currency: 'isk', amount: 550 }, 'parameter_invalid_integer', 'amount'],
  [{ currency: 'xyz' }, undefined, 'currency'],
  [{ capture_method: 'sometimes' }, undefined, 'capture_method'],
  [{ metadata: { long: 'x'.repeat(501) } }, undefined, 'metadata[long]'],
  [{ metadata: { ['k'.repeat(41)]: 'x' } }, undefined, 'metadata'],
  [{ payment_method: 'pm_unheard_of' }, 'resource_missing', 'payment_method'],
])('a PaymentIntent with %j is refused with %s for %s', async (change, code, param) => {
  const { stripe } = await openRig();
  const params = { ...tenDollars, ...change } as Stripe.PaymentIntentCreateParams;
  expect(await refusal(stripe.paymentIntents.create(params))).toMatchObject({ statusCode: 400, code, param });
  expect((await stripe.paymentIntents.list()).data).toEqual([]);
});

test.each<[currency: string, amount: number]>([
  ['jpy', 500],
  ['kwd', 5120],
  ['isk', 500],
  ['usd', 99_999_999],
])('%s %i can be charged', async (currency, amount) => {
  const { stripe } = await openRig();
  expect(await stripe.paymentIntents.create({ ...tenDollars, currency, amount })).toMatchObject({ currency, amount });
});

test('an invalid key, a missing key and an unsupported version are refused', async () => {
  const { url } = await openRig();
  const wrong = await refusal(stripeAt(url, 'sk_test_wrong').paymentIntents.list());
  expect(wrong).toMatchObject({ type: 'StripeAuthenticationError', statusCode: 401 });
  const none = await read(await fetch(`${url}/v1/payment_intents`));
  expect(none).toMatchObject({ status: 401, json: { error: { type: 'invalid_request_error' } } });
  const headers = { Authorization: `Bearer ${secretKey}`, 'Stripe-Version': '2019-01-01' };
  const old = await read(await fetch(`${url}/v1/payment_intents`, { headers }));
  expect(old.status).toBe(400);
  expect(old.json.error.message).toContain('2019-01-01');
});

test('a page of another origin may confirm', async () => {
  const { url } = await openRig();
  const preflight = await fetch(`${url}/v1/payment_intents/pi_1/confirm`, { method: 'OPTIONS' });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
  expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization');
  const refused = await fetch(`${url}/v1/payment_intents/pi_1/confirm`, { method: 'POST' });
  expect(refused.headers.get('access-control-allow-origin')).toBe('*');
});

test('unknown objects and paths get the errors of Stripe', async () => {
  const { stripe, url } = await openRig();
  const missing = await refusal(stripe.paymentIntents.retrieve('pi_none'));
  expect(missing).toMatchObject({ statusCode: 404, code: 'resource_missing', param: 'intent' });
  const headers = { Authorization: `Bearer ${secretKey}` };
  expect((await fetch(`${url}/v1/nonsense`, { headers })).status).toBe(404);
  expect((await fetch(`${url}/v1/payment_intents/%E0%A4%A`, { headers })).status).toBe(404);
  expect((await fetch(`${url}/elsewhere`)).status).toBe(404);
  expect((await fetch(`${url}/control/clock`, { method: 'PUT' })).status).toBe(405);
});

test.each<[why: string, type: string, body: string, status: number]>([
  ['JSON', 'application/json', '{"amount":1000}', 400],
  ['contradicting names', 'application/x-www-form-urlencoded', 'amount=1&amount[x]=2', 400],
  ['deep nesting', 'application/x-www-form-urlencoded', `a${'[b]'.repeat(50)}=1`, 400],
  ['a broken name', 'application/x-www-form-urlencoded', 'a[b=1', 400],
  ['a prototype', 'application/x-www-form-urlencoded', '__proto__[x]=1', 400],
  ['too large', 'application/x-www-form-urlencoded', 'x'.repeat(1_100_000), 413],
])('a body that is %s gets a 4xx that says why', async (_why, type, body, status) => {
  const { url } = await openRig();
  const headers = { Authorization: `Bearer ${secretKey}`, 'Content-Type': type };
  const answer = await read(await fetch(`${url}/v1/payment_intents`, { method: 'POST', headers, body }));
  expect(answer.status).toBe(status);
  expect(answer.json.error.message).not.toBe('');
});

test('a client that disconnects during its request does not affect the sandbox', async () => {
  const { url, stripe } = await openRig();
  await new Promise<void>((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
      socket.write('POST /v1/payment_intents HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc', () =>
        socket.destroy(),
      );
    });
    socket.on('close', () => resolve());
  });
  expect((await stripe.paymentIntents.create(tenDollars)).object).toBe('payment_intent');
});

test('lists have pages, newest first, in both directions', async () => {
  const { stripe } = await openRig();
  const made: string[] = [];
  for (let n = 0; n < 5; n += 1) made.unshift((await stripe.paymentIntents.create(tenDollars)).id);
  const first = await stripe.paymentIntents.list({ limit: 2 });
  expect(first.data.map(({ id }) => id)).toEqual(made.slice(0, 2));
  expect(first.has_more).toBe(true);
  const rest = await stripe.paymentIntents.list({ limit: 3, starting_after: made[1] ?? '' });
  expect(rest.data.map(({ id }) => id)).toEqual(made.slice(2));
  expect(rest.has_more).toBe(false);
  const before = await stripe.paymentIntents.list({ limit: 2, ending_before: made[3] ?? '' });
  expect(before.data.map(({ id }) => id)).toEqual(made.slice(1, 3));
  const all = await stripe.paymentIntents.list({ limit: 2 }).autoPagingToArray({ limit: 100 });
  expect(all.map(({ id }) => id)).toEqual(made);
  expect((await refusal(stripe.paymentIntents.list({ limit: 101 }))).param).toBe('limit');
});

test('a repeated key gets the first response and changes nothing', async () => {
  const rig = await openRig();
  const first = await rig.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'one' });
  const second = await rig.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'one' });
  expect(second).toEqual(first);
  expect(second.lastResponse.headers['idempotent-replayed']).toBe('true');
  expect((await rig.stripe.paymentIntents.list()).data).toHaveLength(1);
});

test('a repeated key of a declined card gets the decline without another attempt', async () => {
  const rig = await openRig();
  const params = { ...tenDollars, confirm: true, payment_method: 'pm_card_chargeDeclined' };
  await refusal(rig.stripe.paymentIntents.create(params, { idempotencyKey: 'no' }));
  const again = await refusal(rig.stripe.paymentIntents.create(params, { idempotencyKey: 'no' }));
  expect(again).toMatchObject({ statusCode: 402, headers: { 'idempotent-replayed': 'true' } });
  expect((await rig.stripe.charges.list()).data).toHaveLength(1);
});

test('a key with other parameters or for another endpoint is refused', async () => {
  const rig = await openRig();
  const { id } = await rig.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'one' });
  const other = await refusal(
    rig.stripe.paymentIntents.create({ ...tenDollars, amount: 2000 }, { idempotencyKey: 'one' }),
  );
  expect(other).toMatchObject({ type: 'StripeIdempotencyError', statusCode: 400 });
  const elsewhere = await refusal(rig.stripe.paymentIntents.cancel(id, {}, { idempotencyKey: 'one' }));
  expect(elsewhere.type).toBe('StripeIdempotencyError');
});

test('a key of a request with invalid parameters can be used again', async () => {
  const rig = await openRig();
  await refusal(rig.stripe.paymentIntents.create({ ...tenDollars, amount: 1 }, { idempotencyKey: 'one' }));
  expect((await rig.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'one' })).amount).toBe(1000);
});

test('a key whose first request is in progress is refused with 409', async () => {
  const rig = await openRig();
  await rig.control('POST', '/faults', { fault: 'delay', ms: 60_000, match: { operation: 'payment_intents.create' } });
  const impatient = stripeAt(rig.url, secretKey, 400);
  const slow = refusal(impatient.paymentIntents.create(tenDollars, { idempotencyKey: 'one' }));
  await expect.poll(async () => (await rig.control('GET', '/faults')).json.faults, { interval: 5 }).toEqual([]); // the first has arrived
  const second = await refusal(rig.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'one' }));
  expect(second).toMatchObject({ statusCode: 409, code: 'idempotency_key_in_use' });
  expect((await slow).type).toBe('StripeConnectionError');
  expect((await rig.stripe.paymentIntents.list()).data).toEqual([]);
  await rig.control('POST', '/clock', { advanceMs: 60_000 });
  expect((await rig.stripe.paymentIntents.list()).data).toHaveLength(1); // executed after its client timed out
});

test('a key expires after a day of the clock and then makes a second object', async () => {
  const rig = await openRig();
  const first = await rig.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'one' });
  await rig.control('POST', '/clock', { advanceMs: 25 * 3_600_000 });
  const second = await rig.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'one' });
  expect(second.id).not.toBe(first.id);
  const { json } = await rig.control('GET', '/ledger');
  expect(json.stripe.totals.pay_rig.paymentIntents).toBe(2);
});

test('ids expand to objects, and other properties are refused', async () => {
  const rig = await openRig();
  const { id } = await paidIntent(rig);
  const whole = await rig.stripe.paymentIntents.retrieve(id, { expand: ['latest_charge.balance_transaction'] });
  expect(whole.latest_charge).toMatchObject({ balance_transaction: { amount: 1000, type: 'charge' } });
  expect((await refusal(rig.stripe.paymentIntents.retrieve(id, { expand: ['wishes'] }))).statusCode).toBe(400);
});

test('the account id depends on the secret key, is returned for that key only, and survives a restart', async () => {
  const rig = await openRig();
  const account = await rig.stripe.accounts.retrieveCurrent();
  expect(account).toMatchObject({ object: 'account', id: expect.stringMatching(/^acct_\w{16}$/) });
  expect((await (await openRig()).stripe.accounts.retrieveCurrent()).id).toBe(account.id);
  const headers = { Authorization: `Bearer ${publishableKey}` };
  expect((await fetch(`${rig.url}/v1/account`, { headers })).status).toBe(401);
});

test.each<[amount: number, currency: string, code: string | null]>([
  [999_999_999_999, 'idr', null],
  [1_000_000_000_000, 'idr', 'amount_too_large'],
  [100_000_000, 'usd', 'amount_too_large'],
  [49, 'usd', 'amount_too_small'],
  [99, 'bgn', 'amount_too_small'],
  [1234, 'kwd', 'parameter_invalid_integer'],
])('%i %s is refused with %s', async (amount, currency, code) => {
  const { stripe } = await openRig();
  const made = stripe.paymentIntents.create({ amount, currency });
  if (code === null) expect(await made).toMatchObject({ amount, currency });
  else expect(await refusal(made)).toMatchObject({ code });
});

test('the last digit of a refund in dinars must be 0 too', async () => {
  const { stripe } = await openRig();
  const card = { payment_method: 'pm_card_visa', confirm: true };
  const { id } = await stripe.paymentIntents.create({ amount: 10_000, currency: 'kwd', ...card });
  expect(await refusal(stripe.refunds.create({ payment_intent: id, amount: 1234 }))).toMatchObject({ param: 'amount' });
  expect(await stripe.refunds.create({ payment_intent: id, amount: 1230 })).toMatchObject({ amount: 1230 });
});

test.each<[what: string, types: string[], isTaken: boolean]>([
  ['cards', ['card'], true],
  ['cards and a debit', ['card', 'sepa_debit'], true],
  ['a debit alone', ['sepa_debit'], false],
  ['nothing', [], false],
  ['what nobody knows', ['card', 'shells'], false],
  ['cards twice', ['card', 'card'], false],
])('a page that allows %s', async (_what, types, isTaken) => {
  const { url } = await openRig();
  const line = { 'line_items[0][price_data][currency]': 'eur', 'line_items[0][price_data][unit_amount]': '500' };
  const body = new URLSearchParams({ mode: 'payment', success_url: 'https://shop.test/', ...line });
  body.set('line_items[0][price_data][product_data][name]', 'Tea');
  for (const [index, type] of types.entries()) body.set(`allowed_payment_method_types[${index}]`, type);
  if (types.length === 0) body.set('allowed_payment_method_types', '');
  const headers = { Authorization: `Bearer ${secretKey}` };
  const answer = await fetch(`${url}/v1/checkout/sessions`, { method: 'POST', headers, body });
  expect(answer.status).toBe(isTaken ? 200 : 400);
  if (isTaken) expect(await answer.json()).toMatchObject({ allowed_payment_method_types: types });
});
