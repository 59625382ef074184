import type Stripe from 'stripe';
import { expect, test } from 'vitest';
import { openReceiver, openRig, refusal } from './rig.ts';

const tea = {
  mode: 'payment',
  line_items: [
    {
      quantity: 2,
      price_data: { currency: 'eur', unit_amount: 500, product_data: { name: 'Tea <script>x</script>' } },
    },
  ],
  success_url: 'https://shop.test/thanks?session={CHECKOUT_SESSION_ID}',
  cancel_url: 'https://shop.test/cart',
  client_reference_id: 'ord_1',
  payment_intent_data: { metadata: { payment_id: 'pay_checkout' } },
} satisfies Stripe.Checkout.SessionCreateParams;

test('a buyer who pays on the page is redirected, and the session is complete and paid', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver });
  const session = await rig.stripe.checkout.sessions.create(tea);
  expect(session).toMatchObject({ status: 'open', payment_status: 'unpaid', amount_total: 1000, payment_intent: null });
  const page = await fetch(session.url ?? '');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const text = await page.text();
  expect(text).toContain('€10.00');
  expect(text).not.toContain('<script>');
  const answer = await rig.post(session.url ?? '', { action: 'pay', card: '4242424242424242' });
  expect(answer.status).toBe(303);
  expect(answer.headers.get('location')).toBe(`https://shop.test/thanks?session=${session.id}`);
  const done = await rig.stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent'] });
  expect(done).toMatchObject({
    status: 'complete',
    payment_status: 'paid',
    url: null,
    payment_intent: { status: 'succeeded', amount_received: 1000, metadata: { payment_id: 'pay_checkout' } },
  });
  await receiver.until((all) => all.length === 4);
  expect(receiver.types().sort()).toEqual([
    'charge.succeeded',
    'checkout.session.completed',
    'payment_intent.created',
    'payment_intent.succeeded',
  ]);
  expect(await (await fetch(session.url ?? '')).text()).toContain('already paid');
});

test('a declined card leaves the session open, its intent cannot be canceled, and another card pays', async () => {
  const rig = await openRig();
  const session = await rig.stripe.checkout.sessions.create(tea);
  const declined = await rig.post(session.url ?? '', { action: 'decline' });
  expect(declined.headers.get('location')).toBe(new URL(session.url ?? '').pathname);
  expect(await (await fetch(session.url ?? '')).text()).toContain('Your card was declined.');
  const held = await rig.stripe.checkout.sessions.retrieve(session.id);
  expect(held.status).toBe('open');
  const intentId = String(held.payment_intent);
  expect((await refusal(rig.stripe.paymentIntents.cancel(intentId))).message).toContain('Expire the Checkout Session');
  await rig.post(session.url ?? '', { action: 'pay' });
  const list = await rig.stripe.checkout.sessions.list({ payment_intent: intentId });
  expect(list.data.map(({ id, status }) => [id, status])).toEqual([[session.id, 'complete']]);
});

test('a buyer who leaves goes back to the cart and can return', async () => {
  const rig = await openRig();
  const session = await rig.stripe.checkout.sessions.create(tea);
  const left = await rig.post(session.url ?? '', { action: 'leave' });
  expect(left.headers.get('location')).toBe('https://shop.test/cart');
  expect((await rig.stripe.checkout.sessions.retrieve(session.id)).status).toBe('open');
});

test('3-D Secure on the page leads through the bank to the shop', async () => {
  const rig = await openRig();
  const session = await rig.stripe.checkout.sessions.create(tea);
  const asked = await rig.post(session.url ?? '', { action: 'pay', card: '4000000000003220' });
  const bank = asked.headers.get('location') ?? '';
  expect(bank).toContain('/cashier/3ds/');
  const back = await rig.post(bank, { action: 'complete' });
  expect(back.headers.get('location')).toBe(`https://shop.test/thanks?session=${session.id}`);
});

