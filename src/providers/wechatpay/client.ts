import { NotSentError, notExecuted } from '../http-request.ts';
import { OutcomeUnknownError } from '../provider.ts';
import { codeIn, type Refusal } from './outcome.ts';
import type { PlatformKeyStore } from './platform-keys.ts';
import { adviceOn, type SignatureFault, signatureFaultOf, signatureHeaders } from './signature.ts';
import type { SendSigned, SignedRequest } from './signed-request.ts';
import type { WechatpayReply } from './transport.ts';

export type ClientOptions = {
  readonly sendSigned: SendSigned;
  readonly keys: PlatformKeyStore;
  readonly now: () => Date;
};

/** An answer of WeChat Pay. An accepted answer has a verified signature. */
export type WechatpayAnswer =
  | {
      readonly kind: 'accepted';
      /** The parsed body; null when it is empty. */
      readonly body: unknown;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export type WechatpayClient = {
  get(target: string, signal: AbortSignal): Promise<WechatpayAnswer>;
  post(target: string, body: object, signal: AbortSignal): Promise<WechatpayAnswer>;
};

/**
 * Signs requests and verifies answers.
 *
 * @throws {NotExecutedError} when nothing was sent; {OutcomeUnknownError} when no answer arrives, or its signature is
 * not verified.
 */
export function createClient({ sendSigned, keys, now }: ClientOptions): WechatpayClient {
  async function call(request: Omit<SignedRequest, 'platformSerial'>, signal: AbortSignal): Promise<WechatpayAnswer> {
    const platformSerial = await keys.preferredSerial();
    try {
      return await answerOf(await sendSigned({ ...request, platformSerial }, signal));
    } catch (error) {
      throw error instanceof NotSentError ? notExecuted(error, 'WeChat Pay', 'check WECHATPAY_BASE_URL') : error;
    }
  }

  async function faultOf({ headers, body }: WechatpayReply): Promise<SignatureFault | null> {
    const fault = () => signatureFaultOf(headers, Buffer.from(body, 'utf8'), keys.current(), now());
    const found = fault();
    return found === 'UNKNOWN_KEY' && (await keys.renewFor(headers['wechatpay-serial'])).isHeld ? fault() : found;
  }

  async function answerOf(reply: WechatpayReply): Promise<WechatpayAnswer> {
    const { status, headers, body } = reply;
    const requestId = /^[\w-]{1,64}$/.exec(headers['request-id'] ?? '')?.[0] ?? null;
    const isAccepted = status >= 200 && status < 300;
    // A refusal may come from a gateway that does not sign. An existing signature must be valid.
    if (isAccepted || signatureHeaders.some((name) => Object.hasOwn(headers, name))) {
      const fault = await faultOf(reply);
      if (fault !== null) {
        const advice = adviceOn(fault, headers);
        throw new OutcomeUnknownError(
          `WeChat Pay’s answer ${status} failed verification: ${fault}, request ${requestId ?? 'unnamed'}${advice === null ? '' : `; ${advice}`}.`,
        );
      }
    }
    if (isAccepted) return { kind: 'accepted', body: body === '' ? null : JSON.parse(body) };
    return { kind: 'refused', refusal: { status, code: codeIn(body), requestId } };
  }

  return {
    get: (target, signal) => call({ method: 'GET', target, body: '' }, signal),
    post: (target, body, signal) => call({ method: 'POST', target, body: JSON.stringify(body) }, signal),
  };
}
