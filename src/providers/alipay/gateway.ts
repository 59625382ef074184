import type { KeyObject } from 'node:crypto';
import { AlipayRequestError, AlipaySdk } from 'alipay-sdk';
import { z } from 'zod';
import { beijingText } from '../beijing-time.ts';
import { MisconfiguredError, NotExecutedError, OutcomeUnknownError } from '../provider.ts';
import { createBoundedDispatcher } from './bounded-dispatcher.ts';
import type { AlipayConfig } from './kind.ts';
import { isSignedAnswer } from './signed-answer.ts';

/** What Alipay answered: with what was asked for, or that its rules are against it. */
export type GatewayAnswer =
  | { readonly kind: 'done'; readonly node: unknown }
  | { readonly kind: 'refused'; readonly subCode: string };

/** Every value is text, as on the wire. */
export type BizContent = Readonly<Record<string, string>>;

export type AlipayGateway = {
  /**
   * Calls a method of Alipay's. Only an answer that Alipay has signed is one. By the signal the request is ended.
   * @throws {NotExecutedError} when it limits our rate; {MisconfiguredError} when it does not accept what we are configured with.
   * @throws {OutcomeUnknownError} when it may have happened.
   */
  call(method: string, bizContent: BizContent, signal: AbortSignal, notifyUrl?: string): Promise<GatewayAnswer>;
  /** Where a browser goes to pay. Asks nobody. */
  pageUrl(method: string, bizContent: BizContent, urls: { notifyUrl: string; returnUrl: string | null }): string;
};

const requestTimeoutMs = 15_000;
const configurationRetryAfterMs = 30_000;
const rateLimitRetryAfterMs = 2000;

const answerSchema = z.looseObject({
  code: z.string(),
  sub_code: z.string().nullish(),
  traceId: z.string().nullish(), // set by the SDK, of a header
});

export function createAlipayGateway(config: AlipayConfig & { readonly now: () => Date }): AlipayGateway {
  const { dispatcher, within } = createBoundedDispatcher(config.httpDispatcher ?? null);
  const sdk = new StrictAlipaySdk({ ...config, httpDispatcher: dispatcher });
  const timestamp = () => beijingText(config.now()); // the SDK's own is of the process's time zone
  return {
    async call(method, bizContent, signal, notifyUrl) {
      signal.throwIfAborted();
      const parameters = {
        timestamp: timestamp(),
        bizContent: { ...bizContent },
        ...(notifyUrl !== undefined && { notify_url: notifyUrl }),
      };
      try {
        const told = await within(signal, () => sdk.exec(method, parameters, { validateSign: true }));
        return readCode(answerSchema.parse(told));
      } catch (error) {
        if (!(error instanceof AlipayRequestError)) throw error;
        // Without the SDK's error itself: that has the whole body about it, and buyers in it.
        const cause = new Error(error.message, { cause: error.cause });
        throw new OutcomeUnknownError('Alipay did not answer, or not by its protocol.', { cause });
      }
    },
    pageUrl(method, bizContent, { notifyUrl, returnUrl }) {
      // GET: the form of the SDK's POST escapes too little, and a browser that unescapes a subject breaks the signature.
      return sdk.pageExecute(method, 'GET', {
        timestamp: timestamp(),
        bizContent: { ...bizContent },
        notify_url: notifyUrl,
        ...(returnUrl !== null && { return_url: returnUrl }),
      });
    },
  };
}

/**
 * The SDK, with its check of answers replaced by ours. Its own refuses every `error_response`, for it looks for another name, and takes
 * an answer in which a second, unsigned node of the same name follows the signed one.
 */
class StrictAlipaySdk extends AlipaySdk {
  readonly #alipayPublicKey: KeyObject;
  /** The variable that the key comes from. */
  readonly #keyName: string;

