import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import Stripe from 'stripe';
import { expect, test } from 'vitest';
import { type VerifiedWebhook, WebhookRejectedError, type WebhookRejection } from '../../src/providers/provider.ts';
import { createStripeProvider } from '../../src/providers/stripe/adapter.ts';
import { searchOf } from '../support/search.ts';

const secret = 'whsec_current';
const nextSecret = 'whsec_next';
const nowSeconds = 1_795_000_000;
const receivedAt = new Date(nowSeconds * 1000 + 400);

const options = {
  publishableKey: 'pk_test_1',
  webhookSecrets: [secret, nextSecret],
  apiBase: 'http://127.0.0.1:9',
  now: () => receivedAt,
};
const provider = createStripeProvider({ ...options, secretKey: 'sk_test_1', account: 'acct_ours.test' });
const liveProvider = createStripeProvider({ ...options, secretKey: 'sk_live_1', account: 'acct_ours.live' });

const event = {
  id: 'evt_1',
  object: 'event',
  api_version: '2026-10-28.endive',
  created: nowSeconds,
  data: { object: { object: 'payment_intent', id: 'pi_1', description: 'Ça va, 世界? 🙂' } },
  livemode: false,
  type: 'payment_intent.succeeded',
};
const body = bytes(JSON.stringify(event, null, 2));

