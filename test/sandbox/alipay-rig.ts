import { createSign, createVerify, generateKeyPairSync } from 'node:crypto';
import { AlipaySdk, type AlipaySdkConfig } from 'alipay-sdk';
import { expect, onTestFinished } from 'vitest';
import type { AlipayLedger } from '../../sandbox/alipay/ledger-report.ts';
import type { AlipayOptions } from '../../sandbox/alipay/provider.ts';
import type { CallbackResponse } from '../../sandbox/callback-post.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/server.ts';
import { publishableKey, secretKey, webhookSecret } from './rig.ts';

const encodings = {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
} as const;
export const appKeys = generateKeyPairSync('rsa', encodings);
export const alipayKeys = generateKeyPairSync('rsa', encodings);
export const appId = '2021000000000001';
export const sellerId = '2088000000000001';
/** Noon in Beijing. */
export const startsAt = new Date('2030-01-10T04:00:00Z');
export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
export const notifyUrl = 'http://merchant.invalid/webhooks/alipay';
export const returnUrl = 'http://shop.invalid/thanks?order=7';

export const pagePay = 'alipay.trade.page.pay';
export const wapPay = 'alipay.trade.wap.pay';
export const precreate = 'alipay.trade.precreate';
export const query = 'alipay.trade.query';
export const close = 'alipay.trade.close';
export const refund = 'alipay.trade.refund';
export const refundQuery = 'alipay.trade.fastpay.refund.query';

export type Fields = Readonly<Record<string, string>>;
// biome-ignore lint/suspicious/noExplicitAny: responses have many shapes
type Answer = any;

/** A received notification; `verified` by this file, `verifiedBySdk` by the SDK. */
export type Notification = {
  readonly url: string;
  readonly body: string;
  readonly fields: Fields;
  readonly verified: boolean;
  readonly verifiedBySdk: boolean;
};

export type AlipayRig = {
  readonly sandbox: Sandbox;
  readonly sdk: AlipaySdk;
  readonly received: readonly Notification[];
  /** The response to notifications. Default: `success`. */
  answerWith: CallbackResponse;
  /** Calls the SDK, which verifies the signature of the response. */
  exec(method: string, biz: object, params?: object): Promise<Answer>;
  /** The link that the SDK makes for a browser. */
  pageUrl(method: string, biz: object, params?: object): string;
  /** The buyer follows a link, and posts `action` where it leads. */
  browse(url: string, action?: string): Promise<{ status: number; text: string; location: string | null }>;
  /** A request signed by this file, with all parameters in the query, or as `send` says. */
  raw(params: Fields, send?: { in?: 'query' | 'body'; key?: string; sign?: string }): Promise<Answer>;
  buyer(outTradeNo: string, action: 'scan' | 'pay' | 'decline'): Promise<Answer>;
  control(path: string, body?: object): Promise<Answer>;
  fault(rule: object): Promise<unknown>;
  ledger(outTradeNo?: string): AlipayLedger;
  /** The sandbox's time plus an offset in Beijing, `yyyy-MM-dd HH:mm:ss`. */
  timestamp(inMs?: number): string;
};

/** A sandbox in virtual time with a port, the real SDK, and the received notifications. */
export async function openAlipayRig(
  options: { alipay?: Partial<AlipayOptions>; sdk?: Partial<AlipaySdkConfig> } & Partial<
    Omit<SandboxOptions, 'alipay'>
  > = {},
): Promise<AlipayRig> {
  const { alipay, sdk: sdkConfig, ...rest } = options;
  const received: Notification[] = [];
  const sandbox = await startSandbox({
    port: 0,
    dataDir: null,
    seed: 1,
    stripe: { secretKey, publishableKey, webhookSecret, webhookUrl: null },
    alipay: { appId, sellerId, appPublicKey: appKeys.publicKey, privateKey: alipayKeys.privateKey, ...alipay },
    virtualTime: { startsAt },
    unansweredRequests: 'status-599',
    post: async ({ url, body }) => {
      received.push(judge(sdk, url, body));
      return rig.answerWith;
    },
    ...rest,
  });
  const sdk = new AlipaySdk({
    appId,
    privateKey: appKeys.privateKey,
    keyType: 'PKCS8',
    alipayPublicKey: alipayKeys.publicKey,
    gateway: `${sandbox.url}/gateway.do`,
    camelcase: false,
    ...sdkConfig,
  });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await sandbox.close();
    isOpen = false;
  };
  onTestFinished(close);
  const signedParams = (biz: object, params: object): object => ({
    timestamp: rig.timestamp(),
    biz_content: biz,
    ...params,
  });
  const rig: AlipayRig = {
    sandbox: { ...sandbox, close },
    sdk,
    received,
    answerWith: { status: 200, body: 'success' },
    exec: (method, biz, params = { notify_url: notifyUrl }) =>
      sdk.exec(method, signedParams(biz, params), { validateSign: true }),
    pageUrl: (method, biz, params = { notify_url: notifyUrl, return_url: returnUrl }) =>
      sdk.pageExecute(method, 'GET', signedParams(biz, params) as Record<string, string>),
    async browse(url, action) {
      const shown = await visit(url);
      if (action === undefined) return shown;
      const place = new URL(shown.location ?? url, sandbox.url);
      return visit(place.href, { method: 'POST', body: new URLSearchParams({ action }) });
    },
    raw: (params, send = {}) => sendRaw(sandbox.url, params, send),
    buyer: (outTradeNo, action) => sandbox.control(`/control/alipay/buyer/${outTradeNo}`, { action }),
    control: (path, body) => sandbox.control(`/control/alipay${path}`, body),
    fault: (rule) => sandbox.control('/control/faults', rule),
    ledger: (outTradeNo) => {
      const { alipay } = sandbox.ledger(outTradeNo);
      if (!alipay) throw new Error('The sandbox has no Alipay.');
      return alipay;
    },
    timestamp: (inMs = 0) => beijing(sandbox.now().getTime() + inMs),
  };
  return rig;
}

