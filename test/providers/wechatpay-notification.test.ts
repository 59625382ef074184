import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import { type VerifiedWebhook, WebhookRejectedError, type WebhookRejection } from '../../src/providers/provider.ts';
import { searchOf } from '../support/search.ts';
import {
  aNotifiedRefund,
  apiV3Key,
  aTransaction,
  envelope,
  mchId,
  notificationOf,
  now,
  nowSeconds,
  openProvider,
  publicKeyId,
  seal,
  signedHeaders,
} from './wechatpay-rig.ts';

const provider = openProvider();
const paymentId = newId('payment');
const refundId = newId('refund');
const paid = aTransaction({ out_trade_no: paymentId });
const body = notificationOf('TRANSACTION.SUCCESS', paid);

const sealed = {
  original_type: 'transaction',
  algorithm: 'AEAD_AES_256_GCM',
  associated_data: 'transaction',
  nonce: 'nonce-of-12b',
};
const plain = JSON.stringify(paid);
const ciphertext = seal(plain);
const bytes = Buffer.from(ciphertext, 'base64');
const flipped = Buffer.from(bytes.map((byte, index) => (index === 20 ? byte ^ 1 : byte))).toString('base64');
const broken = (facts: object) => envelope('TRANSACTION.SUCCESS', { ...sealed, ciphertext, ...facts });

/** What becomes of a delivery. Anything thrown but a WebhookRejectedError ends the test. */
function verdict(sent: Buffer, headers = signedHeaders(sent)): VerifiedWebhook | WebhookRejection {
  try {
    return provider.verifyWebhook({ headers, body: sent, receivedAt: now });
  } catch (error) {
    if (!(error instanceof WebhookRejectedError)) throw error;
    expect(error.message).not.toContain(apiV3Key);
    return error.reason;
  }
}

/** What a notification says, once it is verified. */
function read(eventType: string, plain: object) {
  const sent = notificationOf(eventType, plain);
  expect(verdict(sent)).toEqual({ eventId: 'EV-2026112100000000001', eventType });
  return provider.readWebhook(sent, now);
}

test('a notification that WeChat Pay has signed and sealed is accepted', () => {
  expect(verdict(body)).toEqual({ eventId: 'EV-2026112100000000001', eventType: 'TRANSACTION.SUCCESS' });
});

test('a header that verification does not know changes nothing', () => {
  expect(verdict(body, { ...signedHeaders(body), 'x-forwarded-for': '1.2.3.4' })).toMatchObject({
    eventType: 'TRANSACTION.SUCCESS',
  });
});

test('the headers that verification reads are those that are kept', () => {
  expect(Object.keys(signedHeaders(body)).every((name) => provider.webhookHeaders.includes(name))).toBe(true);
  expect(provider.webhookHeaders).toContain('wechatpay-signature-type');
});

test.each<[what: string, headers: Record<string, string>, reason: WebhookRejection]>([
  ['no headers', {}, 'MISSING_SIGNATURE'],
  ['a key that we do not hold', signedHeaders(body, { serial: 'PUB_KEY_ID_9' }), 'UNKNOWN_KEY'],
  ['a time of ten minutes ago', signedHeaders(body, { timestamp: nowSeconds - 600 }), 'STALE'],
  ['a time of ten minutes ahead', signedHeaders(body, { timestamp: nowSeconds + 600 }), 'STALE'],
  ['the signature of another body', signedHeaders(`${body} `), 'BAD_SIGNATURE'],
])('a notification is refused with %s', (_what, headers, reason) => {
  expect(verdict(body, headers)).toBe(reason);
});

test('what the tests break is whole to begin with', () => {
  expect(verdict(broken({}))).toMatchObject({ eventType: 'TRANSACTION.SUCCESS' });
});