function bytes(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

function signatureOf(signed: Buffer, at: number | string = nowSeconds, key = secret): string {
  return createHmac('sha256', key).update(`${at}.`).update(signed).digest('hex');
}

function headerOf(signed: Buffer, at: number | string = nowSeconds, key = secret): string {
  return `t=${at},v1=${signatureOf(signed, at, key)}`;
}

/** What becomes of a delivery. Anything thrown but a WebhookRejectedError ends the test. */
function verdict(header: string | undefined, sent: Buffer, by = provider): VerifiedWebhook | WebhookRejection {
  const headers: Record<string, string> = header === undefined ? {} : { 'stripe-signature': header };
  try {
    return by.verifyWebhook({ headers, body: sent, receivedAt });
  } catch (error) {
    if (!(error instanceof WebhookRejectedError)) throw error;
    expect(error.message).not.toMatch(/whsec|[0-9a-f]{64}/);
    return error.reason;
  }
}

const accepted: VerifiedWebhook = { eventId: 'evt_1', eventType: 'payment_intent.succeeded' };
const right = signatureOf(body);
const wrong = signatureOf(body, nowSeconds, 'whsec_other');

test.each<[what: string, header: string]>([
  ['the right signature', headerOf(body)],
  ['the signature by the second active secret', headerOf(body, nowSeconds, nextSecret)],
  ['several v1, of which one is right', `t=${nowSeconds},v1=${wrong},v1=${right}`],
  [
    'both secrets’ signatures, while one replaces the other',
    `${headerOf(body)},v1=${signatureOf(body, nowSeconds, nextSecret)}`,
  ],
  ['a v0 besides', `${headerOf(body)},v0=${signatureOf(body, nowSeconds, 'v0')}`],
  ['a scheme that is not known yet', `${headerOf(body)},v2=whatever`],
  ['a v1 that is nonsense, before the right one', `t=${nowSeconds},v1=zz,v1=${right}`],
  ['v1 before t', `v1=${right},t=${nowSeconds}`],
  ['blanks after the commas', `t=${nowSeconds}, v1=${right}`],
  ['a signature of 300 seconds ago', headerOf(body, nowSeconds - 300)],
  ['a signature of 300 seconds ahead', headerOf(body, nowSeconds + 300)],
])('a delivery is accepted with %s', (_what, header) => {
  expect(verdict(header, body)).toEqual(accepted);
});

test.each<[what: string, header: string | undefined, reason: WebhookRejection]>([
  ['no header', undefined, 'MISSING_SIGNATURE'],
  ['an empty header', '', 'MISSING_SIGNATURE'],
  ['no v1', `t=${nowSeconds}`, 'MISSING_SIGNATURE'],
  ['no t', `v1=${right}`, 'MISSING_SIGNATURE'],
  ['v0 only', `t=${nowSeconds},v0=${right}`, 'MISSING_SIGNATURE'],
  ['a scheme in upper case only', `t=${nowSeconds},V1=${right}`, 'MISSING_SIGNATURE'],
  ['a v1 in upper-case hex', `t=${nowSeconds},v1=${right.toUpperCase()}`, 'MISSING_SIGNATURE'],
  ['a v1 that is not hex', `t=${nowSeconds},v1=${'g'.repeat(64)}`, 'MISSING_SIGNATURE'],
  ['a v1 that is too short', `t=${nowSeconds},v1=${right.slice(0, -2)}`, 'MISSING_SIGNATURE'],
  ['a v1 that is too long', `t=${nowSeconds},v1=${right}00`, 'MISSING_SIGNATURE'],
  ['an empty v1', `t=${nowSeconds},v1=`, 'MISSING_SIGNATURE'],
  ['another secret', `t=${nowSeconds},v1=${wrong}`, 'BAD_SIGNATURE'],
  [
    'the signature over the body alone',
    `t=${nowSeconds},v1=${createHmac('sha256', secret).update(body).digest('hex')}`,
    'BAD_SIGNATURE',
  ],
  ['the secret without its prefix', headerOf(body, nowSeconds, 'current'), 'BAD_SIGNATURE'],
  ['another time than was signed', `t=${nowSeconds - 1},v1=${right}`, 'BAD_SIGNATURE'],
  ['two t, the first of them right', `t=${nowSeconds},t=${nowSeconds + 1},v1=${right}`, 'BAD_SIGNATURE'],
  ['two t, the second of them right', `t=${nowSeconds + 1},t=${nowSeconds},v1=${right}`, 'BAD_SIGNATURE'],
  ['the same t twice', `t=${nowSeconds},t=${nowSeconds},v1=${right}`, 'BAD_SIGNATURE'],
  ['a t that is no number', headerOf(body, 'now'), 'BAD_SIGNATURE'],
  ['a negative t', headerOf(body, -nowSeconds), 'BAD_SIGNATURE'],
  ['a t in exponential form', headerOf(body, '1.795e9'), 'BAD_SIGNATURE'],
  ['a t in hex', headerOf(body, `0x${nowSeconds.toString(16)}`), 'BAD_SIGNATURE'],
  ['an endless t', headerOf(body, '9'.repeat(400)), 'BAD_SIGNATURE'],
  ['an empty t', headerOf(body, ''), 'BAD_SIGNATURE'],
  ['a signature of 301 seconds ago', headerOf(body, nowSeconds - 301), 'STALE'],
  ['a signature of 301 seconds ahead', headerOf(body, nowSeconds + 301), 'STALE'],
  ['a signature of 1970', headerOf(body, 0), 'STALE'],
  ['a signature in milliseconds', headerOf(body, nowSeconds * 1000), 'BAD_SIGNATURE'],
])('a delivery is refused with %s', (_what, header, reason) => {
  expect(verdict(header, body)).toBe(reason);
});

test.each<[what: string, sent: Buffer]>([
  ['nothing', Buffer.alloc(0)],
  ['no JSON', bytes('payment=1')],
  ['half an event', body.subarray(0, 100)],
  ['an event with a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body])],
  ['an event in UTF-16', Buffer.from(JSON.stringify(event), 'utf16le')],
  ['two events', Buffer.concat([body, body])],
  ['a list', bytes(JSON.stringify([event]))],
  ['null', bytes('null')],
  ['a text', bytes('"event"')],
  ['a payment intent', bytes(JSON.stringify(event.data.object))],
  ['a thin event of the second version', bytes(JSON.stringify({ ...event, object: 'v2.core.event' }))],
  ['an event without an id', bytes(JSON.stringify({ ...event, id: undefined }))],
  ['an event with somebody else’s id', bytes(JSON.stringify({ ...event, id: 'pi_1' }))],
  ['an event with an endless id', bytes(JSON.stringify({ ...event, id: `evt_${'1'.repeat(1000)}` }))],
  ['an event without livemode', bytes(JSON.stringify({ ...event, livemode: undefined }))],
  ['an event with livemode in words', bytes(JSON.stringify({ ...event, livemode: 'false' }))],
  ['an event without an object', bytes(JSON.stringify({ ...event, data: {} }))],
  [
    'an event with a prototype',
    bytes(JSON.stringify(event).replace('"object":"event"', '"__proto__":{"object":"event"}')),
  ],
  ['a hundred thousand brackets', bytes('['.repeat(100_000))],
])('%s, signed rightly, is malformed', (_what, sent) => {
  expect(verdict(headerOf(sent), sent)).toBe('MALFORMED');
});

test('a callback of the other mode is foreign, both ways', () => {
  const live = bytes(JSON.stringify({ ...event, livemode: true }));
  expect(verdict(headerOf(live), live)).toBe('FOREIGN');
  expect(verdict(headerOf(body), body, liveProvider)).toBe('FOREIGN');
  expect(verdict(headerOf(live), live, liveProvider)).toEqual(accepted);
});

test('what is wrong with the body is told to nobody who cannot sign', () => {
  expect(verdict(`t=${nowSeconds},v1=${wrong}`, bytes('{'))).toBe('BAD_SIGNATURE');
});

test('what Stripe’s own SDK signs is accepted, and refused under another secret', () => {
  const stripe = new Stripe('sk_test_1');
  const sign = (key: string) =>
    stripe.webhooks.generateTestHeaderString({ payload: body.toString('utf8'), secret: key, timestamp: nowSeconds });
  expect(verdict(sign(secret), body)).toEqual(accepted);
  expect(verdict(sign(nextSecret), body)).toEqual(accepted);
  expect(verdict(sign('whsec_other'), body)).toBe('BAD_SIGNATURE');
});

test('whatever we accept, Stripe’s own SDK accepts as well', () => {
  const stripe = new Stripe('sk_test_1');
  const header = headerOf(body);
  const theirs = stripe.webhooks.constructEvent(body, header, secret, 300, undefined, receivedAt.getTime());
  expect(verdict(header, body)).toEqual({ eventId: theirs.id, eventType: theirs.type });
});

function flipBit(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  const at = Math.floor(bit / 8) % flipped.length;
  flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (bit % 8)), at);
  return flipped;
}

