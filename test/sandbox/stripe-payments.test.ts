import { expect, test } from 'vitest';
import { openReceiver, openRig, paidIntent, publishableKey, refusal, stripeAt, tenDollars } from './rig.ts';

test('a new PaymentIntent requires a payment method and has a client secret', async () => {
  const { stripe } = await openRig();
  const intent = await stripe.paymentIntents.create(tenDollars);
  expect(intent).toMatchObject({ status: 'requires_payment_method', amount: 1000, currency: 'usd', livemode: false });
  expect(intent.client_secret).toMatch(new RegExp(`^${intent.id}_secret_\\w{24}$`));
  expect(intent.lastResponse.requestId).toMatch(/^req_/);
});

test.each<[card: string, status: string]>([
  ['4242424242424242', 'succeeded'],
  ['4242 4242 4242 4242', 'succeeded'],
  ['5555555555554444', 'succeeded'],
  ['4000002500003155', 'requires_action'],
  ['4000000000003220', 'requires_action'],
])('a page that confirms with the card %s gets %s', async (number, status) => {
  const rig = await openRig();
  const intent = await rig.stripe.paymentIntents.create(tenDollars);
  const answer = await rig.confirm(intent, {
    'payment_method_data[type]': 'card',
    'payment_method_data[card][number]': number,
    'payment_method_data[card][exp_month]': '12',
    'payment_method_data[card][exp_year]': '2034',
    'payment_method_data[card][cvc]': '123',
  });
  expect(answer).toMatchObject({ status: 200, json: { id: intent.id, status } });
  expect(answer.json).not.toHaveProperty('metadata');
});

test.each<[card: string, code: string, declineCode: string | undefined]>([
  ['4000000000000002', 'card_declined', 'generic_decline'],
  ['4000000000009995', 'card_declined', 'insufficient_funds'],
  ['4000000000009987', 'card_declined', 'lost_card'],
  ['4000000000000069', 'expired_card', undefined],
  ['4000000000000127', 'incorrect_cvc', undefined],
  ['4000000000000119', 'processing_error', undefined],
  ['4111111111111111', 'card_declined', 'test_mode_live_card'],
  ['4242424242424241', 'incorrect_number', undefined],
])('the card %s is declined as %s %s, and the intent can be paid with another', async (number, code, declineCode) => {
  const rig = await openRig();
  const intent = await rig.stripe.paymentIntents.create(tenDollars);
  const data = { 'payment_method_data[type]': 'card', 'payment_method_data[card][number]': number };
  const { status, json } = await rig.confirm(intent, data);
  expect(status).toBe(402);
  expect(json.error).toMatchObject({ type: 'card_error', code, payment_intent: { status: 'requires_payment_method' } });
  expect(json.error.decline_code).toBe(declineCode);
  const held = await rig.stripe.paymentIntents.retrieve(intent.id, { expand: ['latest_charge'] });
  expect(held.last_payment_error?.code).toBe(code);
  expect(held.latest_charge).toMatchObject({ status: 'failed', failure_code: code, payment_intent: intent.id });
  expect((await rig.confirm(intent, { payment_method: 'pm_card_visa' })).json.status).toBe('succeeded');
  const paid = await rig.stripe.paymentIntents.retrieve(intent.id);
  expect(paid).toMatchObject({ status: 'succeeded', amount_received: 1000, last_payment_error: null });
});

test('the SDK sees a declined card as a StripeCardError', async () => {
  const { stripe } = await openRig();
  const params = { ...tenDollars, confirm: true, payment_method: 'pm_card_chargeDeclinedInsufficientFunds' };
  const error = await refusal(stripe.paymentIntents.create(params));
  expect(error).toMatchObject({ type: 'StripeCardError', statusCode: 402, decline_code: 'insufficient_funds' });
});

test('completed 3-D Secure pays and returns the buyer to the shop', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver });
  const intent = await rig.stripe.paymentIntents.create(tenDollars);
  const asked = await rig.confirm(intent, {
    payment_method: 'pm_card_authenticationRequired',
    return_url: 'https://shop.test/back?order=1',
  });
  const { url } = asked.json.next_action.redirect_to_url;
  expect(await (await fetch(url)).text()).toContain('$10.00');
  const answer = await rig.post(url, { action: 'complete' });
  const back = new URL(answer.headers.get('location') ?? '');
  expect(back.origin + back.pathname).toBe('https://shop.test/back');
  expect(Object.fromEntries(back.searchParams)).toMatchObject({ order: '1', redirect_status: 'succeeded' });
  expect((await rig.stripe.paymentIntents.retrieve(intent.id)).status).toBe('succeeded');
  await receiver.until((all) => all.length === 4);
  expect(receiver.types().sort()).toEqual([
    'charge.succeeded',
    'payment_intent.created',
    'payment_intent.requires_action',
    'payment_intent.succeeded',
  ]);
});

