import { createDecipheriv, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { createServer } from 'node:http';
import { onTestFinished } from 'vitest';
import type { CallbackRequest } from '../../sandbox/callback-post.ts';
import type { Json } from '../../sandbox/control-input.ts';
import type { InProcessRequest } from '../../sandbox/in-process.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/server.ts';
import type { WechatpayOptions } from '../../sandbox/wechatpay/provider.ts';
import { selfSigned } from './wechatpay-certificate.ts';

export const startsAt = new Date('2027-01-01T02:00:00Z'); // ten o'clock in Beijing
export const startSeconds = startsAt.getTime() / 1000;
export const secondMs = 1000;
export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

export const appId = 'wx8888888888888888';
export const mchId = '1900000109';
export const merchantSerial = '1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C';
export const publicKeySerial = 'PUB_KEY_ID_0119000001092027010100000000000000';
export const certificateSerial = '5157F09EFDC096DE15EBE81A47057A7232F1B8E1';
export const apiV3Key = 'an APIv3 key of 32 ASCII letters'.replaceAll(' ', '_');
export const notifyUrl = 'https://shop.example/webhooks/wechatpay';

const rsa = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
const merchant = rsa();
const byPublicKey = rsa();
const byCertificate = rsa();
export const certificate = selfSigned(byCertificate.privateKey, certificateSerial);

const platformPublicKeys = new Map([
  [publicKeySerial, byPublicKey.publicKey],
  [certificateSerial, byCertificate.publicKey],
]);

export const wechatpay: WechatpayOptions = {
  appId,
  mchId,
  merchantSerial,
  merchantPublicKey: merchant.publicKey,
  apiV3Key,
  platformKeys: [
    { serial: publicKeySerial, privateKey: byPublicKey.privateKey },
    { serial: certificateSerial, privateKey: byCertificate.privateKey, certificate },
  ],
};

/** The signed text in both directions: each line ends with a line feed. */
function lines(...parts: readonly (string | number)[]): string {
  return parts.map((part) => `${part}\n`).join('');
}

export function merchantSignature(...parts: readonly (string | number)[]): string {
  return sign('sha256', Buffer.from(lines(...parts)), merchant.privateKey).toString('base64');
}

/** Parts of a request that a test changes. `undefined` removes a header. */
export type Bent = {
  readonly scheme?: string;
  readonly mchid?: string;
  readonly serial?: string;
  readonly timestamp?: number | string;
  readonly nonce?: string;
  /** Signed instead of the sent parts. */
  readonly signed?: { readonly method?: string; readonly target?: string; readonly body?: string };
  readonly headers?: Readonly<Record<string, string | undefined>>;
};

/** A request as the merchant's program sends it. */
export function signedRequest(
  method: 'GET' | 'POST',
  target: string,
  body: string,
  nowSeconds: number,
  bent: Bent = {},
): InProcessRequest {
  const { scheme = 'WECHATPAY2-SHA256-RSA2048', mchid = mchId, serial = merchantSerial } = bent;
  const { timestamp = nowSeconds, nonce = randomBytes(16).toString('hex'), signed = {} } = bent;
  const parts = [signed.method ?? method, signed.target ?? target, timestamp, nonce, signed.body ?? body] as const;
  const values = { mchid, nonce_str: nonce, timestamp, serial_no: serial, signature: merchantSignature(...parts) };
  const credentials = Object.entries(values).map(([name, value]) => `${name}="${value}"`);
  const headers: Record<string, string | undefined> = {
    Authorization: `${scheme} ${credentials.join(',')}`,
    Accept: 'application/json',
    'User-Agent': 'rig/1.0',
    ...(method === 'POST' && { 'Content-Type': 'application/json' }),
    ...bent.headers,
  };
  const sent = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return { method, path: target, headers: Object.fromEntries(sent), body };
}

/** Verifies the signature headers of a body with the key that they name. */
export function isSigned(headers: Readonly<Record<string, string | undefined>>, body: string): boolean {
  const at = (name: string): string => headers[`wechatpay-${name}`] ?? '';
  const key = platformPublicKeys.get(at('serial'));
  if (key === undefined || at('signature-type') !== 'WECHATPAY2-SHA256-RSA2048') return false;
  const text = Buffer.from(lines(at('timestamp'), at('nonce'), body));
  return verify('sha256', text, key, Buffer.from(at('signature'), 'base64'));
}

// biome-ignore lint/suspicious/noExplicitAny: responses of a foreign API, for tests only
type AnyJson = any;

/** @throws when the tag does not verify. */
export function decrypt(resource: AnyJson): string {
  const bytes = Buffer.from(resource.ciphertext, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', Buffer.from(apiV3Key), Buffer.from(resource.nonce), {
    authTagLength: 16,
  });
  decipher.setAAD(Buffer.from(resource.associated_data ?? ''));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8');
}

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly json: AnyJson;
  readonly verified: boolean;
};

/** A received notification; `plaintext` is null when it cannot be decrypted. */
export type Received = {
  readonly url: string;
  readonly atMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly verified: boolean;
  readonly envelope: AnyJson;
  readonly plaintext: AnyJson;
};