  constructor({ appId, privateKey, alipayPublicKey, certificates, gateway, httpDispatcher }: AlipayConfig) {
    super({
      appId,
      gateway,
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      keyType: 'PKCS8', // the SDK's default fits PKCS#1 only
      timeout: requestTimeoutMs,
      camelcase: false,
      ...(certificates === null
        ? { alipayPublicKey: alipayPublicKey.export({ type: 'spki', format: 'pem' }).toString() }
        : {
            appCertContent: certificates.app,
            alipayPublicCertContent: certificates.alipay,
            alipayRootCertContent: certificates.root,
          }),
      ...(httpDispatcher !== undefined && { proxyAgent: httpDispatcher }),
    });
    this.#alipayPublicKey = alipayPublicKey;
    this.#keyName = certificates === null ? 'ALIPAY_PUBLIC_KEY' : 'ALIPAY_CERT';
  }

  override checkResponseSign(text: string, responseKey: string): void {
    if (isSignedAnswer(text, responseKey, this.#alipayPublicKey)) return;
    const claims = claimsOf(text);
    const cause = new Error(`Unproven, it says: ${claims.join(' ') || 'nothing that we know'}.`);
    // To an app that it does not know Alipay signs nothing.
    const advice = claims.includes('isv.invalid-app-id')
      ? adviceOn('isv.invalid-app-id')
      : `check ${this.#keyName}, which must be Alipay’s own and of this app`;
    throw new OutcomeUnknownError(`Alipay’s answer does not carry Alipay’s signature: ${advice}.`, { cause });
  }
}

/** The codes in an answer that nobody has signed, for our logs. */
function claimsOf(text: string): readonly string[] {
  const codes = text.matchAll(/"(?:sub_)?code"\s*:\s*"([\w.-]{1,64})"/g);
  return [...codes].slice(0, 2).map(([, code = '']) => code);
}

/** What an operator has to look at, by Alipay's sub code. */
function adviceOn(subCode: string | null): string {
  switch (subCode) {
    case 'isv.invalid-signature':
    case 'isv.missing-signature-key':
      return 'check ALIPAY_PRIVATE_KEY: its public half must be uploaded in Alipay’s console, for the app of ALIPAY_APP_ID';
    case 'isv.invalid-app-id':
    case 'isv.missing-app-id':
      return 'check ALIPAY_APP_ID, and that ALIPAY_GATEWAY is where the app was made';
    case 'isv.invalid-timestamp':
      return 'check the clock of this machine';
    case 'isv.insufficient-isv-permissions':
    case 'isv.insufficient-user-permissions':
      return 'check in Alipay’s console that the app of ALIPAY_APP_ID is online and has this product';
    default:
      return subCode !== null && /cert/.test(subCode)
        ? 'check ALIPAY_APP_CERT and ALIPAY_ROOT_CERT: they must be those of the app in Alipay’s console'
        : 'check ALIPAY_APP_ID and ALIPAY_PRIVATE_KEY, and in Alipay’s console what the app may do';
  }
}

/** @see https://opendocs.alipay.com/common/02km9f */
function readCode(answer: z.infer<typeof answerSchema>): GatewayAnswer {
  const { code, sub_code: subCode, traceId } = answer;
  if (code === '10000') return { kind: 'done', node: answer };
  const cause = new Error(`Alipay answered ${code} ${subCode ?? ''}, trace ${traceId ?? 'unknown'}.`);
  if (subCode != null && mayHaveHappened(subCode)) {
    throw new OutcomeUnknownError('Alipay failed in what we asked for.', { cause });
  }
  switch (code) {
    case '40004':
      if (subCode == null) break;
      return { kind: 'refused', subCode };
    case '40005':
      throw new NotExecutedError('Alipay is limiting our rate.', rateLimitRetryAfterMs, { cause });
    case '20001':
    case '40001':
    case '40002':
    case '40006':
      throw new MisconfiguredError(
        `Alipay does not accept our configuration: ${adviceOn(subCode ?? null)}.`,
        configurationRetryAfterMs,
        { cause },
      );
  }
  throw new OutcomeUnknownError('Alipay failed in what we asked for, or answered by a code we do not know.', { cause });
}

/**
 * Failures on Alipay's side. `AQC.SYSTEM_ERROR` is Alipay's own misspelling, and `unknow` too; `isp.bill_not_exist` is none: there is no
 * bill of that day.
 */
function mayHaveHappened(subCode: string): boolean {
  return /(^|\.)SYSTEM_ERROR$/.test(subCode) || /^(isp\.(?!bill_)|aop\.unknow)/.test(subCode);
}