test.each<[what: string, sent: Buffer]>([
  ['nothing', Buffer.alloc(0)],
  ['no JSON', Buffer.from('SUCCESS')],
  ['JSON that is no object', Buffer.from('null')],
  ['half of it', body.subarray(0, 200)],
  ['a byte order mark', Buffer.concat([Buffer.from('\ufeff'), body])],
  [
    'bytes that are no UTF-8',
    Buffer.concat([body.subarray(0, -1), Buffer.from([0x2c, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]),
  ],
  ['no id', envelope('TRANSACTION.SUCCESS', { ...sealed, ciphertext }, { id: undefined })],
  ['an id of 200 characters', envelope('TRANSACTION.SUCCESS', { ...sealed, ciphertext }, { id: 'E'.repeat(200) })],
  ['no resource', envelope('TRANSACTION.SUCCESS', undefined)],
  ['another algorithm', broken({ algorithm: 'AEAD_SM4_GCM' })],
  ['no algorithm', broken({ algorithm: undefined })],
  ['a nonce of 16 bytes', broken({ nonce: 'nonce-of-16bytes' })],
  ['no nonce', broken({ nonce: '' })],
  ['nothing but a tag', broken({ ciphertext: seal('') })],
  ['no ciphertext', broken({ ciphertext: '' })],
  ['a ciphertext of 4 bytes', broken({ ciphertext: 'AAAAAA==' })],
  ['a ciphertext that is no base64', broken({ ciphertext: `${ciphertext.slice(0, -4)}!!!!` })],
  ['a ciphertext that is no text', broken({ ciphertext: 7 })],
])('a notification that is signed is refused as malformed with %s', (_what, sent) => {
  expect(verdict(sent)).toBe('MALFORMED');
  expect(() => provider.readWebhook(sent, now)).toThrow(WebhookRejectedError);
});

test.each<[what: string, sent: Buffer]>([
  ['another thing sealed than its type says', notificationOf('TRANSACTION.SUCCESS', paid, { original_type: 'refund' })],
  [
    'a refund in a payment’s place',
    notificationOf('TRANSACTION.SUCCESS', aNotifiedRefund({ out_trade_no: paymentId })),
  ],
  ['no amount', notificationOf('TRANSACTION.SUCCESS', { ...paid, amount: undefined })],
  ['no transaction_id', notificationOf('TRANSACTION.SUCCESS', { ...paid, transaction_id: '' })],
  ['no merchant', notificationOf('TRANSACTION.SUCCESS', { ...paid, mchid: undefined })],
  [
    'a state that WeChat Pay has added since',
    notificationOf('TRANSACTION.SUCCESS', { ...paid, trade_state: 'DREAMT' }),
  ],
  [
    'a refund’s state that WeChat Pay has added since',
    notificationOf('REFUND.SUCCESS', aNotifiedRefund({ out_trade_no: paymentId, refund_status: 'DREAMT' })),
  ],
  ['a payment in a refund’s place', notificationOf('REFUND.SUCCESS', paid)],
  [
    'a refund as answers have it',
    notificationOf('REFUND.SUCCESS', {
      ...aNotifiedRefund({ out_trade_no: paymentId }),
      refund_status: undefined,
      status: 'SUCCESS',
    }),
  ],
  ['what is sealed no JSON', notificationOf('TRANSACTION.SUCCESS', `paid: ${paymentId}`)],
  [
    'a payment id of ours in a member of a list',
    notificationOf('TRANSACTION.SUCCESS', JSON.stringify([{ out_trade_no: paymentId }])),
  ],
  [
    'an amount with a fraction',
    notificationOf('TRANSACTION.SUCCESS', { ...paid, amount: { total: 10.5, currency: 'CNY' } }),
  ],
  ['an amount as text', notificationOf('TRANSACTION.SUCCESS', { ...paid, amount: { total: '1000', currency: 'CNY' } })],
  [
    'an amount below zero',
    notificationOf('TRANSACTION.SUCCESS', { ...paid, amount: { total: -1000, currency: 'CNY' } }),
  ],
])(
  'a notification that is signed and sealed rightly is unclear with %s: it names the payment and concludes nothing',
  (_what, sent) => {
    expect(verdict(sent)).toMatchObject({ eventId: 'EV-2026112100000000001' });
    const reason = expect.stringMatching(/^a verified callback .+\.$/);
    expect(provider.readWebhook(sent, now)).toMatchObject({ kind: 'unclear', paymentId, reason });
  },
);

test('an unclear notification of another merchant or app is foreign, and one that names nothing cannot be read', () => {
  const unclear = { ...paid, amount: 'a lot' };
  for (const facts of [{ mchid: '1900000110' }, { appid: 'wx0000000000000000' }]) {
    expect(read('TRANSACTION.SUCCESS', { ...unclear, ...facts })).toMatchObject({ kind: 'foreign', paymentId });
  }
  expect(read('TRANSACTION.SUCCESS', { ...unclear, out_trade_no: 'A-1' })).toEqual({
    kind: 'ignored',
    reason: 'not_ours',
  });
  const nameless = notificationOf('TRANSACTION.SUCCESS', { amount: 'a lot' });
  expect(verdict(nameless)).toMatchObject({ eventType: 'TRANSACTION.SUCCESS' });
  expect(() => provider.readWebhook(nameless, now)).toThrow();
});

test('an event that WeChat Pay has added beside those that we use is read by what it holds', () => {
  const unknown = notificationOf(
    'REFUND.DREAMT',
    aNotifiedRefund({ out_trade_no: paymentId, refund_status: 'DREAMT' }),
    { original_type: 'refund' },
  );
  expect(verdict(unknown)).toMatchObject({ eventType: 'REFUND.DREAMT' });
  expect(provider.readWebhook(unknown, now)).toMatchObject({ kind: 'unclear', paymentId });
});

test.each<[what: string, sent: Buffer]>([
  ['other associated data', broken({ associated_data: 'refund' })],
  ['no associated data where there was some', broken({ associated_data: undefined })],
  ['another nonce', broken({ nonce: 'nonce-of-12c' })],
  ['another key', notificationOf('TRANSACTION.SUCCESS', paid, {}, { key: apiV3Key.replace('0', '1') })],
  ['one bit of the ciphertext changed', broken({ ciphertext: flipped })],
  ['a tag of 4 bytes', broken({ ciphertext: seal(plain, { tagBytes: 4 }) })],
  ['a tag of 8 bytes', broken({ ciphertext: seal(plain, { tagBytes: 8 }) })],
  ['a tag of 12 bytes', broken({ ciphertext: seal(plain, { tagBytes: 12 }) })],
  ['no tag', broken({ ciphertext: bytes.subarray(0, -16).toString('base64') })],
])('a notification that is signed and does not open says which key to look at: with %s', (_what, sent) => {
  expect(verdict(sent)).toBe('UNDECIPHERABLE');
  const advice = 'signed by WeChat Pay, but cannot be decrypted with WECHATPAY_API_V3_KEY';
  for (const read of [
    () => provider.verifyWebhook({ headers: signedHeaders(sent), body: sent, receivedAt: now }),
    () => provider.readWebhook(sent, now),
  ]) {
    expect(read).toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ message: expect.stringContaining(advice) }) }),
    );
  }
});