test('every single bit of the body counts', () => {
  const header = headerOf(body);
  for (let bit = 0; bit < body.length * 8; bit += 1) expect(verdict(header, flipBit(body, bit))).toBe('BAD_SIGNATURE');
});

const genuine = `t=${nowSeconds},v1=${right},v1=${wrong},v0=${signatureOf(body, nowSeconds, 'v0')}`;

type Sent = { readonly header: string; readonly body: Buffer };
const mutations: fc.Arbitrary<(sent: Sent) => Sent> = fc.oneof(
  fc.nat().map((bit) => (sent: Sent) => (sent.body.length === 0 ? sent : { ...sent, body: flipBit(sent.body, bit) })),
  fc.nat().map((bit) => (sent: Sent) => {
    const header = Buffer.from(sent.header, 'latin1');
    return header.length === 0 ? sent : { ...sent, header: flipBit(header, bit).toString('latin1') };
  }),
  fc.nat(1000).map((length) => (sent: Sent) => ({ ...sent, body: sent.body.subarray(0, length) })),
  fc.nat(300).map((length) => (sent: Sent) => ({ ...sent, header: sent.header.slice(0, length) })),
  fc
    .uint8Array({ minLength: 1, maxLength: 4 })
    .map((tail) => (sent: Sent) => ({ ...sent, body: Buffer.concat([sent.body, tail]) })),
  fc.nat(9).map((at) => (sent: Sent) => {
    const parts = sent.header.split(',');
    return { ...sent, header: [...parts, parts[at % parts.length]].join(',') };
  }),
  fc.nat(9).map((at) => (sent: Sent) => {
    const parts = sent.header.split(',');
    const [moved = ''] = parts.splice(at % parts.length, 1);
    return { ...sent, header: [moved, ...parts].join(',') };
  }),
  fc.nat(9).map((at) => (sent: Sent) => {
    const parts = sent.header.split(',');
    parts.splice(at % parts.length, 1);
    return { ...sent, header: parts.join(',') };
  }),
  fc.integer({ min: -1000, max: 1000 }).map((by) => (sent: Sent) => ({
    ...sent,
    header: sent.header.replace(/t=(\d+)/, (_, at: string) => `t=${Number(at) + by}`),
  })),
  fc.constant((sent: Sent) => ({ ...sent, header: sent.header.replaceAll('v0=', 'v1=') })),
);

