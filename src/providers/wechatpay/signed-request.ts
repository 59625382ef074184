import { after } from '../../domain/clock.ts';
import { NotSentError } from '../http-request.ts';
import { MisconfiguredError } from '../provider.ts';
import { authorizationOf, type Signer } from './signature.ts';
import { isConnectionFailure, type Send, type WechatpayReply } from './transport.ts';

export type SignedRequest = {
  readonly method: 'GET' | 'POST';
  /** The path with the query. */
  readonly target: string;
  /** Empty for a GET. */
  readonly body: string;
  /** The platform key with which WeChat Pay is asked to sign its answer; null for WeChat Pay's choice. */
  readonly platformSerial: string | null;
};

/** Signs and sends a request. The answer is not verified yet. @throws the errors of `Send`. */
export type SendSigned = (request: SignedRequest, signal: AbortSignal) => Promise<WechatpayReply>;

const realHost = 'api.mch.weixin.qq.com';
const secondHost = 'api2.mch.weixin.qq.com';
const requestTimeoutMs = 10_000;
/** The limit for the first of two hosts: the check of a payment has 20 seconds for up to three calls. */
const firstHostTimeoutMs = 4000;
/** How long the second host is tried first after the first one failed. */
const avoidFirstHostMs = 5 * 60_000;
const configurationRetryAfterMs = 30_000;

export function createSendSigned(options: {
  readonly signer: Signer;
  /** The URL of WeChat Pay's API, `https://api.mch.weixin.qq.com/`, or of a sandbox. */
  readonly baseUrl: string;
  readonly send: Send;
  readonly now: () => Date;
}): SendSigned {
  const { signer, baseUrl, send, now } = options;
  const base = new URL(baseUrl);
  let avoidFirstHostUntil = new Date(0);

  async function signed(request: Parameters<typeof authorizationOf>[1]): Promise<string> {
    try {
      return await authorizationOf(signer, request, now());
    } catch (cause) {
      const message = 'WeChat Pay cannot be called: the request could not be signed; check WECHATPAY_PRIVATE_KEY.';
      throw new MisconfiguredError(message, configurationRetryAfterMs, { cause });
    }
  }

  type SendTo = (host: string, timeoutMs: number) => Promise<WechatpayReply>;

  /**
   * Sends to one host and, after a connection failure, to the other one, with the same number. WeChat Pay executes a
   * number once, even if both hosts receive it.
   */
  async function sendToEither(sendTo: SendTo, signal: AbortSignal): Promise<WechatpayReply> {
    const isFirstAvoided = now() < avoidFirstHostUntil;
    try {
      return await (isFirstAvoided ? sendTo(secondHost, requestTimeoutMs) : sendTo(realHost, firstHostTimeoutMs));
    } catch (error) {
      if (signal.aborted || !isConnectionFailure(error)) throw error;
      avoidFirstHostUntil = isFirstAvoided ? new Date(0) : after(now(), avoidFirstHostMs);
      return sendTo(isFirstAvoided ? realHost : secondHost, requestTimeoutMs).catch((again: unknown) => {
        // An unreachable second host says nothing about the first request, which may have been executed.
        throw again instanceof NotSentError ? error : again;
      });
    }
  }

  return ({ method, target, body, platformSerial }, signal) => {
    const url = new URL(target, base);
    const sendTo: SendTo = async (host, timeoutMs) => {
      url.host = host;
      const headers = {
        Authorization: await signed({ method, target: url.pathname + url.search, body }),
        Accept: 'application/json',
        'Content-Type': 'application/json',
        'User-Agent': 'paystream',
        ...(platformSerial !== null && { 'Wechatpay-Serial': platformSerial }),
      };
      return send({ method, url: url.href, headers, body, timeoutMs }, signal);
    };
    return base.host === realHost ? sendToEither(sendTo, signal) : sendTo(base.host, requestTimeoutMs);
  };
}