test.each<[what: string, headers: Record<string, string>, advice: string]>([
  [
    'another key',
    signedHeaders(body, { serial: 'PUB_KEY_ID_9' }),
    'add the key of serial PUB_KEY_ID_9 to WECHATPAY_PLATFORM_KEYS',
  ],
  ['a strange serial', signedHeaders(body, { serial: 'a b' }), 'add the key of serial unknown to'],
  ['another body', signedHeaders(`${body} `), `check the key of serial ${publicKeyId} in WECHATPAY_PLATFORM_KEYS`],
  ['another clock', signedHeaders(body, { timestamp: nowSeconds - 600 }), 'check the clock'],
])('a refusal for %s says what an operator can look at', (_what, headers, advice) => {
  const verify = () => provider.verifyWebhook({ headers, body, receivedAt: now });
  expect(verify).toThrow(
    expect.objectContaining({ cause: expect.objectContaining({ message: expect.stringContaining(advice) }) }),
  );
});

test('associated data may be empty, or be left out', () => {
  const bare = seal(plain, { associated: '' });
  expect(verdict(broken({ ciphertext: bare, associated_data: '' }))).toMatchObject({
    eventType: 'TRANSACTION.SUCCESS',
  });
  expect(verdict(broken({ ciphertext: bare, associated_data: undefined }))).toMatchObject({
    eventType: 'TRANSACTION.SUCCESS',
  });
});

