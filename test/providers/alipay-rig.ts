import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import iconv from 'iconv-lite';
import { newId } from '../../src/domain/ids.ts';
import { createAlipayProvider } from '../../src/providers/alipay/adapter.ts';
import type { AlipayConfig } from '../../src/providers/alipay/config.ts';
import type { PaymentOrder, PaymentProvider, RefundOrder } from '../../src/providers/provider.ts';

/** Throw-away keys and certificates, made by the openssl CLI for these tests. */
export const fixture = (name: string): string =>
  readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8').trim();

export const appPrivatePem = fixture('alipay-app-key.pem');
export const appPublicPem = createPublicKey(appPrivatePem).export({ type: 'spki', format: 'pem' }).toString();
/** What Alipay signs by. */
export const alipayPrivateKey = createPrivateKey(fixture('alipay-key.pem'));
export const alipayPublicPem = createPublicKey(alipayPrivateKey).export({ type: 'spki', format: 'pem' }).toString();

export const now = new Date('2026-11-21T00:00:00.400Z');
export const notifyUrl = 'https://pay.example/webhooks/alipay';

export const config: AlipayConfig = {
  appId: '2021000000000001',
  sellerId: '2088000000000001',
  privateKey: createPrivateKey(appPrivatePem),
  alipayKeys: [{ publicKey: createPublicKey(alipayPublicPem), certSn: null }],
  certificates: null,
  gateway: 'http://127.0.0.1:9/gateway.do',
};

export function openProvider(changed: Partial<AlipayConfig> & { readonly now?: () => Date } = {}): PaymentProvider {
  return createAlipayProvider({ ...config, now: () => now, notifyUrl, ...changed });
}

/** RSA2, by Node. */
export function rsa2(text: string | Buffer, key = alipayPrivateKey): string {
  return sign('RSA-SHA256', typeof text === 'string' ? Buffer.from(text, 'utf8') : text, key).toString('base64');
}

/** Characters whose second byte in GBK is a backslash, a bracket or a brace, and one of four bytes. */
export const trickyInGbk = '乗乕乚亄亇亜 誠﹏龥 㐀 钱€';

export type Form = Readonly<Record<string, string>>;

/** What is signed of a callback, written once more by the fact sheet. */
export function signedText(fields: Form): string {
  const names = Object.keys(fields).filter((name) => name !== 'sign' && name !== 'sign_type');
  return names
    .sort()
    .map((name) => `${name}=${fields[name]}`)
    .join('&');
}

export function signedForm(fields: Form, key = alipayPrivateKey): Buffer {
  return formOf({ ...fields, sign_type: 'RSA2', sign: rsa2(signedText(fields), key) });
}

/** The same in GBK, as the field `charset` says, signed over the bytes. */
export function signedGbkForm(fields: Form, key = alipayPrivateKey): Buffer {
  const signature = rsa2(iconv.encode(signedText(fields), 'gb18030'), key);
  const escaped = (text: string) =>
    iconv.encode(text, 'gb18030').reduce((form, byte) => `${form}%${byte.toString(16).padStart(2, '0')}`, '');
  const pairs = Object.entries({ ...fields, sign_type: 'RSA2', sign: signature });
  return Buffer.from(pairs.map(([name, value]) => `${escaped(name)}=${escaped(value)}`).join('&'), 'latin1');
}

export function formOf(fields: Form): Buffer {
  return Buffer.from(new URLSearchParams(fields).toString(), 'latin1');
}

/** One call as the gateway sees it, its query and its body together. */
export type Call = {
  readonly method: string;
  readonly biz: Readonly<Record<string, string>>;
  readonly parameters: Form;
};
export type Answer =
  | { readonly status?: number; readonly text: string | Buffer; readonly contentType?: string }
  /** Signed as it is, unless `sign` says otherwise. `key`: the member it comes as; the method's own when left out. */
  | { readonly node: object | string; readonly key?: string; readonly sign?: string | null }
  | 'reset';

export type Gateway = {
  readonly url: string;
  readonly calls: Call[];
  /** What the next calls are answered, one each. */
  answer(...answers: readonly Answer[]): void;
  close(): Promise<void>;
};

/** A gateway that answers as it is told, on a port of its own. */
export async function openGateway(): Promise<Gateway> {
  const calls: Call[] = [];
  const answers: Answer[] = [];
  const server = createServer(async (request, response) => {
    const call = await readCall(request);
    calls.push(call);
    const answer = answers.shift() ?? { status: 500, text: 'No answer was prepared.' };
    if (answer === 'reset') return request.socket.destroy();
    const sent = 'text' in answer ? answer : { text: textOf(call, answer) };
    const { status = 200, text, contentType = 'text/html;charset=utf-8' } = sent;
    response.writeHead(status, { 'content-type': contentType, trace_id: '0b26ef6a' });
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/gateway.do`,
    calls,
    answer(...next) {
      answers.push(...next);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readCall(request: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const query = new URL(request.url ?? '/', 'http://gateway').searchParams;
  const parameters = Object.fromEntries([...query, ...new URLSearchParams(Buffer.concat(chunks).toString('utf8'))]);
  return { method: parameters.method ?? '', biz: JSON.parse(parameters.biz_content ?? '{}'), parameters };
}

function textOf({ method }: Call, answer: Extract<Answer, { node: object | string }>): string {
  const node = typeof answer.node === 'string' ? answer.node : JSON.stringify(answer.node).replaceAll('/', '\\/');
  const key = answer.key ?? `${method.replaceAll('.', '_')}_response`;
  const signature = answer.sign === undefined ? rsa2(node) : answer.sign;
  return signature === null ? `{"${key}":${node}}` : `{"${key}":${node},"sign":"${signature}"}`;
}

export function done(fields: object): Answer {
  return { node: { code: '10000', msg: 'Success', ...fields } };
}

export function refused(subCode: string, code = '40004'): Answer {
  return { node: { code, msg: 'Business Failed', sub_code: subCode, sub_msg: '交易失败' } };
}

export function anOrder(facts: Partial<PaymentOrder> = {}): PaymentOrder {
  return {
    paymentId: newId('payment'),
    orderNumber: 'A-1',
    flow: 'QR_CODE',
    amountMinor: 1230n,
    currency: 'CNY',
    captureMode: 'AUTOMATIC',
    description: '两张票',
    returnUrl: 'https://shop.example/thanks?order=A-1',
    openId: null,
    buyerIp: null,
    createdAt: now,
    expiresAt: new Date(now.getTime() + 30 * 60_000),
    providerPaymentId: null,
    providerReference: null,
    ...facts,
  };
}

export function aRefund({ paymentId }: Pick<PaymentOrder, 'paymentId'>, facts: Partial<RefundOrder> = {}): RefundOrder {
  return {
    refundId: newId('refund'),
    paymentId,
    amountMinor: 230n,
    currency: 'CNY',
    capturedMinor: 1230n,
    reason: 'One ticket too many',
    createdAt: now,
    providerPaymentId: null,
    providerRefundId: null,
    ...facts,
  };
}

/** What the gateway says of an order's trade. */
export function aTrade({ paymentId }: Pick<PaymentOrder, 'paymentId'>, facts: object = {}): Answer {
  return done({
    ...{ out_trade_no: paymentId, trade_no: '2026112122001400010000000001' },
    ...{ trade_status: 'WAIT_BUYER_PAY', total_amount: '12.30', buyer_logon_id: 'buy***@example.com', ...facts },
  });
}