test('after failed 3-D Secure the intent can be confirmed again', async () => {
  const rig = await openRig();
  const intent = await rig.stripe.paymentIntents.create(tenDollars);
  const asked = await rig.confirm(intent, { payment_method: 'pm_card_threeDSecure2Required' });
  await rig.post(asked.json.next_action.redirect_to_url.url, { action: 'fail' });
  const held = await rig.stripe.paymentIntents.retrieve(intent.id);
  expect(held.status).toBe('requires_payment_method');
  expect(held.last_payment_error?.code).toBe('payment_intent_authentication_failure');
  expect((await rig.post(asked.json.next_action.redirect_to_url.url, { action: 'complete' })).status).toBe(200);
  expect((await rig.stripe.paymentIntents.retrieve(intent.id)).status).toBe('requires_payment_method');
});

test('an authentication page opens only with the client secret', async () => {
  const rig = await openRig();
  const intent = await rig.stripe.paymentIntents.create(tenDollars);
  await rig.confirm(intent, { payment_method: 'pm_card_threeDSecure2Required' });
  expect((await fetch(`${rig.url}/cashier/3ds/${intent.id}?client_secret=wrong`)).status).toBe(404);
});

test('a partial manual capture releases the rest', async () => {
  const { stripe } = await openRig();
  const params = { ...tenDollars, capture_method: 'manual', confirm: true, payment_method: 'pm_card_visa' } as const;
  const held = await stripe.paymentIntents.create(params);
  expect(held).toMatchObject({ status: 'requires_capture', amount_capturable: 1000, amount_received: 0 });
  const tooMuch = await refusal(stripe.paymentIntents.capture(held.id, { amount_to_capture: 1001 }));
  expect(tooMuch).toMatchObject({ code: 'amount_too_large', param: 'amount_to_capture' });
  const paid = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 300 }, { idempotencyKey: 'capture' });
  expect(paid).toMatchObject({ status: 'succeeded', amount_capturable: 0, amount_received: 300 });
  const again = await refusal(stripe.paymentIntents.capture(held.id));
  expect(again).toMatchObject({ code: 'payment_intent_unexpected_state', payment_intent: { status: 'succeeded' } });
});

test('an uncaptured authorization expires after seven days of the clock', async () => {
  const rig = await openRig();
  const params = { ...tenDollars, capture_method: 'manual', confirm: true, payment_method: 'pm_card_visa' } as const;
  const held = await rig.stripe.paymentIntents.create(params);
  await rig.control('POST', '/clock', { advanceMs: 7 * 24 * 3_600_000 - 60_000 });
  expect((await rig.stripe.paymentIntents.retrieve(held.id)).status).toBe('requires_capture');
  await rig.control('POST', '/clock', { advanceMs: 120_000 });
  const lapsed = await rig.stripe.paymentIntents.retrieve(held.id);
  expect(lapsed).toMatchObject({ status: 'canceled', cancellation_reason: 'automatic', amount_capturable: 0 });
});

test('an unpaid intent can be canceled once, a paid one cannot', async () => {
  const { stripe } = await openRig();
  const open = await stripe.paymentIntents.create(tenDollars);
  const canceled = await stripe.paymentIntents.cancel(open.id, { cancellation_reason: 'abandoned' });
  expect(canceled).toMatchObject({ status: 'canceled', cancellation_reason: 'abandoned' });
  const twice = await refusal(stripe.paymentIntents.cancel(open.id));
  expect(twice).toMatchObject({ statusCode: 400, code: 'payment_intent_unexpected_state' });
  const paid = await paidIntent({ stripe } as Parameters<typeof paidIntent>[0]);
  const late = await refusal(stripe.paymentIntents.cancel(paid.id));
  expect(late).toMatchObject({ code: 'payment_intent_unexpected_state', payment_intent: { status: 'succeeded' } });
});

test('a page can read its own intent and nothing else', async () => {
  const rig = await openRig();
  const intent = await rig.stripe.paymentIntents.create(tenDollars);
  const page = stripeAt(rig.url, publishableKey);
  const seen = await page.paymentIntents.retrieve(intent.id, { client_secret: intent.client_secret ?? '' });
  expect(seen.status).toBe('requires_payment_method');
  expect(seen).not.toHaveProperty('metadata');
  const without = await refusal(page.paymentIntents.retrieve(intent.id));
  expect(without).toMatchObject({ statusCode: 404, code: 'resource_missing' });
  const secretOnly = await refusal(page.paymentIntents.cancel(intent.id));
  expect(secretOnly).toMatchObject({ statusCode: 401, code: 'secret_key_required' });
  const wrong = await rig.confirm({ ...intent, client_secret: 'wrong' }, { payment_method: 'pm_card_visa' });
  expect(wrong.status).toBe(404);
});