test('no mutation of a notification is accepted, and none ends in anything but a refusal', () => {
  const headers = signedHeaders(body);
  const edit = fc.record({
    at: fc.nat(),
    byte: fc.integer({ min: 1, max: 255 }),
    kind: fc.constantFrom('flip', 'cut', 'drop', 'add'),
  });
  const mutated = (original: Buffer, { at, byte, kind }: { at: number; byte: number; kind: string }): Buffer => {
    const index = at % original.length;
    const [before, rest] = [original.subarray(0, index), original.subarray(index)];
    if (kind === 'cut') return before;
    if (kind === 'drop') return Buffer.concat([before, rest.subarray(1)]);
    if (kind === 'add') return Buffer.concat([before, Buffer.from([byte]), rest]);
    return Buffer.concat([before, Buffer.from([(rest[0] ?? 0) ^ byte]), rest.subarray(1)]);
  };
  fc.assert(
    fc.property(edit, (one) => {
      expect(verdict(mutated(body, one), headers)).toBe('BAD_SIGNATURE');
    }),
    searchOf(300),
  );
  fc.assert(
    fc.property(edit, fc.constantFrom(...Object.keys(headers)), (one, name) => {
      const value = mutated(Buffer.from(headers[name] ?? '', 'latin1'), one).toString('latin1');
      expect(verdict(body, { ...headers, [name]: value })).toBeTypeOf('string');
    }),
    searchOf(300),
  );
  // Signed by WeChat Pay, and broken within: the tag is what refuses these.
  fc.assert(
    fc.property(edit, (one) => {
      expect(verdict(broken({ ciphertext: mutated(bytes, one).toString('base64') }))).toMatch(
        /^(MALFORMED|UNDECIPHERABLE)$/,
      );
    }),
    searchOf(100),
  );
});

test('whatever a signed notification holds, it is read or refused', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(verdict(Buffer.from(text, 'utf8'))).toBe('MALFORMED');
      const sealed = notificationOf('TRANSACTION.SUCCESS', text);
      expect(verdict(sealed)).toMatchObject({ eventType: 'TRANSACTION.SUCCESS' });
      expect(() => provider.readWebhook(sealed, now)).toThrow();
    }),
    searchOf(100),
  );
});

const evidence = { source: 'CALLBACK', providerTime: new Date('2026-11-20T23:59:58Z'), receivedAt: now };

test('a payment is reported with what the order cost, not with what coupons left for the buyer to pay', () => {
  expect(read('TRANSACTION.SUCCESS', paid)).toEqual({
    kind: 'payment',
    isCreation: false,
    report: {
      paymentId,
      providerPaymentId: '4200002000202611210000000001',
      providerReference: null,
      status: 'SUCCEEDED',
      amountMinor: 1000n,
      currency: 'CNY',
      capturedMinor: 1000n,
      failure: null,
      nextAction: null,
      card: null,
      evidence,
    },
  });
});

test.each([
  ['NOTPAY', 'ACTION_REQUIRED', null],
  ['USERPAYING', 'PROCESSING', null],
  ['SUCCESS', 'SUCCEEDED', 1000n],
  ['REFUND', 'SUCCEEDED', 1000n],
  ['CLOSED', 'CANCELED', null],
  ['REVOKED', 'CANCELED', null],
  ['PAYERROR', 'FAILED', null],
])('the state inside decides, whatever the event is called: %s is %s', (state, status, capturedMinor) => {
  const message = read('TRANSACTION.SUCCESS', { ...paid, trade_state: state });
  expect(message).toMatchObject({ kind: 'payment', report: { status, capturedMinor } });
});

test('an amount in another currency is reported in it, and none is China’s', () => {
  const inUsd = read('TRANSACTION.SUCCESS', { ...paid, amount: { total: 1000, currency: 'USD' } });
  expect(inUsd).toMatchObject({ report: { currency: 'USD' } });
  expect(read('TRANSACTION.SUCCESS', { ...paid, amount: { total: 1000 } })).toMatchObject({
    report: { currency: 'CNY' },
  });
});

test('a success without a time, or with nonsense for one, is one as of the notification', () => {
  for (const time of [undefined, 'yesterday']) {
    const message = read('TRANSACTION.SUCCESS', { ...paid, success_time: time });
    expect(message).toMatchObject({
      report: { status: 'SUCCEEDED', evidence: { providerTime: new Date('2026-11-21T00:00:00Z') } },
    });
  }
});

