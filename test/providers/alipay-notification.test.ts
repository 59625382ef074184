import { spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { AlipaySdk } from 'alipay-sdk';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type VerifiedWebhook, WebhookRejectedError, type WebhookRejection } from '../../src/providers/provider.ts';
import { isSearch, searchOf } from '../support/search.ts';
import {
  alipayPrivateKey,
  appPrivatePem,
  config,
  type Form,
  fixture,
  formOf,
  now,
  openProvider,
  rsa2,
  signedForm,
  signedGbkForm,
  signedText,
  trickyInGbk,
} from './alipay-rig.ts';

const provider = openProvider();
const fields: Form = {
  ...{ notify_id: '2026112100222080010', notify_type: 'trade_status_sync', notify_time: '2026-11-21 08:00:10' },
  ...{ app_id: config.appId, auth_app_id: config.appId, seller_id: config.sellerId, charset: 'utf-8', version: '1.0' },
  ...{ out_trade_no: 'pay_01k9zzzzzzzzzzzzzzzzzzzzzz', trade_no: '2026112122001', trade_status: 'TRADE_SUCCESS' },
  ...{ total_amount: '12.30', gmt_payment: '2026-11-21 08:00:09', subject: '两张票 & 100% + 🙂' },
};
const accepted: VerifiedWebhook = { eventId: '2026112100222080010', eventType: 'trade_status_sync.TRADE_SUCCESS' };

/** What becomes of a delivery. Anything thrown but a WebhookRejectedError ends the test. */
function verdict(body: Buffer, contentType?: string, by = provider): VerifiedWebhook | WebhookRejection {
  try {
    return by.verifyWebhook({
      headers: contentType === undefined ? {} : { 'content-type': contentType },
      body,
      receivedAt: now,
    });
  } catch (error) {
    if (!(error instanceof WebhookRejectedError)) throw error;
    return error.reason;
  }
}

/** The body that has this once more at its end. */
function plus(body: Buffer, more: string): Buffer {
  return Buffer.concat([body, Buffer.from(more)]);
}

test('a callback that openssl has signed, kept from another day, is accepted', () => {
  const body = Buffer.from(fixture('alipay-notification.form'));
  expect(verdict(body, 'application/x-www-form-urlencoded; charset=utf-8')).toEqual({
    eventId: '2026112100222080010000000000000001',
    eventType: 'trade_status_sync.TRADE_SUCCESS',
  });
});

test('a callback that openssl signs now is accepted, where there is an openssl', () => {
  const key = fileURLToPath(new URL('fixtures/alipay-key.pem', import.meta.url));
  const { stdout, status } = spawnSync('openssl', ['dgst', '-sha256', '-sign', key], { input: signedText(fields) });
  // Elsewhere Node's signature stands in, which is the same text: RSA2 has no randomness.
  const signature = status === 0 ? stdout.toString('base64') : rsa2(signedText(fields));
  expect(signature).toBe(rsa2(signedText(fields)));
  expect(verdict(formOf({ ...fields, sign_type: 'RSA2', sign: signature }))).toEqual(accepted);
});

test('what we accept, Alipay’s own SDK accepts', () => {
  const sdk = new AlipaySdk({
    ...{ appId: config.appId, privateKey: appPrivatePem, keyType: 'PKCS8' },
    alipayPublicKey: config.alipayKeys[0].publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  });
  const body = signedForm(fields);
  expect(verdict(body)).toEqual(accepted);
  expect(sdk.checkNotifySignV2(Object.fromEntries(new URLSearchParams(body.toString())))).toBe(true);
});

