import type { Clock } from '../clock.ts';
import { type HttpRequest, headerOf } from '../http.ts';
import { signError, WechatpayRefusal } from './errors.ts';
import { signatureType, signedText, verifies } from './signing.ts';
import type { WechatpayOptions } from './state.ts';

/** The allowed clock skew in both directions. */
export const skewSecondsMax = 300;

type Credentials = {
  readonly mchid: string;
  readonly serial_no: string;
  readonly nonce_str: string;
  readonly timestamp: string;
  readonly signature: string;
};

const names = ['mchid', 'serial_no', 'nonce_str', 'timestamp', 'signature'] as const;

/** Verifies the merchant, the timestamp, the nonce and the signature of a request. */
export class RequestGuard {
  #options: WechatpayOptions;
  #clock: Clock;
  /** The used nonces and the second in which each expires. They are in memory only: a restart forgets them. */
  #usedNonces = new Map<string, number>();

  constructor(options: WechatpayOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** @throws {WechatpayRefusal} 400 for a missing header, 401 for an invalid signature. */
  check(request: HttpRequest): void {
    const credentials = readAuthorization(headerOf(request, 'authorization'));
    const { mchId, merchantSerial, merchantPublicKey } = this.#options;
    if (credentials.mchid !== mchId) throw signError('mchid is unknown');
    if (credentials.serial_no !== merchantSerial) throw signError('serial_no is unknown');
    if (!/^[\x21-\x7e]{16,32}$/.test(credentials.nonce_str)) throw signError('nonce_str must have 16 to 32 characters');
    this.#checkTime(credentials.timestamp);
    const target = request.query === '' ? request.path : `${request.path}?${request.query}`;
    const text = signedText([request.method, target, credentials.timestamp, credentials.nonce_str, request.body]);
    if (!verifies(merchantPublicKey, text, credentials.signature)) throw signError('sign not match');
    this.#claim(credentials.nonce_str);
    checkHeaders(request);
  }

  #checkTime(timestamp: string): void {
    if (!/^\d{1,12}$/.test(timestamp)) throw signError('timestamp must be Unix seconds');
    const skew = Math.abs(Number(timestamp) - this.#clock.wireSeconds());
    if (skew > skewSecondsMax) throw signError('timestamp is expired');
  }

  #claim(nonce: string): void {
    const now = this.#clock.wireSeconds();
    for (const [old, untilSeconds] of this.#usedNonces) {
      if (untilSeconds >= now) break; // oldest first
      this.#usedNonces.delete(old);
    }
    if (this.#usedNonces.has(nonce)) throw signError('nonce_str was used before');
    this.#usedNonces.set(nonce, now + 2 * skewSecondsMax);
  }
}

/** @throws {WechatpayRefusal} 401 unless the header has the right scheme and its five quoted values, each once. */
function readAuthorization(header: string | undefined): Credentials {
  if (header === undefined) throw signError('the Authorization header is missing');
  const [scheme, ...rest] = header.split(' ');
  if (scheme !== signatureType) throw signError(`the scheme must be ${signatureType}`);
  const pairs = rest
    .join(' ')
    .split(',')
    .map((part) => /^\s*([a-z_]+)="([^"]*)"\s*$/.exec(part));
  const values = new Map(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
  if (pairs.length !== names.length || !names.every((name) => values.has(name))) {
    throw signError(`Authorization must hold ${names.join(', ')}`);
  }
  const value = (name: (typeof names)[number]): string => values.get(name) ?? '';
  return {
    mchid: value('mchid'),
    serial_no: value('serial_no'),
    nonce_str: value('nonce_str'),
    timestamp: value('timestamp'),
    signature: value('signature'),
  };
}

function checkHeaders(request: HttpRequest): void {
  const accept = headerOf(request, 'accept') ?? '';
  const mayBeJson = accept
    .split(',')
    .some((type) => /^\s*(application\/json|\*\/\*|application\/\*)\s*(;|$)/.test(type));
  if (!mayBeJson) throw headerRefused('Http头缺少Accept或值不是application/json');
  if ((headerOf(request, 'user-agent') ?? '') === '') throw headerRefused('Http头缺少Accept或User-Agent');
  const type = headerOf(request, 'content-type') ?? '';
  if (request.method !== 'GET' && !/^application\/json\s*(;|$)/i.test(type)) {
    throw headerRefused('Http头Content-Type必须是application/json');
  }
}

function headerRefused(message: string): WechatpayRefusal {
  return new WechatpayRefusal(400, 'PARAM_ERROR', message);
}