test('of deliveries that were tampered with, none is accepted that is not, byte for byte, what was signed', () => {
  const search = searchOf(1000);
  const seen = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(fc.array(mutations, { minLength: 1, maxLength: 3 }), (mutate) => {
      const sent = mutate.reduce<Sent>((held, change) => change(held), { header: genuine, body });
      const isAccepted = typeof verdict(sent.header, sent.body) === 'object';
      seen[isAccepted ? 'accepted' : 'refused'] += 1;
      if (!isAccepted) return;
      const parts = sent.header.split(',').map((part) => part.trim());
      expect(sent.body.equals(body)).toBe(true);
      expect(parts.filter((part) => part.startsWith('t='))).toEqual([`t=${nowSeconds}`]);
      expect(parts).toContain(`v1=${right}`);
    }),
    search,
  );
  // Neither side is empty: a header that lost what does not count is still a genuine one.
  expect(seen.refused).toBeGreaterThan(search.numRuns / 2);
  expect(seen.accepted).toBeGreaterThan(search.numRuns / 100);
});

test('whatever the header says, it is judged and nothing else is thrown', () => {
  const piece = fc.oneof(fc.string(), fc.constantFrom('t=', 'v1=', ',', '=', ' ', right, String(nowSeconds)));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.uint8Array({ maxLength: 64 }), (pieces, sent) => {
      expect(verdict(pieces.join(''), Buffer.from(sent))).toEqual(expect.any(String));
    }),
    searchOf(300),
  );
});

const ourId = 'pay_00000000000000000000000001';
const otherId = 'pay_00000000000000000000000002';
const aSession = (facts: object) => ({
  ...{ object: 'checkout.session', id: 'cs_1', status: 'complete', payment_status: 'paid', created: nowSeconds },
  ...{ expires_at: nowSeconds + 3600, amount_total: 1000, currency: 'eur', livemode: false, payment_intent: 'pi_1' },
  ...{ client_reference_id: ourId, metadata: { payment_id: ourId }, payment_link: null, ...facts },
});
const anIntent = (facts: object) => ({
  ...{
    object: 'payment_intent',
    id: 'pi_1',
    status: 'succeeded',
    amount: 1000,
    amount_received: 1000,
    currency: 'eur',
  },
  ...{ created: nowSeconds, livemode: false, metadata: { payment_id: ourId }, ...facts },
});
const read = (type: string, object: object, facts: object = {}) =>
  provider.readWebhook(bytes(JSON.stringify({ ...event, type, data: { object }, ...facts })), receivedAt);

test.each<[what: string, type: string, object: object, facts: object, reason: RegExp]>([
  [
    'an account',
    'payment_intent.succeeded',
    anIntent({}),
    { account: 'acct_other' },
    /account acct_other, not acct_ours/,
  ],
  ['an account', 'checkout.session.completed', aSession({}), { account: 'acct_other' }, /account acct_other/],
  ['a context', 'payment_intent.succeeded', anIntent({}), { context: 'acct_other' }, /account acct_other/],
  ['the other mode', 'payment_intent.succeeded', anIntent({ livemode: true }), {}, /live mode/],
  ['the other mode', 'checkout.session.completed', aSession({ livemode: true }), {}, /live mode/],
  ['two payments', 'checkout.session.completed', aSession({ metadata: { payment_id: otherId } }), {}, /names pay_\S+2/],
  [
    'a Payment Link',
    'checkout.session.completed',
    aSession({ payment_link: 'plink_1', metadata: {} }),
    {},
    /Payment Link/,
  ],
])(
  'what names %s in %s is foreign, and named with the payment that it claims',
  (_what, type, object, facts, reason) => {
    expect(read(type, object, facts)).toEqual({
      kind: 'foreign',
      paymentId: ourId,
      reason: expect.stringMatching(reason),
    });
  },
);

test('a foreign refund names the payment that it claims, or none', () => {
  const refund = { object: 'refund', id: 're_1', payment_intent: 'pi_1', metadata: { payment_id: ourId } };
  const foreign = { account: 'acct_other' };
  expect(read('refund.created', refund, foreign)).toMatchObject({ kind: 'foreign', paymentId: ourId });
  expect(read('refund.created', { ...refund, metadata: {} }, foreign)).toMatchObject({
    kind: 'foreign',
    paymentId: null,
  });
});

test('what names our own account, and what an earlier version has made, is believed', () => {
  expect(read('payment_intent.succeeded', anIntent({}), { account: 'acct_ours' })).toMatchObject({ kind: 'payment' });
  expect(read('checkout.session.completed', aSession({ metadata: {} }))).toMatchObject({
    kind: 'payment',
    report: { status: 'SUCCEEDED', paymentId: ourId },
  });
});
