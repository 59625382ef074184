import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { Aes, Formatter, Rsa, Wechatpay } from 'wechatpay-axios-plugin';
import { startSandbox } from '../../sandbox/server.ts';
import { newId } from '../../src/domain/ids.ts';
import { WebhookRejectedError } from '../../src/providers/provider.ts';
import {
  apiV3Key,
  appId,
  aTransaction,
  envelope,
  mchId,
  now,
  nowSeconds,
  openProvider,
  platform,
  publicKeyId,
} from './wechatpay-rig.ts';

const provider = openProvider();

type Answer = { readonly data: Readonly<Record<string, unknown>> };
/** What the library makes of any path; its own types say less. */
type Chain = { readonly [step: string]: Chain } & {
  post(body: object): Promise<Answer>;
  get(options: object): Promise<Answer>;
};

/** A notification that the merchants' own library has sealed and signed, by none of our code. */
function notified(facts: object = {}, key = apiV3Key) {
  const paymentId = newId('payment');
  const nonce = 'sdk-nonce-12';
  const plain = JSON.stringify(aTransaction({ out_trade_no: paymentId, ...facts }));
  const ciphertext = Aes.AesGcm.encrypt(plain, key, nonce, 'transaction');
  const body = envelope('TRANSACTION.SUCCESS', {
    ...{
      original_type: 'transaction',
      algorithm: 'AEAD_AES_256_GCM',
      associated_data: 'transaction',
      nonce,
      ciphertext,
    },
  });
  return { paymentId, body };
}

function headersOf(body: Buffer, timestamp = nowSeconds): Record<string, string> {
  const nonce = Formatter.nonce();
  const signed = Formatter.response(timestamp, nonce, body.toString('utf8'));
  return {
    ...{ 'wechatpay-timestamp': String(timestamp), 'wechatpay-nonce': nonce, 'wechatpay-serial': publicKeyId },
    'wechatpay-signature': Rsa.sign(signed, platform.privateKey),
  };
}

test('a notification that the library has signed and sealed says what it says', () => {
  const { paymentId, body } = notified();
  expect(provider.verifyWebhook({ headers: headersOf(body), body, receivedAt: now })).toMatchObject({
    eventType: 'TRANSACTION.SUCCESS',
  });
  expect(provider.readWebhook(body, now)).toMatchObject({
    ...{ kind: 'payment', report: { paymentId, status: 'SUCCEEDED', amountMinor: 1000n, currency: 'CNY' } },
  });
});

test.each<[string, (body: Buffer) => { headers: Record<string, string>; body: Buffer }]>([
  ['for another body', (body) => ({ headers: headersOf(Buffer.from('{}')), body })],
  ['too long ago', (body) => ({ headers: headersOf(body, nowSeconds - 301), body })],
  ['ahead of time', (body) => ({ headers: headersOf(body, nowSeconds + 302), body })],
  [
    'and changed by one byte since',
    (body) => ({ headers: headersOf(body), body: Buffer.concat([body, Buffer.from(' ')]) }),
  ],
])('one that it has signed %s is refused', (_what, spoil) => {
  const { body } = notified();
  const { headers, body: sent } = spoil(body);
  expect(() => provider.verifyWebhook({ headers, body: sent, receivedAt: now })).toThrow(WebhookRejectedError);
});

test('one that it has sealed with another key is refused, however it is signed', () => {
  const { body } = notified({}, randomBytes(16).toString('hex'));
  const delivery = { headers: headersOf(body), body, receivedAt: now };
  expect(() => provider.verifyWebhook(delivery)).toThrow(WebhookRejectedError);
});

test('the sandbox speaks to the library as it is, and the library believes the sandbox’s signatures', async () => {
  const merchant = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const serial = randomBytes(20).toString('hex').toUpperCase();
  const pem = (key: typeof platform.publicKey) => key.export({ type: 'spki', format: 'pem' }).toString();
  const sandbox = await startSandbox({
    ...{ port: 0, dataDir: null },
    stripe: { secretKey: 'sk_test_a', publishableKey: 'pk_test_a', webhookSecret: 'whsec_a', webhookUrl: null },
    wechatpay: {
      ...{ appId, mchId, merchantSerial: serial, merchantPublicKey: pem(merchant.publicKey), apiV3Key },
      platformKeys: [
        { serial: publicKeyId, privateKey: platform.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
      ],
    },
  });
  onTestFinished(() => sandbox.close());
  const options = {
    ...{ mchid: mchId, serial, privateKey: merchant.privateKey, baseURL: `${sandbox.url}/` },
    certs: { [publicKeyId]: createPublicKey(pem(platform.publicKey)) },
    headers: { 'Wechatpay-Serial': publicKeyId },
  };
  const { v3 } = new Wechatpay(options as never) as unknown as { v3: Chain };
  const outTradeNo = newId('payment');
  const made = await v3.pay?.transactions?.native?.post({
    ...{ appid: appId, mchid: mchId, description: '两只杯子', out_trade_no: outTradeNo },
    ...{ notify_url: 'http://127.0.0.1:9/webhooks/wechatpay', amount: { total: 1000, currency: 'CNY' } },
  });
  expect(made?.data.code_url).toMatch(/^weixin:\/\//);
  await sandbox.control(`/control/wechatpay/buyer/${outTradeNo}`, { action: 'pay' });
  const paid = await v3.pay?.transactions?.outTradeNo?.$out_trade_no$?.get({
    ...{ params: { mchid: mchId }, out_trade_no: outTradeNo },
  });
  expect(paid?.data).toMatchObject({ trade_state: 'SUCCESS', amount: { total: 1000 } });
});
