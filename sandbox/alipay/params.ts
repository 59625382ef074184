import { z } from 'zod';
import { parseBeijingTime } from '../beijing-time.ts';
import { parseYuan } from '../yuan.ts';
import { invalidParameter } from './errors.ts';
import type { GatewayCall } from './request.ts';
import type { Product, Terms } from './state.ts';

/** Fen: 100,000,000.00 yuan. */
export const amountMax = 10_000_000_000;

/** Reads yuan as fen. A JSON number is refused: it has lost its exact decimals when it is parsed. */
const amount = z.string().transform((text, context) => {
  const fen = parseYuan(text);
  if (fen !== null && fen >= 1 && fen <= amountMax) return fen;
  context.addIssue({ code: 'custom', message: '必须是 0.01 到 100000000.00 之间、最多两位小数的字符串' });
  return z.NEVER;
});

const merchantNumber = z.string().regex(/^[A-Za-z0-9_]{1,64}$/, '只能是字母、数字、下划线，最长 64 位');
const requestNumber = z.string().min(1).max(64);
const timeExpire = z.string().refine((text) => parseBeijingTime(text) !== null, '格式为 yyyy-MM-dd HH:mm:ss');
const timeoutExpress = z.string().refine(isTimeout, '取值范围 1m 到 15d，或 1c');

const terms = z.object({
  out_trade_no: merchantNumber,
  total_amount: amount,
  subject: z
    .string()
    .min(1)
    .max(256)
    .regex(/^[^/=&]*$/, '不可使用特殊字符 / = &'),
  product_code: z.string().optional(),
  body: z.string().max(128).optional(),
  passback_params: z
    .string()
    .max(512)
    .regex(/^[A-Za-z0-9\-_.!~*'()%+]*$/, '必须先进行 UrlEncode')
    .optional(),
  time_expire: timeExpire.optional(),
  timeout_express: timeoutExpress.optional(),
});

const productCodes: Readonly<Record<Product, readonly (string | undefined)[]>> = {
  page: ['FAST_INSTANT_TRADE_PAY'],
  wap: ['QUICK_WAP_WAY'],
  qr: [undefined, 'FACE_TO_FACE_PAYMENT', 'QR_CODE_OFFLINE'],
};

/** @throws {AlipayRefusal} that names the first invalid parameter. Empty strings count as absent. */
export function readTerms(call: GatewayCall, product: Product): Terms {
  const biz = read(terms, call.biz);
  if (!productCodes[product].includes(biz.product_code)) {
    throw invalidParameter('product_code', `必须是 ${productCodes[product].filter(Boolean).join(' 或 ')}`);
  }
  return {
    outTradeNo: biz.out_trade_no,
    product,
    amount: biz.total_amount,
    subject: biz.subject,
    body: biz.body ?? null,
    passbackParams: biz.passback_params ?? null,
    notifyUrl: call.notifyUrl,
    returnUrl: call.returnUrl,
    timeExpire: biz.time_expire ?? null,
    timeoutExpress: biz.timeout_express ?? null,
  };
}

const tradeKeys = { out_trade_no: z.string().optional(), trade_no: z.string().optional() };

export const tradeParams = z.object(tradeKeys);
export const refundParams = z.object({
  ...tradeKeys,
  refund_amount: amount,
  out_request_no: requestNumber.optional(),
  refund_reason: z.string().max(256).optional(),
});
export const refundQueryParams = z.object({ ...tradeKeys, out_request_no: requestNumber });
export const billParams = z.object({ bill_type: z.string(), bill_date: z.string() });

/** Ignores unknown parameters, as Alipay does. @throws {AlipayRefusal} that names the first invalid parameter. */
export function read<T>(schema: z.ZodType<T>, biz: unknown): T {
  const result = schema.safeParse(withoutEmpty(biz));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalidParameter(issue?.path.join('.') || 'biz_content', issue?.message ?? '');
}

function withoutEmpty(biz: unknown): unknown {
  if (typeof biz !== 'object' || biz === null || Array.isArray(biz)) return biz;
  return Object.fromEntries(Object.entries(biz).filter(([, value]) => value !== '' && value !== null));
}

function isTimeout(text: string): boolean {
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  if (unit === undefined) return text === '1c';
  const minutes = Number(count) * (unit === 'm' ? 1 : unit === 'h' ? 60 : 1440);
  return minutes >= 1 && minutes <= 15 * 1440;
}
