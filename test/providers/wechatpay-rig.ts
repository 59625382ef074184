import {
  createCipheriv,
  createSecretKey,
  createSign,
  createVerify,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import type { PaymentOrder, PaymentProvider, RefundOrder } from '../../src/providers/provider.ts';
import { createWechatpayProvider, type WechatpayOptions } from '../../src/providers/wechatpay/adapter.ts';

export const appId = 'wxd678efh567hg6787';
export const mchId = '1900000109';
export const merchantSerial = '3775B6A45ACD588826D15E583A95F5DD33B0E1C9';
export const publicKeyId = 'PUB_KEY_ID_0119000001092026112100000001';
export const certificateSerial = '5157F09EFDC096DE15EBE81A47057A7232F1B8E1';
export const apiV3Key = '0123456789abcdefABCDEF!#$%&()*+-';
export const webhookUrl = 'https://pay.example/webhooks/wechatpay';

const newKeys = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
export const merchant = newKeys();
/** WeChat Pay's two: its public key, and the certificate that this replaces. */
export const platform = newKeys();
export const certified = newKeys();

/** Half a second into a second, as clocks are. */
export const now = new Date('2026-11-21T00:00:00.500Z');
export const nowSeconds = Math.floor(now.getTime() / 1000);

export function openProvider(changed: Partial<WechatpayOptions> = {}): PaymentProvider {
  return createWechatpayProvider({
    appId,
    mchId,
    serial: merchantSerial,
    privateKey: merchant.privateKey,
    apiV3Key: createSecretKey(Buffer.from(apiV3Key)),
    platformKeys: new Map([
      [certificateSerial, certified.publicKey],
      [publicKeyId, platform.publicKey],
    ]),
    baseUrl: 'http://127.0.0.1:9/',
    now: () => now,
    webhookUrl,
    ...changed,
  });
}

export type Signing = {
  readonly key?: KeyObject;
  readonly serial?: string;
  readonly timestamp?: string | number;
  readonly nonce?: string;
};

/** The headers that WeChat Pay signs a body with, by the fact sheet and by nothing of ours. */
export function signedHeaders(body: Buffer | string, given: Signing = {}): Record<string, string> {
  const {
    key = platform.privateKey,
    serial = publicKeyId,
    timestamp = nowSeconds,
    nonce = 'NONCE0123456789abcdefghijklmnopq',
  } = given;
  const signer = createSign('sha256').update(`${timestamp}\n${nonce}\n`).update(body).update('\n');
  return {
    'wechatpay-timestamp': String(timestamp),
    'wechatpay-nonce': nonce,
    'wechatpay-signature': signer.sign(key, 'base64'),
    'wechatpay-serial': serial,
  };
}

export type SealedBy = {
  readonly key?: string;
  readonly nonce?: string;
  readonly associated?: string;
  readonly tagBytes?: number;
};

/** Base64 of the ciphertext with its tag behind it. */
export function seal(
  plain: string,
  { key = apiV3Key, nonce = 'nonce-of-12b', associated = 'transaction', tagBytes = 16 }: SealedBy = {},
) {
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(key), Buffer.from(nonce), { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(associated));
  return Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64');
}

export function aTransaction(facts: object = {}): Record<string, unknown> {
  return {
    mchid: mchId,
    appid: appId,
    out_trade_no: newId('payment'),
    transaction_id: '4200002000202611210000000001',
    trade_type: 'NATIVE',
    trade_state: 'SUCCESS',
    trade_state_desc: '支付成功',
    bank_type: 'OTHERS',
    attach: '',
    success_time: '2026-11-21T07:59:58+08:00',
    payer: { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' },
    amount: { total: 1000, payer_total: 900, currency: 'CNY', payer_currency: 'CNY' },
    ...facts,
  };
}

const refundFacts = {
  transaction_id: '4200002000202611210000000001',
  refund_id: '50000000382019052709732678859',
  success_time: '2026-11-21T07:59:59+08:00',
  user_received_account: '招商银行信用卡0403',
};

/** As a notification has it. */
export function aNotifiedRefund(facts: object = {}): Record<string, unknown> {
  return {
    mchid: mchId,
    out_trade_no: newId('payment'),
    out_refund_no: newId('refund'),
    ...refundFacts,
    refund_status: 'SUCCESS',
    amount: { total: 1000, refund: 300, payer_total: 900, payer_refund: 270 },
    ...facts,
  };
}

/** As an answer has it. */
export function aRefund(facts: object = {}): Record<string, unknown> {
  return {
    out_trade_no: newId('payment'),
    out_refund_no: newId('refund'),
    ...refundFacts,
    channel: 'ORIGINAL',
    create_time: '2026-11-21T07:59:57+08:00',
    status: 'PROCESSING',
    success_time: undefined,
    amount: { total: 1000, refund: 300, payer_total: 900, payer_refund: 270, currency: 'CNY', discount_refund: 30 },
    ...facts,
  };
}

export function envelope(eventType: string, resource: unknown, facts: object = {}): Buffer {
  const body = {
    id: 'EV-2026112100000000001',
    create_time: '2026-11-21T08:00:00+08:00',
    resource_type: 'encrypt-resource',
    event_type: eventType,
    summary: '支付成功',
    resource,
    ...facts,
  };
  return Buffer.from(JSON.stringify(body), 'utf8');
}

/** A sealed notification. What is sealed says of which kind it is, unless told otherwise. */
export function notificationOf(
  eventType: string,
  plain: object | string,
  facts: object = {},
  by: SealedBy = {},
): Buffer {
  const kind = eventType.startsWith('REFUND') ? 'refund' : 'transaction';
  const nonce = by.nonce ?? 'nonce-of-12b';
  const associated = by.associated ?? kind;
  return envelope(eventType, {
    original_type: kind,
    algorithm: 'AEAD_AES_256_GCM',
    ciphertext: seal(typeof plain === 'string' ? plain : JSON.stringify(plain), { ...by, nonce, associated }),
    associated_data: associated,
    nonce,
    ...facts,
  });
}

export type Told = {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
};
export type Said = {
  readonly status?: number;
  readonly body?: string | object;
  readonly headers?: Record<string, string>;
};

/** WeChat Pay's door on a port of its own: what it was told, and a provider that tells it. Answers are signed unless `headers` are given. */
export async function openWechat(answer: (told: Told) => Said | 'hangUp', changed: Partial<WechatpayOptions> = {}) {
  const told: Told[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: target = '', headers } = request;
      const one = { method, target, headers, body: Buffer.concat(chunks).toString('utf8') };
      told.push(one);
      const said = answer(one);
      if (said === 'hangUp') return request.socket.destroy();
      const body = typeof said.body === 'object' ? JSON.stringify(said.body) : (said.body ?? '');
      response.writeHead(said.status ?? 200, said.headers ?? signedHeaders(body)).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { told, url, provider: openProvider({ baseUrl: url, ...changed }) };
}

/** True when `Authorization` is the merchant's for exactly this request. */
export function isSignedRightly({ method, target, headers, body }: Told): boolean {
  const [scheme, rest = ''] = String(headers.authorization).split(' ', 2);
  const parts = new Map(
    rest.split(',').map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('"') + 1, -1)]),
  );
  const text = [method, target, parts.get('timestamp'), parts.get('nonce_str'), body]
    .map((line) => `${line}\n`)
    .join('');
  return (
    scheme === 'WECHATPAY2-SHA256-RSA2048' &&
    parts.get('mchid') === mchId &&
    parts.get('serial_no') === merchantSerial &&
    parts.get('timestamp') === String(nowSeconds) &&
    /^[0-9A-Za-z]{16,32}$/.test(parts.get('nonce_str') ?? '') &&
    createVerify('sha256')
      .update(text)
      .verify(merchant.publicKey, parts.get('signature') ?? '', 'base64')
  );
}

export function anOrderToPay(facts: Partial<PaymentOrder> = {}): PaymentOrder {
  return {
    paymentId: newId('payment'),
    orderNumber: 'A-1',
    flow: 'QR_CODE',
    amountMinor: 1000n,
    currency: 'CNY',
    captureMode: 'AUTOMATIC',
    description: '两张票',
    returnUrl: null,
    openId: null,
    buyerIp: null,
    createdAt: now,
    expiresAt: new Date(now.getTime() + 30 * 60_000),
    providerPaymentId: null,
    providerReference: null,
    ...facts,
  };
}

export function aRefundToMake(facts: Partial<RefundOrder> = {}): RefundOrder {
  return {
    refundId: newId('refund'),
    paymentId: newId('payment'),
    amountMinor: 300n,
    currency: 'CNY',
    capturedMinor: 1000n,
    reason: '退一张',
    createdAt: now,
    providerPaymentId: '4200002000202611210000000001',
    providerRefundId: null,
    ...facts,
  };
}

/** A signal for calls that are meant to be answered. */
export const patient = (): AbortSignal => new AbortController().signal;
