import { verify } from 'node:crypto';
import type { InProcessRequest, InProcessResponse } from '../../sandbox/in-process.ts';
import { alipayPublicKey, wechatpayPublicKey } from './provider-keys.ts';

/** One request to a provider, and its outcome. */
export type Exchange = {
  /** The subject: our payment or refund id, or for Stripe the suffix of our idempotency key. Null for other requests. */
  readonly about: string | null;
  readonly kind: 'change' | 'question';
  readonly outcome: Outcome;
};

/** `unanswered` includes answers that cannot be trusted. `refused` is final. `unknownThere`: the provider has no such object. */
type Outcome = 'unanswered' | 'refused' | 'unknownThere' | 'answered';

/** Classifies a request and its answer (null for none), from the provider's protocol and independently of the adapters. */
export function exchangeOf(request: InProcessRequest, answer: InProcessResponse | null): Exchange {
  const [path = ''] = request.path.split('?');
  if (path === '/gateway.do') return exchangeWithAlipay(request, answer);
  return path.startsWith('/v3/') ? exchangeWithWechatpay(request, path, answer) : exchangeWithStripe(request, answer);
}

function exchangeWithStripe({ headers }: InProcessRequest, answer: InProcessResponse | null): Exchange {
  const about = headers?.['Idempotency-Key'] ?? null;
  const outcome = (): Outcome => {
    if (answer === null) return 'unanswered';
    const { status } = answer;
    return status >= 400 && status < 500 && status !== 409 && status !== 429 ? 'refused' : 'answered';
  };
  return { about, kind: about === null ? 'question' : 'change', outcome: outcome() };
}

const alipayChanges = ['alipay.trade.precreate', 'alipay.trade.close', 'alipay.trade.refund'];

function exchangeWithAlipay({ path, body = '' }: InProcessRequest, answer: InProcessResponse | null): Exchange {
  const [, query = ''] = path.split('?');
  const params = new URLSearchParams(`${query}&${body}`);
  const method = params.get('method') ?? '';
  const biz = JSON.parse(params.get('biz_content') ?? '{}') as Readonly<Record<string, string>>;
  return {
    about: biz.out_request_no ?? biz.out_trade_no ?? null,
    kind: alipayChanges.includes(method) ? 'change' : 'question',
    outcome: alipayOutcome(method, answer),
  };
}

function alipayOutcome(method: string, answer: InProcessResponse | null): Outcome {
  const [, node = '', sign = ''] = /^\{"\w+":(\{.*\}),"sign":"([^"]+)"\}$/s.exec(answer?.body ?? '') ?? [];
  const isGbk = /charset=gbk/i.test(answer?.headers['content-type'] ?? '');
  const bytes = Buffer.from(node, isGbk ? 'latin1' : 'utf8');
  if (!verify('sha256', bytes, alipayPublicKey, Buffer.from(sign, 'base64'))) return 'unanswered';
  const { code, sub_code: subCode = '' } = JSON.parse(new TextDecoder(isGbk ? 'gbk' : 'utf-8').decode(bytes)) as {
    readonly code: string;
    readonly sub_code?: string;
  };
  if (code === '10000') return 'answered';
  if (code !== '40004' || subCode.endsWith('SYSTEM_ERROR')) return 'unanswered';
  if (subCode === 'ACQ.TRADE_NOT_EXIST') return 'unknownThere';
  return alipayChanges.includes(method) && method !== 'alipay.trade.close' ? 'refused' : 'answered';
}

function exchangeWithWechatpay(
  { method, body = '' }: InProcessRequest,
  path: string,
  answer: InProcessResponse | null,
): Exchange {
  const sent = (body === '' ? {} : JSON.parse(body)) as Readonly<Record<string, unknown>>;
  const [, inPath] = /\/out-trade-no\/([^/]+)/.exec(path) ?? /\/refund\/domestic\/refunds\/([^/]+)/.exec(path) ?? [];
  const about = sent.out_refund_no ?? sent.out_trade_no ?? inPath;
  const kind = method === 'GET' ? 'question' : 'change';
  return {
    about: typeof about === 'string' ? about : null,
    kind,
    outcome: wechatpayOutcome(kind === 'change' && !path.endsWith('/close') ? 'making' : 'other', answer),
  };
}

function wechatpayOutcome(of: 'making' | 'other', answer: InProcessResponse | null): Outcome {
  if (answer === null || !isSignedByWechatpay(answer)) return 'unanswered';
  const { status } = answer;
  if (status === 200 || status === 204) return 'answered';
  if (status < 400 || status >= 500 || status === 401 || status === 429) return 'unanswered';
  if (of === 'making') return 'refused';
  return status === 404 ? 'unknownThere' : 'answered';
}

function isSignedByWechatpay({ headers, body }: InProcessResponse): boolean {
  const at = (name: string): string => headers[`wechatpay-${name}`] ?? '';
  const text = `${at('timestamp')}\n${at('nonce')}\n${body}\n`;
  return verify('sha256', Buffer.from(text), wechatpayPublicKey, Buffer.from(at('signature'), 'base64'));
}
