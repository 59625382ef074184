import { AlipaySdk } from 'alipay-sdk';
import { Agent } from 'undici';
import { z } from 'zod';
import { beijingText } from '../beijing-time.ts';
import { type HttpReply, NotSentError, notExecuted, sendRequest } from '../http-request.ts';
import { MisconfiguredError, NotExecutedError, OutcomeUnknownError } from '../provider.ts';
import { type Charset, charsetNameIn, charsetOf, decode } from './charset.ts';
import type { AlipayConfig } from './config.ts';
import { verifyAnswer } from './signed-answer.ts';

/** Alipay's answer: the requested node, or a refusal by its business rules. */
export type GatewayAnswer =
  | { readonly kind: 'done'; readonly node: unknown }
  | { readonly kind: 'refused'; readonly subCode: string };

/** All values are text, as on the wire. */
export type BizContent = Readonly<Record<string, string>>;

export type AlipayGateway = {
  /**
   * Calls a method. Only a signed answer is accepted. The signal ends the request.
   *
   * @throws {NotExecutedError} when nothing was sent, or Alipay limits our rate; {MisconfiguredError} when the
   * configuration is wrong on either side.
   * @throws {OutcomeUnknownError} when the call may have been executed.
   */
  call(method: string, bizContent: BizContent, signal: AbortSignal, notifyUrl?: string): Promise<GatewayAnswer>;
  /** The URL of the payment page. Makes no request. */
  pageUrl(method: string, bizContent: BizContent, urls: { notifyUrl: string; returnUrl: string | null }): string;
};

const requestTimeoutMs = 15_000;
const configurationRetryAfterMs = 30_000;
const rateLimitRetryAfterMs = 2000;

const answerSchema = z.looseObject({ code: z.string(), sub_code: z.string().nullish() });

/**
 * The SDK signs the requests but does not send them: it would decode every answer as UTF-8 before checking the
 * signature.
 */
export function createAlipayGateway(config: AlipayConfig & { readonly now: () => Date }): AlipayGateway {
  const dispatcher = config.httpDispatcher ?? new Agent();
  const sdk = openSdk(config);
  const timestamp = () => beijingText(config.now()); // the SDK uses the time zone of the process

  function signedText(method: string, parameters: object): string {
    try {
      return sdk.sdkExecute(method, { ...parameters });
    } catch (cause) {
      const message = 'Alipay cannot be called: the request could not be signed; check ALIPAY_PRIVATE_KEY.';
      throw new MisconfiguredError(message, configurationRetryAfterMs, { cause });
    }
  }

  async function send(method: string, parameters: object, signal: AbortSignal): Promise<HttpReply> {
    const signed = new URLSearchParams(signedText(method, parameters));
    const body = new URLSearchParams({ biz_content: signed.get('biz_content') ?? '' });
    signed.delete('biz_content');
    const url = new URL(config.gateway);
    for (const [name, value] of signed) url.searchParams.set(name, value);
    const headers = {
      'content-type': 'application/x-www-form-urlencoded;charset=utf-8',
      accept: 'application/json',
      'user-agent': 'paystream',
    };
    const request = {
      method: 'POST',
      url: url.href,
      headers,
      body: body.toString(),
      timeoutMs: requestTimeoutMs,
    } as const;
    try {
      return await sendRequest(dispatcher, request, signal);
    } catch (error) {
      if (signal.aborted || !isReset(error)) throw error;
      // Most likely an idle connection was closed at that moment. The request is repeated with the same number.
      return sendRequest(dispatcher, request, signal).catch((again: unknown) => {
        throw again instanceof NotSentError ? error : again;
      });
    }
  }

  return {
    async call(method, bizContent, signal, notifyUrl) {
      signal.throwIfAborted();
      const parameters = {
        timestamp: timestamp(),
        bizContent: { ...bizContent },
        ...(notifyUrl !== undefined && { notify_url: notifyUrl }),
      };
      let reply: HttpReply;
      try {
        reply = await send(method, parameters, signal);
      } catch (error) {
        if (error instanceof NotSentError) throw notExecuted(error, 'Alipay', 'check ALIPAY_GATEWAY');
        throw error instanceof MisconfiguredError ? error : noAnswer(error);
      }
      return readCode(answerOf(reply, `${method.replaceAll('.', '_')}_response`), traceIn(reply));
    },
    pageUrl(method, bizContent, { notifyUrl, returnUrl }) {
      // GET, because the SDK's POST form does not escape all characters: a browser that unescapes the subject breaks
      // the signature.
      return sdk.pageExecute(method, 'GET', {
        timestamp: timestamp(),
        bizContent: { ...bizContent },
        notify_url: notifyUrl,
        ...(returnUrl !== null && { return_url: returnUrl }),
      });
    },
  };

  /** Verifies and parses the signed node, in the charset that the answer declares. @throws {OutcomeUnknownError} */
  function answerOf({ status, headers, body }: HttpReply, responseKey: string): z.infer<typeof answerSchema> {
    if (status !== 200) throw noAnswer(new Error(`It answered with HTTP status ${status}.`));
    const name = charsetNameIn(headers['content-type']) ?? 'utf-8';
    const charset = charsetOf(name);
    if (charset === null) throw noAnswer(new Error(`It answered in an unknown charset: ${name.slice(0, 40)}.`));
    const text = textOf(body, charset);
    const answer = verifyAnswer(body, charset, responseKey, config.alipayKeys);
    if (answer.kind === 'unsigned') throw unsigned(text, answer.certSn, config);
    return answerSchema.parse(JSON.parse(decode(answer.node, charset)));
  }
}

