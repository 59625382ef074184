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
  /** Where notifications go. */
  readonly webhookUrl: string;
};

/** What is posted where to start a payment, the same every time, and what its answer lets the buyer do. */
export type Prepay = {
  readonly target: string;
  readonly body: object;
  /** @throws {ZodError} when the answer is not what such a call is answered by. */
  nextActionOf(answer: unknown, askedAt: Date): NextAction;
};

/** Counted as a program does that takes two for some characters: never more than WeChat Pay counts. */
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
      throw notPossible(`WeChat Pay has no flow ${order.flow}.`);
  }
}

/** Every field is made of what was frozen when the payment was started: told anything else, WeChat Pay refuses the number. */
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

/** One line that is never empty: line breaks and halves of characters would be refused. */
function descriptionOf({ description, orderNumber }: PaymentOrder): string {
  return singleLine(description ?? '') || singleLine(`Order ${orderNumber}`);
}

function singleLine(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cs}\s]+/gu, ' ').trim();
  return truncate(descriptionCharactersMax, line).trim();
}

/** Never cut within a character. */
export function truncate(lengthMax: number, text: string): string {
  const cut = text.slice(0, lengthMax);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}

/** What the buyer's app is opened with: signed by us, for WeChat Pay's app to check. */
function bridgeActionOf(prepayId: string, { appId, privateKey }: PrepayOptions, now: Date, until: Date): NextAction {
  const timeStamp = unixSecondsOf(now);
  const nonceStr = newNonce();
  const packed = `prepay_id=${prepayId}`;
  const paySign = signLines(privateKey, [appId, timeStamp, nonceStr, packed]);
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
  if (value === null) throw notPossible(`WeChat Pay needs the ${what} for this flow.`);
  return value;
}

/** Nothing was sent, and nothing ever will be. */
export function notPossible(message: string): RejectedError {
  return new RejectedError({ reason: 'provider_error', message, providerCode: null, attempt: null });
}

/** Reads an answer. What is none may follow something that happened. */
export function readAnswer<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new OutcomeUnknownError('WeChat Pay answered with what is not its object.', { cause });
  }
}