test('a session can be expired once and not be paid afterwards', async () => {
  const rig = await openRig();
  const session = await rig.stripe.checkout.sessions.create(tea);
  expect((await rig.stripe.checkout.sessions.expire(session.id)).status).toBe('expired');
  expect((await refusal(rig.stripe.checkout.sessions.expire(session.id))).message).toContain('status of expired');
  expect(await (await rig.post(session.url ?? '', { action: 'pay' })).text()).toContain('expired');
  expect((await rig.stripe.checkout.sessions.retrieve(session.id)).payment_intent).toBeNull();
});

test('a session expires by the clock, and its PaymentIntent is canceled', async () => {
  const receiver = await openReceiver();
  const rig = await openRig({ receiver });
  const expiresAt = Math.floor(Date.now() / 1000) + 1900;
  const session = await rig.stripe.checkout.sessions.create({ ...tea, expires_at: expiresAt });
  await rig.post(session.url ?? '', { action: 'decline' });
  await rig.control('POST', '/clock', { advanceMs: 2_000_000 });
  const over = await rig.stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent'] });
  expect(over).toMatchObject({ status: 'expired', url: null, payment_intent: { status: 'canceled' } });
  await receiver.until((all) => all.some(({ event }) => event.type === 'checkout.session.expired'));
});

test.each<[change: object, param: string]>([
  [{ expires_at: 1 }, 'expires_at'],
  [{ expires_at: 99_999_999_999 }, 'expires_at'],
  [{ success_url: 'javascript:alert(1)' }, 'success_url'],
  [{ success_url: undefined }, 'success_url'],
  [{ line_items: [] }, 'line_items'],
  [{ payment_method_types: ['card'] }, 'payment_method_types'],
  [{ mode: 'subscription' }, 'mode'],
])('a session with %j is refused for %s', async (change, param) => {
  const { stripe } = await openRig();
  const error = await refusal(
    stripe.checkout.sessions.create({ ...tea, ...change } as Stripe.Checkout.SessionCreateParams),
  );
  expect(error).toMatchObject({ statusCode: 400, param });
});

test('the card form of an embedded payment works in a browser', async () => {
  const rig = await openRig();
  const intent = await rig.stripe.paymentIntents.create({ amount: 1000, currency: 'usd' });
  const form = `/cashier/card/${intent.id}?client_secret=${intent.client_secret}`;
  expect((await rig.post(`/cashier/card/${intent.id}?client_secret=no`, { action: 'pay' })).status).toBe(404);
  await rig.post(form, { action: 'decline' });
  expect(await (await fetch(rig.url + form)).text()).toContain('Your card was declined.');
  await rig.post(form, { action: 'pay' });
  expect(await (await fetch(rig.url + form)).text()).toContain('Paid');
});

test('the page of a paid session shows the amount and the refund, that of an expired one its subject', async () => {
  const rig = await openRig();
  const { id, url } = await rig.stripe.checkout.sessions.create(tea);
  const shown = async (address = url) => (await fetch(address ?? '')).text();
  await rig.post(url ?? '', { action: 'pay' });
  expect(await shown()).toMatch(/€10\.00.*<h1>Paid<\/h1>.*Back to the shop/s);
  const payment_intent = String((await rig.stripe.checkout.sessions.retrieve(id)).payment_intent);
  await rig.stripe.refunds.create({ payment_intent, amount: 400 });
  expect(await shown()).toMatch(/Partly refunded.*€4\.00 of your payment back/s);
  await rig.stripe.refunds.create({ payment_intent, amount: 600 });
  expect(await shown()).toContain('<h1>Refunded</h1>');
  const other = await rig.stripe.checkout.sessions.create(tea);
  await rig.stripe.checkout.sessions.expire(other.id);
  expect(await shown(other.url)).toMatch(/€10\.00.*<h1>This page has expired<\/h1>/s);
});