test.each<[what: string, changed: Form]>([
  ['a plus sign', { subject: '1+1 + ++' }],
  ['percent signs that look like escapes', { subject: '100% %20 %E4%BD%A0 %' }],
  ['Chinese and emoji', { subject: '咖啡豆 250克 👩‍👩‍👧 ￥' }],
  ['separators', { subject: 'a=b&c=d;e' }],
  ['blanks around it', { subject: '  two tickets ' }],
  ['decomposed letters', { subject: 'e\u0301' }],
  ['line breaks', { subject: 'a\r\nb' }],
  ['quotes in JSON', { fund_bill_list: '[{"amount":"12.30","fundChannel":"PCREDIT"}]' }],
  ['nothing', { subject: '' }],
])('a callback is accepted with a value that has %s', (_what, changed) => {
  expect(verdict(signedForm({ ...fields, ...changed }))).toEqual(accepted);
});

test.each<[what: string, changed: Form]>([
  ['brackets', { 'a[b]': '1', 'a[c]': '2', 'd[]': '3' }],
  ['the names of what objects inherit', { ['__proto__']: 'x', constructor: 'y', toString: 'z' }],
  ['upper case', { ZZZ: '1', Zz: '2', zz: '3' }],
])('a callback is accepted with fields whose names have %s', (_what, changed) => {
  expect(verdict(signedForm({ ...fields, ...changed }))).toEqual(accepted);
});

test('a proxy that escapes more than it must changes nothing, neither now nor in what is kept', () => {
  const body = Buffer.from(signedForm(fields).toString('latin1').replaceAll('_', '%5F'), 'latin1');
  expect(verdict(body)).toEqual(accepted);
  const kept = provider.redactWebhook(body, 'to_be_read');
  expect(provider.readWebhook(kept, now)).toEqual(provider.readWebhook(signedForm(fields), now));
  expect(provider.redactWebhook(kept, 'done')).toEqual(provider.redactWebhook(body, 'done'));
});

test('the order in which the fields come does not matter', () => {
  const pairs = signedForm(fields).toString().split('&');
  expect(verdict(Buffer.from(pairs.reverse().join('&')))).toEqual(accepted);
});

test.each<[what: string, body: Buffer, reason: WebhookRejection]>([
  ['no signature', formOf({ ...fields, sign_type: 'RSA2' }), 'MISSING_SIGNATURE'],
  ['an empty signature', formOf({ ...fields, sign_type: 'RSA2', sign: '' }), 'MISSING_SIGNATURE'],
  ['the signature of another key', signedForm(fields, createPrivateKey(appPrivatePem)), 'BAD_SIGNATURE'],
  ['a signature that is no base64', formOf({ ...fields, sign_type: 'RSA2', sign: 'AAAA' }), 'BAD_SIGNATURE'],
  ['blanks for the pluses of its signature', spaced(), 'BAD_SIGNATURE'],
  ['a field more', plus(signedForm(fields), '&more=1'), 'BAD_SIGNATURE'],
  ['a field less', signedWithout('total_amount'), 'BAD_SIGNATURE'],
  ['another amount', signedWith({ total_amount: '0.01' }), 'BAD_SIGNATURE'],
  ['sign_type RSA, and the signature that belongs to it', sha1Form(), 'BAD_SIGNATURE'],
  ['sign_type RSA over a right signature', signedWith({ sign_type: 'RSA' }), 'BAD_SIGNATURE'],
  ['a sign_type that is none', signedWith({ sign_type: 'constructor' }), 'BAD_SIGNATURE'],
  ['sign_type in small letters', signedWith({ sign_type: 'rsa2' }), 'BAD_SIGNATURE'],
  ['no sign_type', signedWithout('sign_type'), 'BAD_SIGNATURE'],
  [
    'sign_type signed too',
    formOf({ ...fields, sign_type: 'RSA2', sign: rsa2(`${signedText(fields)}&sign_type=RSA2`) }),
    'BAD_SIGNATURE',
  ],
  ['a second amount after the first', plus(signedForm(fields), '&total_amount=12.30'), 'MALFORMED'],
  ['a second number of ours', plus(signedForm(fields), '&out_trade_no=pay_x'), 'MALFORMED'],
  ['a second name in escapes', plus(signedForm(fields), '&%74otal_amount=12.30'), 'MALFORMED'],
  ['a second sign', plus(signedForm(fields), '&sign=x'), 'MALFORMED'],
  ['a second sign_type', plus(signedForm(fields), '&sign_type=RSA2'), 'MALFORMED'],
  ['an escape that is none', plus(signedForm(fields), '&a=%zz'), 'MALFORMED'],
  ['bytes that are no UTF-8', plus(signedForm(fields), '&a=%ff'), 'MALFORMED'],
  ['charset GBK', signedForm({ ...fields, charset: 'GBK' }), 'MALFORMED'],
  ['no notify_id', signedForm(without('notify_id')), 'MALFORMED'],
  ['a notify_id of many lines', signedForm({ ...fields, notify_id: 'a\nb' }), 'MALFORMED'],
  ['no notify_type', signedForm(without('notify_type')), 'MALFORMED'],
  ['nothing in it', Buffer.alloc(0), 'MISSING_SIGNATURE'],
  ['JSON in it', Buffer.from('{"a":1}'), 'MISSING_SIGNATURE'],
])('a callback is refused with %s', (_what, body, reason) => {
  expect(verdict(body)).toBe(reason);
});

