import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import {
  MisconfiguredError,
  NotExecutedError,
  OutcomeUnknownError,
  WebhookRejectedError,
} from '../../src/providers/provider.ts';
import type { WechatpayOptions } from '../../src/providers/wechatpay/adapter.ts';
import { selfSigned } from '../sandbox/wechatpay-certificate.ts';
import { failureOf, reportIn } from './contract-steps.ts';
import {
  anOrderToPay,
  apiV3Key,
  aTransaction,
  notificationOf,
  now,
  openWechat,
  patient,
  platform,
  publicKeyId,
  type Said,
  seal,
  signedHeaders,
  type Told,
} from './wechatpay-rig.ts';

const hour = 3_600_000;

/** A platform certificate of WeChat Pay's, and the key that belongs to it. */
function makePlatform(serial: string, validTo?: string) {
  const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const text = pem.toString();
  const certificate = selfSigned(text, serial, validTo === undefined ? {} : { validTo });
  return { serial: serial.toUpperCase(), key: createPrivateKey(text), certificate };
}
type Platform = ReturnType<typeof makePlatform>;
const old = makePlatform('11'.repeat(20));
const next = makePlatform('22'.repeat(20));
const expired = makePlatform('33'.repeat(20), '261120000000Z');

function listed({ serial, certificate }: Platform, sealedWith = apiV3Key) {
  const associated = 'certificate';
  return {
    serial_no: serial,
    effective_time: '2026-01-01T08:00:00+08:00',
    expire_time: '2031-01-01T08:00:00+08:00',
    encrypt_certificate: {
      ...{ algorithm: 'AEAD_AES_256_GCM', nonce: 'nonce-of-12b', associated_data: associated },
      ciphertext: seal(certificate, { key: sealedWith, associated }),
    },
  };
}

const order = anOrderToPay();
const { paymentId } = order;
const notice = notificationOf('TRANSACTION.SUCCESS', aTransaction({ out_trade_no: paymentId }));

/** WeChat Pay with platform certificates, which are told to change; everything is signed by one of them. */
async function open(configured: WechatpayOptions['platformKeys'] = new Map()) {
  const world = { time: now, list: [old], signer: old, said: null as Said | null, asked: 0 };
  const signed = (body: string, by: Platform) =>
    signedHeaders(body, {
      ...{ key: by.key, serial: by.serial, timestamp: Math.floor(world.time.getTime() / 1000) },
    });
  const answer = ({ target }: Told): Said => {
    if (target === '/v3/certificates') {
      world.asked += 1;
      const body = JSON.stringify({ data: world.list.map((one) => listed(one)) });
      return world.said ?? { body, headers: signed(body, world.signer) };
    }
    const body = JSON.stringify(aTransaction({ out_trade_no: paymentId }));
    return { body, headers: signed(body, world.signer) };
  };
  const opened = await openWechat(answer, { platformKeys: configured, now: () => world.time });
  const { provider } = opened;
  const deliver = async (by: Platform, body = notice) => {
    const delivery = { headers: signed(body.toString(), by), body, receivedAt: world.time };
    try {
      return provider.verifyWebhook(delivery);
    } catch (error) {
      if (!(error instanceof WebhookRejectedError) || !(await provider.renewKeys(delivery)).isHeld) throw error;
      return provider.verifyWebhook(delivery);
    }
  };
  return {
    ...opened,
    world,
    deliver,
    pass: (ms: number) => Object.assign(world, { time: new Date(world.time.getTime() + ms) }),
  };
}

test('without configured keys the certificates are fetched before the first call, once for all who wait', async () => {
  const { provider, told, world } = await open();
  const asked = await Promise.all([1, 2, 3].map(() => provider.queryPayment(order, patient())));
  for (const answer of asked) expect(reportIn(answer)).toMatchObject({ status: 'SUCCEEDED' });
  expect(world.asked).toBe(1);
  expect(told[0]).toMatchObject({ method: 'GET', target: '/v3/certificates' });
  expect(told.slice(1).map(({ headers }) => headers['wechatpay-serial'])).toEqual(
    [old, old, old].map(({ serial }) => serial),
  );
});

test('a callback may come first: then they are fetched for it', async () => {
  const { deliver, world } = await open();
  expect(await deliver(old)).toMatchObject({ eventType: 'TRANSACTION.SUCCESS' });
  expect(await deliver(old)).toMatchObject({ eventType: 'TRANSACTION.SUCCESS' });
  expect(world.asked).toBe(1);
});

test('they are fetched anew after twelve hours of use, and the old ones stay beside the new ones until they expire', async () => {
  const { provider, deliver, world, pass } = await open();
  await provider.queryPayment(order, patient());
  pass(12 * hour - 1000);
  await provider.queryPayment(order, patient());
  expect(world.asked).toBe(1);
  Object.assign(world, { list: [next], signer: next });
  pass(1000);
  await provider.queryPayment(order, patient());
  expect(world.asked).toBe(2);
  for (const by of [old, next]) expect(await deliver(by)).toMatchObject({ eventType: 'TRANSACTION.SUCCESS' });
  world.time = new Date('2031-01-01T00:00:00Z'); // both have expired
  await expect(deliver(old)).rejects.toMatchObject({ reason: 'UNKNOWN_KEY' });
});