function openSdk({ appId, privateKey, alipayKeys, certificates, gateway }: AlipayConfig): AlipaySdk {
  return new AlipaySdk({
    appId,
    gateway,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    keyType: 'PKCS8', // the SDK's default is PKCS#1
    ...(certificates === null
      ? { alipayPublicKey: alipayKeys[0].publicKey.export({ type: 'spki', format: 'pem' }).toString() }
      : {
          appCertContent: certificates.app,
          alipayPublicCertContent: certificates.alipay,
          alipayRootCertContent: certificates.root,
        }),
  });
}

/** Decodes the answer. @throws {OutcomeUnknownError} when it is not JSON in this charset. */
function textOf(body: Buffer, charset: Charset): string {
  try {
    const text = decode(body, charset);
    JSON.parse(text);
    return text;
  } catch {
    // The cause is left out, because it may quote buyer data from the answer.
    throw noAnswer(new Error(`Its answer is not JSON in ${charset}.`));
  }
}

function noAnswer(cause: unknown): OutcomeUnknownError {
  return new OutcomeUnknownError('Alipay did not answer, or the answer does not follow its protocol.', { cause });
}

function isReset(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

function unsigned(
  text: string,
  certSn: string | null,
  { certificates, alipayKeys }: AlipayConfig,
): OutcomeUnknownError {
  const claims = claimsOf(text);
  const cause = new Error(`The unverified answer says: ${claims.join(' ') || 'nothing known'}.`);
  const isOther = certSn !== null && alipayKeys.every((key) => key.certSn !== certSn);
  const keyAdvice =
    certificates === null
      ? 'check ALIPAY_PUBLIC_KEY, which must be Alipay’s own and of this app; it may hold the old and the new one'
      : `check ALIPAY_CERT, which must be Alipay’s own and of this app${isOther ? `: the answer names the certificate ${certSn}, which it does not hold` : ''}`;
  // Alipay does not sign answers to an unknown app.
  const advice = claims.includes('isv.invalid-app-id') ? adviceOn('isv.invalid-app-id') : keyAdvice;
  return new OutcomeUnknownError(`Alipay’s answer is not signed by Alipay: ${advice}.`, { cause });
}

/** The id of the call for Alipay's support. */
function traceIn({ headers }: HttpReply): string {
  return /^[\w-]{1,64}$/.exec(headers.trace_id ?? '')?.[0] ?? 'unknown';
}

/** The codes in an unsigned answer, for our logs. */
function claimsOf(text: string): readonly string[] {
  const codes = text.matchAll(/"(?:sub_)?code"\s*:\s*"([\w.-]{1,64})"/g);
  return [...codes].slice(0, 2).map(([, code = '']) => code);
}

/** What an operator can check, by Alipay's sub code. */
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
function readCode(answer: z.infer<typeof answerSchema>, trace: string): GatewayAnswer {
  const { code, sub_code: subCode } = answer;
  if (code === '10000') return { kind: 'done', node: answer };
  const cause = new Error(`Alipay answered ${code} ${subCode ?? ''}, trace ${trace}.`);
  if (subCode != null && mayHaveHappened(subCode)) {
    throw new OutcomeUnknownError('Alipay failed to process the request.', { cause });
  }
  switch (code) {
    case '40004':
      if (subCode == null) break;
      return { kind: 'refused', subCode };
    case '40005':
      throw new NotExecutedError('Alipay limits our request rate.', rateLimitRetryAfterMs, { cause });
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
  throw new OutcomeUnknownError('Alipay failed to process the request, or answered with an unknown code.', { cause });
}

/**
 * True for failures on Alipay's side. `AQC.SYSTEM_ERROR` and `unknow` are Alipay's own misspellings.
 * `isp.bill_not_exist` is not a failure: the day has no bill.
 */
function mayHaveHappened(subCode: string): boolean {
  return /(^|\.)SYSTEM_ERROR$/.test(subCode) || /^(isp\.(?!bill_)|aop\.unknow)/.test(subCode);
}