test('a callback of any age is accepted: Alipay repeats itself for a day, and is not always awake', () => {
  expect(verdict(signedForm({ ...fields, notify_time: '2026-11-19 08:00:10' }))).toEqual(accepted);
});

test('utf-8 may be written in any case, and the field that is signed counts more than the header', () => {
  expect(verdict(signedForm({ ...fields, charset: 'UTF-8' }))).toEqual(accepted);
  expect(verdict(signedForm(without('charset')))).toEqual(accepted);
  expect(verdict(signedForm(fields), 'application/x-www-form-urlencoded;charset=UTF-8')).toEqual(accepted);
  expect(verdict(signedForm(fields), 'application/x-www-form-urlencoded; charset=GBK')).toEqual(accepted);
  expect(verdict(signedForm(without('charset')), 'application/x-www-form-urlencoded; charset=big5')).toBe('MALFORMED');
});

const gbk: Form = { ...fields, subject: trickyInGbk, body: '两张票' };

test.each(['GBK', 'gbk', 'GB2312', 'gb18030'])(
  'a callback in %s is verified over its bytes, and read in it',
  (charset) => {
    const body = signedGbkForm({ ...gbk, charset });
    expect(verdict(body)).toEqual(accepted);
    expect(provider.readWebhook(body, now)).toMatchObject({ kind: 'payment', report: { amountMinor: 1230n } });
    const declared = `application/x-www-form-urlencoded; charset=${charset}`;
    const { charset: _, ...bare } = gbk;
    expect(verdict(signedGbkForm(bare), declared)).toEqual(accepted);
    expect(provider.readWebhook(signedGbkForm(bare), now)).toMatchObject({
      kind: 'payment',
      report: { amountMinor: 1230n },
    });
  },
);

test.each<[what: string, body: Buffer, reason: WebhookRejection]>([
  ['in a charset that nobody expects', signedGbkForm({ ...gbk, charset: 'big5' }), 'MALFORMED'],
  ['in GBK that says UTF-8', signedGbkForm({ ...gbk, charset: 'utf-8' }), 'MALFORMED'],
  [
    'in GBK that does not say so',
    signedGbkForm(Object.fromEntries(Object.entries(gbk).filter(([name]) => name !== 'charset'))),
    'MALFORMED',
  ],
  ['in GBK that was signed over its UTF-8', signedOverUtf8({ ...gbk, charset: 'GBK' }), 'BAD_SIGNATURE'],
  [
    'in GBK by another key',
    signedGbkForm({ ...gbk, charset: 'GBK' }, createPrivateKey(appPrivatePem)),
    'BAD_SIGNATURE',
  ],
])('a callback %s is refused', (_what, body, reason) => {
  expect(verdict(body)).toBe(reason);
});

test('while Alipay’s key is changed, callbacks by the old and by the new one are accepted', () => {
  const next = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const both = openProvider({ alipayKeys: [...config.alipayKeys, { publicKey: next.publicKey, certSn: null }] });
  expect(verdict(signedForm(fields), undefined, both)).toEqual(accepted);
  expect(verdict(signedForm(fields, next.privateKey), undefined, both)).toEqual(accepted);
  expect(verdict(signedForm(fields, next.privateKey))).toBe('BAD_SIGNATURE');
});