test('when they cannot be fetched anew, those that are held are used on', async () => {
  const { provider, world, pass } = await open();
  await provider.queryPayment(order, patient());
  world.said = { status: 500, body: { code: 'SYSTEM_ERROR' }, headers: {} };
  pass(13 * hour);
  for (const _ of [1, 2]) expect(reportIn(await provider.queryPayment(order, patient())).status).toBe('SUCCEEDED');
  expect(world.asked).toBe(2); // and not at every call
  world.said = null;
  pass(60_000);
  await provider.queryPayment(order, patient());
  expect(world.asked).toBe(3);
});

test('a serial that nobody knows makes them be fetched soon, beside configured keys too', async () => {
  for (const configured of [new Map(), new Map([[publicKeyId, platform.publicKey]])]) {
    const { deliver, world, pass } = await open(configured);
    expect(await deliver(old)).toMatchObject({ eventType: 'TRANSACTION.SUCCESS' });
    pass(60_000);
    Object.assign(world, { list: [old, next] });
    expect(await deliver(next)).toMatchObject({ eventType: 'TRANSACTION.SUCCESS' });
    expect(await deliver(old)).toMatchObject({ eventType: 'TRANSACTION.SUCCESS' });
    expect(world.asked).toBe(2);
  }
});

test('an answer by a serial that nobody knows is verified by what is fetched for it', async () => {
  const { provider, world, pass } = await open();
  await provider.queryPayment(order, patient());
  Object.assign(world, { list: [old, next], signer: next });
  pass(60_000);
  expect(reportIn(await provider.queryPayment(order, patient())).status).toBe('SUCCEEDED');
  expect(world.asked).toBe(2);
});

test('a flood of serials that strangers make up costs one request a minute, and holds up no genuine callback', async () => {
  const { provider, deliver, world, pass } = await open();
  await deliver(old);
  const forged = (number: number) => {
    const serial = number.toString(16).padStart(40, 'a');
    return failureOf(deliver({ ...makeForged, serial }));
  };
  for (const minutes of [1, 2]) {
    pass(60_000);
    const failures = await Promise.all(Array.from({ length: 50 }, (_, number) => forged(number)));
    for (const failure of failures) expect(failure).toMatchObject({ reason: 'UNKNOWN_KEY' });
    for (let number = 50; number < 60; number += 1) await forged(number);
    expect(world.asked).toBe(1 + minutes);
    expect(await deliver(old)).toMatchObject({ eventType: 'TRANSACTION.SUCCESS' });
  }
  // The id of a public key is in no list, so nobody is asked for it.
  pass(60_000);
  const headers = signedHeaders(notice, { serial: 'PUB_KEY_ID_9' });
  expect(await provider.renewKeys({ headers, body: notice, receivedAt: world.time })).toEqual({
    isHeld: false,
    outcome: 'not_asked',
  });
  expect(world.asked).toBe(3);
});
const makeForged = makePlatform('44'.repeat(20));

const bodyOf = (...entries: readonly object[]) => JSON.stringify({ data: entries });
const by = (signer: Platform, body: string): Said => ({
  body,
  headers: signedHeaders(body, { key: signer.key, serial: signer.serial }),
});
test.each<[what: string, said: Said, error: typeof NotExecutedError, message: string]>([
  ['signed by none of what it brings', by(next, bodyOf(listed(old))), NotExecutedError, 'could not be fetched'],
  [
    'signed by another key',
    by({ ...old, key: next.key }, bodyOf(listed(old))),
    NotExecutedError,
    'could not be fetched',
  ],
  ['not signed', { body: bodyOf(listed(old)), headers: {} }, NotExecutedError, 'could not be fetched'],
  [
    'sealed with another key',
    by(old, bodyOf(listed(old, apiV3Key.replace('0', '1')))),
    MisconfiguredError,
    'cannot be decrypted with WECHATPAY_API_V3_KEY',
  ],
  [
    'with a certificate under another serial',
    by(old, bodyOf(listed(old), { ...listed(next), serial_no: '5'.repeat(40) })),
    NotExecutedError,
    'could not be fetched',
  ],
  ['of what has expired', by(expired, bodyOf(listed(expired))), NotExecutedError, 'could not be fetched'],
  ['that is empty', by(old, bodyOf()), NotExecutedError, 'could not be fetched'],
  ['that is no list', by(old, '<html>'), NotExecutedError, 'could not be fetched'],
  [
    'that a merchant with a public key does not have',
    { status: 404, body: { code: 'RESOURCE_NOT_EXISTS' }, headers: {} },
    MisconfiguredError,
    'set WECHATPAY_PLATFORM_KEYS',
  ],
  [
    'that is refused to our key',
    { status: 401, body: { code: 'SIGN_ERROR' }, headers: {} },
    MisconfiguredError,
    'check WECHATPAY_PRIVATE_KEY',
  ],
])(
  'from a list %s no key is taken: the call is not made, and no callback is believed',
  async (_what, said, error, message) => {
    const { provider, told, world, deliver } = await open();
    world.said = said;
    const failure = await failureOf(provider.startPayment(order, patient()));
    expect(failure).toBeInstanceOf(error);
    expect(failure).toMatchObject({ message: expect.stringContaining(message) });
    expect(told.map(({ target }) => target)).toEqual(['/v3/certificates']);
    await expect(deliver(old)).rejects.toMatchObject({ reason: 'UNKNOWN_KEY' });
  },
);

test('an answer by a serial that is in no list may mean anything', async () => {
  const { provider, world } = await open(new Map([[publicKeyId, platform.publicKey]]));
  world.signer = next;
  expect(await failureOf(provider.startPayment({ ...order, paymentId: newId('payment') }, patient()))).toBeInstanceOf(
    OutcomeUnknownError,
  );
});
