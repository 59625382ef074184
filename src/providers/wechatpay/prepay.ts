import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { NextAction } from '../../domain/payment.ts';
import { beijingRfc3339 } from '../beijing-time.ts';
import { OutcomeUnknownError, type PaymentOrder, RejectedError } from '../provider.ts';
import { qrCode } from '../qr-code.ts';
import { newNonce, signLines, unixSecondsOf } from './signature.ts';
import type { Merchant } from './transactions.ts';

export type PrepayOptions = Merchant & {
  readonly privateKey: KeyObject;
  /** The URL for notifications. */
  readonly webhookUrl: string;
};

/** The request that starts a payment, the same in every repeated call, and the next action that its answer gives. */
export type Prepay = {
  readonly target: string;
  readonly body: object;
  /** @throws {ZodError} at once for an unexpected answer. */
  nextActionOf(answer: unknown, askedAt: Date): NextAction | Promise<NextAction>;
};

/** Counted in UTF-16 code units, which never count less than WeChat Pay does. */
const descriptionCharactersMax = 127;
const qrCodeLifeMs = 2 * 60 * 60_000;
const bridgeLifeMs = 2 * 60 * 60_000;
const pageLifeMs = 5 * 60_000;

const qrCodeSchema = z.object({ code_url: z.string().min(1).max(512) });
const pageSchema = z.object({ h5_url: z.url({ protocol: /^https?$/ }) });
const bridgeSchema = z.object({ prepay_id: z.string().min(1).max(128) });

export function prepayOf(order: PaymentOrder, options: PrepayOptions): Prepay {
  const common = commonOf(order, options);
  switch (order.flow) {
    case 'QR_CODE':
      return {
        target: '/v3/pay/transactions/native',
        body: common,
        nextActionOf: (answer, askedAt) =>
          qrCode(qrCodeSchema.parse(answer).code_url, expiryOf(order, askedAt, qrCodeLifeMs)),
      };
    case 'MOBILE_WEB':
      return {
        target: '/v3/pay/transactions/h5',
        body: {
          ...common,
          scene_info: { payer_client_ip: required(order.buyerIp, 'buyer’s IP address'), h5_info: { type: 'Wap' } },
        },
        nextActionOf: (answer, askedAt) => ({
          kind: 'REDIRECT',
          url: returningTo(order.returnUrl, pageSchema.parse(answer).h5_url),
          expiresAt: expiryOf(order, askedAt, pageLifeMs).toISOString(),
        }),
      };
    case 'IN_APP':
      return {
        target: '/v3/pay/transactions/jsapi',
        body: { ...common, payer: { openid: required(order.openId, 'buyer’s openid') } },
        nextActionOf: (answer, askedAt) =>
          bridgeActionOf(
            bridgeSchema.parse(answer).prepay_id,
            options,
            askedAt,
            expiryOf(order, askedAt, bridgeLifeMs),
          ),
      };
    case 'REDIRECT':
    case 'EMBEDDED':
      throw unsupported(`WeChat Pay does not support the flow ${order.flow}.`);
  }
}

/** All values are fixed when the payment starts: WeChat Pay refuses a known number with other parameters. */
function commonOf(order: PaymentOrder, { appId, mchId, webhookUrl }: PrepayOptions) {
  return {
    appid: appId,
    mchid: mchId,
    description: descriptionOf(order),
    out_trade_no: order.paymentId,
    time_expire: beijingRfc3339(order.expiresAt),
    notify_url: webhookUrl,
    amount: { total: Number(order.amountMinor), currency: order.currency },
  };
}

/** One line that is never empty. WeChat Pay refuses line breaks and unpaired surrogates. */
function descriptionOf({ description, orderNumber }: PaymentOrder): string {
  return singleLine(description ?? '') || singleLine(`Order ${orderNumber}`);
}

function singleLine(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cs}\s]+/gu, ' ').trim();
  return truncate(descriptionCharactersMax, line).trim();
}

/** Cuts text to a length, never within a character. */
export function truncate(lengthMax: number, text: string): string {
  const cut = text.slice(0, lengthMax);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}

/** The parameters that open the payment in the WeChat app. They are signed by us and checked by WeChat. */
async function bridgeActionOf(
  prepayId: string,
  { appId, privateKey }: PrepayOptions,
  now: Date,
  until: Date,
): Promise<NextAction> {
  const timeStamp = unixSecondsOf(now);
  const nonceStr = newNonce();
  const packed = `prepay_id=${prepayId}`;
  const paySign = await signLines(privateKey, [appId, timeStamp, nonceStr, packed]);
  const bridge = { appId, timeStamp, nonceStr, package: packed, signType: 'RSA', paySign };
  return { kind: 'WECHAT_PAY_BRIDGE', ...bridge, expiresAt: until.toISOString() };
}

function returningTo(returnUrl: string | null, page: string): string {
  if (returnUrl === null) return page;
  return `${page}${page.includes('?') ? '&' : '?'}redirect_url=${encodeURIComponent(returnUrl)}`;
}

function expiryOf({ expiresAt }: PaymentOrder, askedAt: Date, lifeMs: number): Date {
  return new Date(Math.min(expiresAt.getTime(), askedAt.getTime() + lifeMs));
}

function required(value: string | null, what: string): string {
  if (value === null) throw unsupported(`WeChat Pay needs the ${what} for this flow.`);
  return value;
}

/** The error for a request that WeChat Pay cannot support. Nothing was sent. */
export function unsupported(message: string): RejectedError {
  return new RejectedError({ reason: 'provider_error', message, providerCode: null, attempt: null });
}

/** Reads an answer. @throws {OutcomeUnknownError} for an unexpected answer: the call may have been executed. */
export function readAnswer<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new OutcomeUnknownError('WeChat Pay’s answer does not have the expected format.', { cause });
  }
}