async function visit(url: string, init: RequestInit = {}): ReturnType<AlipayRig['browse']> {
  const response = await fetch(url, { ...init, redirect: 'manual' });
  return { status: response.status, text: await response.text(), location: response.headers.get('location') };
}

async function sendRaw(
  url: string,
  params: Fields,
  send: { in?: string; key?: string; sign?: string },
): Promise<Answer> {
  const sign = send.sign ?? signByHand(params, send.key ?? appKeys.privateKey);
  const form = new URLSearchParams({ ...params, sign });
  const inBody = send.in === 'body';
  const response = await fetch(`${url}/gateway.do${inBody ? '' : `?${form}`}`, {
    method: 'POST',
    ...(inBody && { body: form }),
  });
  return response.json();
}

/** A request signs all parameters; a notification also leaves out `sign_type`. */
export function signByHand(params: Fields, key: string): string {
  return createSign('RSA-SHA256')
    .update(joined(params, ['sign']))
    .sign(key, 'base64');
}

export function verifyByHand(fields: Fields): boolean {
  const text = joined(fields, ['sign', 'sign_type']);
  return createVerify('RSA-SHA256')
    .update(text)
    .verify(alipayKeys.publicKey, fields.sign ?? '', 'base64');
}

function joined(fields: Fields, without: readonly string[]): string {
  const names = Object.keys(fields).filter((name) => !without.includes(name));
  return names
    .sort()
    .map((name) => `${name}=${fields[name]}`)
    .join('&');
}

function judge(sdk: AlipaySdk, url: string, body: string): Notification {
  const fields = Object.fromEntries(new URLSearchParams(body));
  return { url, body, fields, verified: verifyByHand(fields), verifiedBySdk: sdk.checkNotifySignV2(fields) };
}

export function beijing(ms: number): string {
  return new Date(ms + 8 * hourMs).toISOString().slice(0, 19).replace('T', ' ');
}

/** The common parameters of a request. */
export function rawParams(rig: AlipayRig, method: string, biz: object, more: Fields = {}): Fields {
  return {
    app_id: appId,
    method,
    charset: 'utf-8',
    sign_type: 'RSA2',
    timestamp: rig.timestamp(),
    version: '1.0',
    biz_content: JSON.stringify(biz),
    ...more,
  };
}

/** An order of tea for 12.34 yuan. */
export function tea(outTradeNo: string, more: Fields = {}): Fields {
  return { out_trade_no: outTradeNo, total_amount: '12.34', subject: '茶 Tea', ...more };
}
export const onPage = { product_code: 'FAST_INSTANT_TRADE_PAY' };
export const onPhone = { product_code: 'QUICK_WAP_WAY' };

/** Creates an unopened payment of a product. */
export async function offer(rig: AlipayRig, product: 'page' | 'wap' | 'qr', outTradeNo: string, more: Fields = {}) {
  if (product === 'qr') await rig.exec(precreate, tea(outTradeNo, more));
  else if (product === 'page') await rig.browse(rig.pageUrl(pagePay, tea(outTradeNo, { ...onPage, ...more })));
  else await rig.browse(rig.pageUrl(wapPay, tea(outTradeNo, { ...onPhone, ...more })));
}

/** A paid and notified payment. */
export async function paid(rig: AlipayRig, product: 'page' | 'wap' | 'qr' = 'page', outTradeNo = 'pay_rig') {
  await offer(rig, product, outTradeNo);
  await rig.buyer(outTradeNo, 'pay');
  await rig.sandbox.advance(0);
}

/** The `sub_code` of a business refusal; undefined for a success. */
export async function subCode(call: Promise<Answer>): Promise<string | undefined> {
  const answer = await call;
  expect(answer).toHaveProperty('code');
  return answer.sub_code;
}
