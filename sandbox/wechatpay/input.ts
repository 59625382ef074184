import { isIP } from 'node:net';
import { z } from 'zod';
import { paramError, WechatpayRefusal } from './errors.ts';
import { parseRfc3339 } from './rfc3339.ts';

/** Lengths are in Unicode code points, not in UTF-16 units. */
function text(max: number) {
  return z
    .string()
    .min(1)
    .refine((value) => [...value].length <= max, `must have at most ${max} characters`);
}

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** HTTPS without a query. For tests, also plain HTTP to this machine and to `.invalid` hosts. */
const notifyUrl = text(255).refine((value) => {
  if (!URL.canParse(value) || value.includes('?') || value.includes('#')) return false;
  const { protocol, hostname } = new URL(value);
  return protocol === 'https:' || (protocol === 'http:' && (loopback.has(hostname) || hostname.endsWith('.invalid')));
}, 'must be a public HTTPS URL without a query');

const fen = z.int('must be a whole number of fen').min(1);
const cny = z.literal('CNY', 'must be CNY');

const order = z.object({
  appid: text(32),
  mchid: text(32),
  description: text(127),
  out_trade_no: z.string().regex(/^[0-9A-Za-z_\-|*]{6,32}$/, 'must be 6 to 32 of [0-9A-Za-z_-|*]'),
  time_expire: z
    .string()
    .refine((value) => parseRfc3339(value) !== null, 'must be RFC 3339 with a zone')
    .optional(),
  attach: z
    .string()
    .refine((value) => [...value].length <= 128, 'must have at most 128 characters')
    .optional(),
  notify_url: notifyUrl,
  amount: z.object({ total: fen, currency: cny.optional() }),
});

const nativeInput = order;
const jsapiInput = order.extend({ payer: z.object({ openid: text(128) }) });
const h5Input = order.extend({
  scene_info: z.object({
    payer_client_ip: z.string().refine((value) => isIP(value) !== 0, 'must be an IP address'),
    h5_info: z.object({ type: z.enum(['iOS', 'Android', 'Wap']) }),
  }),
});

const refundInput = z
  .object({
    transaction_id: text(32).optional(),
    out_trade_no: text(32).optional(),
    out_refund_no: z.string().regex(/^[0-9A-Za-z_\-|*@]{1,64}$/, 'must be 1 to 64 of [0-9A-Za-z_-|*@]'),
    reason: text(80).optional(),
    notify_url: notifyUrl.optional(),
    amount: z.object({ refund: fen, total: fen, currency: cny }),
  })
  .refine((input) => input.transaction_id !== undefined || input.out_trade_no !== undefined, {
    path: ['transaction_id'],
    message: 'transaction_id or out_trade_no is required',
  });

const closeInput = z.object({ mchid: text(32) });

export type OrderInput = z.infer<typeof order>;
export type RefundInput = z.infer<typeof refundInput>;

/** A parsed body, and its canonical form, which identifies a repeated request. */
export type ParsedRequest<T> = { readonly input: T; readonly canonical: string };

/** The reader of each request body. Unknown fields are ignored. @throws {WechatpayRefusal} 400 PARAM_ERROR that names the field. */
export const readInput = {
  native: reader(nativeInput),
  jsapi: reader(jsapiInput),
  h5: reader(h5Input),
  refund: reader(refundInput),
  close: reader(closeInput),
};

function reader<T extends z.ZodType>(schema: T): (body: string) => ParsedRequest<z.infer<T>> {
  return (body) => {
    const value = parseJson(body);
    const parsed = schema.safeParse(value);
    if (parsed.success) return { input: parsed.data, canonical: canonicalJson(value) };
    const [issue] = parsed.error.issues;
    throw paramError(`/${issue?.path.join('/') ?? ''}`, issue?.message ?? 'is wrong');
  };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    const refusal = new WechatpayRefusal(400, 'PARAM_ERROR', '请求的JSON格式错误');
    refusal.cause = cause;
    throw refusal;
  }
}

/** JSON with sorted names. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