test('the app’s own key verifies nothing', () => {
  const mistaken = openProvider({ alipayKeys: [{ publicKey: createPublicKey(appPrivatePem), certSn: null }] });
  expect(verdict(signedForm(fields), undefined, mistaken)).toBe('BAD_SIGNATURE');
});

test('nothing that was changed on the way is accepted', () => {
  const genuine = signedForm(fields);
  const said = meaningOf(genuine);
  const bits = Array.from({ length: genuine.length * 8 }, (_, bit) => bit).filter((bit) => isSearch || bit % 7 === 0);
  let changed = 0;
  for (const bit of bits) {
    const body = Buffer.from(genuine);
    const at = Math.floor(bit / 8);
    body.writeUInt8(body.readUInt8(at) ^ (1 << (bit % 8)), at);
    // Some changes change nothing: %2b is %2B.
    if (typeof verdict(body) === 'object') expect(meaningOf(body)).toEqual(said);
    else changed += 1;
  }
  expect(changed).toBeGreaterThan(bits.length * 0.9);
});

test('nothing is thrown but the refusal, whatever comes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'binary' }), (bytes, contentType) => {
      expect(verdict(Buffer.from(bytes), contentType)).toEqual(expect.stringMatching(/^[A-Z_]+$/));
    }),
    searchOf(100),
  );
  const pair = fc.tuple(
    fc.constantFrom('sign', 'sign_type', 'a', 'charset', 'notify_id', '__proto__'),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.array(pair), (pairs) => {
      expect(verdict(Buffer.from(new URLSearchParams(pairs).toString()))).toEqual(expect.stringMatching(/^[A-Z_]+$/));
    }),
    searchOf(100),
  );
});

/** In GBK, and signed as if it were not. */
function signedOverUtf8(form: Form): Buffer {
  const pairs = signedGbkForm(form).toString().split('&').slice(0, -1);
  return Buffer.from([...pairs, `sign=${encodeURIComponent(rsa2(signedText(form)))}`].join('&'));
}

/** The meaning of a body: its fields, in an order. */
function meaningOf(body: Buffer): string[] {
  return [...new URLSearchParams(body.toString('utf8'))].map(([name, value]) => `${name}=${value}`).sort();
}

function without(name: string): Form {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
}

/** Changed after it was signed. */
function signedWith(changed: Form): Buffer {
  return formOf({ ...fields, sign_type: 'RSA2', sign: rsa2(signedText(fields)), ...changed });
}

function signedWithout(name: string): Buffer {
  const signed = { ...fields, sign_type: 'RSA2', sign: rsa2(signedText(fields)) };
  return formOf(Object.fromEntries(Object.entries(signed).filter(([key]) => key !== name)));
}

function sha1Form(): Buffer {
  const signature = sign('RSA-SHA1', Buffer.from(signedText(fields)), alipayPrivateKey).toString('base64');
  return formOf({ ...fields, sign_type: 'RSA', sign: signature });
}

/** As it comes out of a form whose sender forgot to escape. */
function spaced(): Buffer {
  for (let more = 0; ; more += 1) {
    const tried = { ...fields, passback_params: String(more) };
    const signature = rsa2(signedText(tried));
    if (signature.includes('+')) return formOf({ ...tried, sign_type: 'RSA2', sign: signature.replaceAll('+', ' ') });
  }
}

test('a callback by another key says which variable to look at', () => {
  const cause = expect.objectContaining({ message: expect.stringContaining('check ALIPAY_PUBLIC_KEY or ALIPAY_CERT') });
  const verify = () =>
    provider.verifyWebhook({ headers: {}, body: signedForm(fields, config.privateKey), receivedAt: now });
  expect(verify).toThrow(expect.objectContaining({ reason: 'BAD_SIGNATURE', cause }));
});