export type WechatpayRig = {
  readonly sandbox: Sandbox;
  readonly received: readonly Received[];
  /** The response to notifications. Default: 204. */
  answerWith: { readonly status: number; readonly body: string };
  get(target: string, bent?: Bent): Promise<Answer>;
  post(target: string, body: object, bent?: Bent): Promise<Answer>;
  /** Sends a request and returns its result. */
  outcome(request: InProcessRequest): Promise<Answer | 'unanswered' | 'reset'>;
  control(path: string, body?: object): Promise<Json>;
  nowSeconds(): number;
};

/** A sandbox in virtual time, a merchant that calls it in process, and the received notifications. */
export async function openWechatpay(options: Partial<SandboxOptions> = {}): Promise<WechatpayRig> {
  const received: Received[] = [];
  const sandbox = await startSandbox({
    port: null,
    dataDir: null,
    seed: 1,
    stripe: { secretKey: 'sk_test_rig', publishableKey: 'pk_test_rig', webhookSecret: 'whsec_rig', webhookUrl: null },
    wechatpay,
    virtualTime: { startsAt },
    post: async (request) => {
      received.push(judge(request, sandbox.now().getTime()));
      return rig.answerWith;
    },
    ...options,
  });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await sandbox.close();
    isOpen = false;
  };
  onTestFinished(close);
  const outcome: WechatpayRig['outcome'] = async (request) => {
    const answer = await sandbox.request(request);
    return typeof answer === 'string' ? answer : readAnswer(answer);
  };
  const answered = async (request: InProcessRequest): Promise<Answer> => {
    const answer = await outcome(request);
    if (typeof answer === 'string') throw new Error(answer);
    return answer;
  };
  const nowSeconds = (): number => Math.floor(sandbox.now().getTime() / 1000);
  const rig: WechatpayRig = {
    sandbox: { ...sandbox, close },
    received,
    answerWith: { status: 204, body: '' },
    outcome,
    get: (target, bent) => answered(signedRequest('GET', target, '', nowSeconds(), bent)),
    post: (target, body, bent) => answered(signedRequest('POST', target, JSON.stringify(body), nowSeconds(), bent)),
    control: (path, body) => sandbox.control(path, body),
    nowSeconds,
  };
  return rig;
}

function readAnswer(answer: { status: number; headers: Readonly<Record<string, string>>; body: string }): Answer {
  const isJson = (answer.headers['content-type'] ?? '').startsWith('application/json') && answer.body.startsWith('{');
  return {
    ...answer,
    json: isJson ? JSON.parse(answer.body) : null,
    verified: isSigned(answer.headers, answer.body),
  };
}

/** Reads and verifies a notification. */
export function judge({ url, headers, body }: CallbackRequest, atMs: number): Received {
  const lowerCased = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const envelope = JSON.parse(body);
  return {
    ...{ url, atMs, body, envelope, headers: lowerCased },
    verified: isSigned(lowerCased, body),
    plaintext: decryptedOrNull(envelope.resource),
  };
}

function decryptedOrNull(resource: AnyJson): AnyJson {
  try {
    return JSON.parse(decrypt(resource));
  } catch {
    return null;
  }
}

/** A merchant's server on a free port; `first` is the first notification that it gets. */
export async function openMerchantServer(): Promise<{ readonly url: string; readonly first: Promise<Received> }> {
  let arrived: (one: Received) => void;
  const first = new Promise<Received>((resolve) => {
    arrived = resolve;
  });
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(204).end();
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      arrived(judge({ url: request.url ?? '', headers, body: Buffer.concat(chunks).toString('utf8') }, Date.now()));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/webhooks/wechatpay`, first };
}

/** A request by HTTP, in real time. */
export async function fetchSigned(
  url: string,
  method: 'GET' | 'POST',
  target: string,
  body = '',
): Promise<Answer & { readonly bytes: Buffer }> {
  const { headers } = signedRequest(method, target, body, Math.floor(Date.now() / 1000));
  const answer = await fetch(`${url}${target}`, { method, headers: headers ?? {}, ...(method === 'POST' && { body }) });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const read = { status: answer.status, headers: Object.fromEntries(answer.headers), body: bytes.toString('utf8') };
  return { ...readAnswer(read), bytes };
}

export const orderNumber = 'pay_01jgfz0000e00800000000000a';

export const order = {
  appid: appId,
  mchid: mchId,
  description: 'Tea, green',
  out_trade_no: orderNumber,
  notify_url: notifyUrl,
  amount: { total: 1000, currency: 'CNY' },
};

export const paths = {
  native: '/v3/pay/transactions/native',
  jsapi: '/v3/pay/transactions/jsapi',
  h5: '/v3/pay/transactions/h5',
  refunds: '/v3/refund/domestic/refunds',
  query: `/v3/pay/transactions/out-trade-no/${orderNumber}?mchid=${mchId}`,
  close: `/v3/pay/transactions/out-trade-no/${orderNumber}/close`,
  buyer: `/control/wechatpay/buyer/${orderNumber}`,
};

/** A paid order whose notification is not sent yet. */
export async function paidOrder(rig: WechatpayRig, change: object = {}): Promise<AnyJson> {
  await rig.post(paths.native, { ...order, ...change });
  await rig.control(paths.buyer, { action: 'pay' });
  return (await rig.get(paths.query)).json;
}

export function refundOf(number: string, refundFen: number, change: object = {}): object {
  const amount = { refund: refundFen, total: 1000, currency: 'CNY' };
  return { out_trade_no: orderNumber, out_refund_no: number, amount, ...change };
}