test.each<[what: string, eventType: string, told: object, reason: string]>([
  ['another merchant', 'TRANSACTION.SUCCESS', { ...paid, mchid: '1900000110' }, 'merchant 1900000110, not 1900000109'],
  [
    'another app',
    'TRANSACTION.SUCCESS',
    { ...paid, appid: 'wx0000000000000000' },
    'app wx0000000000000000, not wxd678efh567hg6787',
  ],
  [
    'another merchant’s refund',
    'REFUND.SUCCESS',
    aNotifiedRefund({ out_trade_no: paymentId, mchid: '1900000110' }),
    'merchant 1900000110',
  ],
])('what is of %s is told as foreign, with the payment that it names', (_what, eventType, told, reason) => {
  const message = read(eventType, told);
  expect(message).toEqual({ kind: 'foreign', paymentId, reason: expect.stringContaining(reason) });
});

test('what names none of our payments is told as foreign, or ignored', () => {
  const other = { ...paid, out_trade_no: '1217752501201407033233368018' };
  expect(read('TRANSACTION.SUCCESS', other)).toEqual({ kind: 'ignored', reason: 'not_ours' });
  expect(read('REFUND.SUCCESS', aNotifiedRefund({ out_trade_no: 'A-1' }))).toEqual({
    kind: 'ignored',
    reason: 'not_ours',
  });
  expect(read('TRANSACTION.SUCCESS', { ...other, mchid: '1' })).toMatchObject({ kind: 'foreign', paymentId: null });
});

test('an event of another kind is acknowledged and ignored, whatever it holds', () => {
  for (const resource of [{ ...sealed, ciphertext }, { anything: 1 }, undefined]) {
    const sent = envelope('PAYSCORE.USER_CONFIRM', resource);
    expect(verdict(sent)).toMatchObject({ eventType: 'PAYSCORE.USER_CONFIRM' });
    expect(provider.readWebhook(sent, now)).toEqual({ kind: 'ignored', reason: 'type_not_used' });
  }
});

test('a refund of ours is reported with what the buyer gets back of the order, and says that its payment was paid', () => {
  const message = read('REFUND.SUCCESS', aNotifiedRefund({ out_trade_no: paymentId, out_refund_no: refundId }));
  const common = { currency: 'CNY', failure: null };
  expect(message).toEqual({
    kind: 'refund',
    paymentId,
    providerPaymentId: '4200002000202611210000000001',
    report: {
      ...common,
      refundId,
      providerRefundId: '50000000382019052709732678859',
      status: 'SUCCEEDED',
      amountMinor: 300n,
      reason: null,
      evidence: { ...evidence, providerTime: new Date('2026-11-20T23:59:59Z') },
    },
    payment: {
      ...common,
      paymentId,
      providerPaymentId: '4200002000202611210000000001',
      providerReference: null,
      status: 'SUCCEEDED',
      amountMinor: 1000n,
      capturedMinor: 1000n,
      nextAction: null,
      card: null,
      evidence: { ...evidence, providerTime: null },
    },
  });
});

test('a refund that was made in the console is named by the number that it was given there', () => {
  const message = read('REFUND.SUCCESS', aNotifiedRefund({ out_trade_no: paymentId, out_refund_no: 'console-1|a@b*' }));
  expect(message).toMatchObject({ report: { refundId: null, providerRefundId: 'console-1|a@b*' } });
});

test.each([
  ['REFUND.SUCCESS', 'PROCESSING', 'PENDING', null],
  ['REFUND.ABNORMAL', 'ABNORMAL', 'PENDING', 'abnormal'],
  ['REFUND.CLOSED', 'CLOSED', 'FAILED', 'closed'],
  ['REFUND.SUCCESS', 'ABNORMAL', 'PENDING', 'abnormal'], // the status decides
])('a %s of a refund that is %s reports it as %s', (eventType, inside, status, reason) => {
  const message = read(eventType, aNotifiedRefund({ refund_status: inside, success_time: undefined }));
  const failure = reason === null ? null : { reason, providerCode: inside };
  expect(message).toMatchObject({ kind: 'refund', report: { status, failure } });
});

test('what stops the retries is 200 with WeChat Pay’s own words', () => {
  const { status, contentType, body: words } = provider.acknowledgement;
  expect({ status, contentType, words: JSON.parse(words) }).toEqual({
    status: 200,
    contentType: 'application/json',
    words: { code: 'SUCCESS', message: '成功' },
  });
  expect(provider.account).toBe(mchId);
});
