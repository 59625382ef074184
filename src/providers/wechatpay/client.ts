import { z } from 'zod';
import { after } from '../../domain/clock.ts';
import { OutcomeUnknownError } from '../provider.ts';
import type { Refusal } from './outcome.ts';
import {
  adviceOn,
  authorizationOf,
  type PlatformKeys,
  type Signer,
  signatureFaultOf,
  signatureHeaders,
} from './signature.ts';
import { isConnectionFailure, type Send, type WechatpayReply } from './transport.ts';

export type ClientOptions = {
  readonly signer: Signer;
  readonly platformKeys: PlatformKeys;
  /** `https://api.mch.weixin.qq.com/`, or a sandbox's. */
  readonly baseUrl: string;
  readonly send: Send;
  readonly now: () => Date;
};

/** What WeChat Pay says. Whatever is accepted was signed with one of its keys. */
export type WechatpayAnswer =
  | {
      readonly kind: 'accepted';
      /** As parsed; null when there is none. */
      readonly body: unknown;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export type WechatpayClient = {
  get(target: string, signal: AbortSignal): Promise<WechatpayAnswer>;
  post(target: string, body: object, signal: AbortSignal): Promise<WechatpayAnswer>;
};

const realHost = 'api.mch.weixin.qq.com';
const secondHost = 'api2.mch.weixin.qq.com';
const requestTimeoutMs = 10_000;
/** For the first host, where a second one can be asked: a check of a payment has 20 seconds for up to three calls. */
const firstHostTimeoutMs = 4000;
/** So long the second host is asked first, once the first one was not there. */
const avoidFirstHostMs = 5 * 60_000;

const refusalSchema = z.object({ code: z.string().regex(/^[\w-]{1,64}$/) });

/** Signs requests, verifies answers. @throws {OutcomeUnknownError} where an answer does not come, or is not certainly WeChat Pay's. */
export function createClient({ signer, platformKeys, baseUrl, send, now }: ClientOptions): WechatpayClient {
  const base = new URL(baseUrl);
  const serial = serialWanted(platformKeys);
  let avoidFirstHostUntil = new Date(0);

  async function call(method: 'GET' | 'POST', target: string, body: string, signal: AbortSignal) {
    const url = new URL(target, base);
    const sendTo = (host: string, timeoutMs: number) => {
      url.host = host;
      const headers = {
        Authorization: authorizationOf(signer, { method, target: url.pathname + url.search, body }, now()),
        Accept: 'application/json',
        'Content-Type': 'application/json',
        'User-Agent': 'paystream',
        'Wechatpay-Serial': serial,
      };
      return send({ method, url: url.href, headers, body, timeoutMs }, signal);
    };
    return answerOf(
      await (base.host === realHost ? sendToEither(sendTo, signal) : sendTo(base.host, requestTimeoutMs)),
    );
  }

  type SendTo = (host: string, timeoutMs: number) => Promise<WechatpayReply>;

  /** To the one host, and when nobody is there to the other, under the same number: should both have carried it, it is done once. */
  async function sendToEither(sendTo: SendTo, signal: AbortSignal): Promise<WechatpayReply> {
    const isFirstAvoided = now() < avoidFirstHostUntil;
    try {
      return await (isFirstAvoided ? sendTo(secondHost, requestTimeoutMs) : sendTo(realHost, firstHostTimeoutMs));
    } catch (error) {
      if (signal.aborted || !isConnectionFailure(error)) throw error;
      avoidFirstHostUntil = isFirstAvoided ? new Date(0) : after(now(), avoidFirstHostMs);
      return sendTo(isFirstAvoided ? realHost : secondHost, requestTimeoutMs);
    }
  }

  function answerOf(reply: WechatpayReply): WechatpayAnswer {
    const { status, headers, body } = reply;
    const requestId = /^[\w-]{1,64}$/.exec(headers['request-id'] ?? '')?.[0] ?? null;
    const isAccepted = status >= 200 && status < 300;
    // A refusal may come from a gateway that signs nothing. What is signed must be signed rightly.
    if (isAccepted || signatureHeaders.some((name) => Object.hasOwn(headers, name))) {
      const fault = signatureFaultOf(headers, Buffer.from(body, 'utf8'), platformKeys, now());
      if (fault !== null) {
        const advice = adviceOn(fault, headers);
        throw new OutcomeUnknownError(
          `WeChat Pay’s answer ${status} is not to be believed: ${fault}, request ${requestId ?? 'unnamed'}${advice === null ? '' : `; ${advice}`}.`,
        );
      }
    }
    if (isAccepted) return { kind: 'accepted', body: body === '' ? null : JSON.parse(body) };
    return { kind: 'refused', refusal: { status, code: codeIn(body), requestId } };
  }

  return {
    get: (target, signal) => call('GET', target, '', signal),
    post: (target, body, signal) => call('POST', target, JSON.stringify(body), signal),
  };
}

/** Asks WeChat Pay to sign its answers with the key of this name. While one kind of key replaces the other, the public key is the newer. */
function serialWanted(keys: PlatformKeys): string {
  const names = [...keys.keys()];
  const wanted = names.find((name) => name.startsWith('PUB_KEY_ID_')) ?? names[0];
  if (wanted === undefined) throw new RangeError('Without a key of WeChat Pay’s nothing it says can be verified.');
  return wanted;
}

function codeIn(body: string): string | null {
  try {
    return refusalSchema.parse(JSON.parse(body)).code;
  } catch {
    return null; // a page of some proxy's: no word of WeChat Pay's
  }
}
