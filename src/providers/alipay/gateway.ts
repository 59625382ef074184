import { AlipaySdk } from 'alipay-sdk';
import { Agent } from 'undici';
import { z } from 'zod';
import { beijingText } from '../beijing-time.ts';
import { type HttpReply, NotSentError, notExecuted, sendRequest } from '../http-request.ts';
import { MisconfiguredError, NotExecutedError, OutcomeUnknownError } from '../provider.ts';
import { type Charset, charsetNameIn, charsetOf, decode } from './charset.ts';
import type { AlipayConfig } from './config.ts';
import { openAnswer } from './signed-answer.ts';

/** What Alipay answered: with what was asked for, or that its rules are against it. */
export type GatewayAnswer =
  | { readonly kind: 'done'; readonly node: unknown }
  | { readonly kind: 'refused'; readonly subCode: string };

/** Every value is text, as on the wire. */
export type BizContent = Readonly<Record<string, string>>;

export type AlipayGateway = {
  /**
   * Calls a method of Alipay's. Only an answer that Alipay has signed is one. By the signal the request is ended.
   * @throws {NotExecutedError} when nothing was sent, or Alipay limits our rate; {MisconfiguredError} when the configuration cannot be
   * used, here or there.
   * @throws {OutcomeUnknownError} when it may have happened.
   */
  call(method: string, bizContent: BizContent, signal: AbortSignal, notifyUrl?: string): Promise<GatewayAnswer>;
  /** Where a browser goes to pay. Asks nobody. */
  pageUrl(method: string, bizContent: BizContent, urls: { notifyUrl: string; returnUrl: string | null }): string;
};

const requestTimeoutMs = 15_000;
const configurationRetryAfterMs = 30_000;
const rateLimitRetryAfterMs = 2000;

const answerSchema = z.looseObject({ code: z.string(), sub_code: z.string().nullish() });

/** The SDK signs what is sent. It sends nothing itself: it would read every answer as UTF-8 before the signature is checked. */
export function createAlipayGateway(config: AlipayConfig & { readonly now: () => Date }): AlipayGateway {
  const dispatcher = config.httpDispatcher ?? new Agent();
  const sdk = openSdk(config);
  const timestamp = () => beijingText(config.now()); // the SDK's own is of the process's time zone

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
      // Most likely the connection was old, and closed just then. It is the same request with the same number.
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
      // GET: the form of the SDK's POST escapes too little, and a browser that unescapes a subject breaks the signature.
      return sdk.pageExecute(method, 'GET', {
        timestamp: timestamp(),
        bizContent: { ...bizContent },
        notify_url: notifyUrl,
        ...(returnUrl !== null && { return_url: returnUrl }),
      });
    },
  };

  /** The node that Alipay has signed, in the charset that it declares. @throws {OutcomeUnknownError} */
  function answerOf({ status, headers, body }: HttpReply, responseKey: string): z.infer<typeof answerSchema> {
    if (status !== 200) throw noAnswer(new Error(`It answered with HTTP status ${status}.`));
    const name = charsetNameIn(headers['content-type']) ?? 'utf-8';
    const charset = charsetOf(name);
    if (charset === null) throw noAnswer(new Error(`It answered in a charset that is unknown: ${name.slice(0, 40)}.`));
    const text = textOf(body, charset);
    const answer = openAnswer(body, charset, responseKey, config.alipayKeys);
    if (answer.kind === 'unsigned') throw unsigned(text, answer.certSn, config);
    return answerSchema.parse(JSON.parse(decode(answer.node, charset)));
  }
}

function openSdk({ appId, privateKey, alipayKeys, certificates, gateway }: AlipayConfig): AlipaySdk {
  return new AlipaySdk({
    appId,
    gateway,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    keyType: 'PKCS8', // the SDK's default fits PKCS#1 only
    ...(certificates === null
      ? { alipayPublicKey: alipayKeys[0].publicKey.export({ type: 'spki', format: 'pem' }).toString() }
      : {
          appCertContent: certificates.app,
          alipayPublicCertContent: certificates.alipay,
          alipayRootCertContent: certificates.root,
        }),
  });
}

/** The whole answer as text. @throws {OutcomeUnknownError} when it is not JSON in this charset. */
function textOf(body: Buffer, charset: Charset): string {
  try {
    const text = decode(body, charset);
    JSON.parse(text);
    return text;
  } catch {
    // The cause is left out: it may quote the answer, and buyers in it.
    throw noAnswer(new Error(`It answered with what is not JSON in ${charset}.`));
  }
}

function noAnswer(cause: unknown): OutcomeUnknownError {
  return new OutcomeUnknownError('Alipay did not answer, or not by its protocol.', { cause });
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
  const cause = new Error(`Unproven, it says: ${claims.join(' ') || 'nothing that we know'}.`);
  const isOther = certSn !== null && alipayKeys.every((key) => key.certSn !== certSn);
  const keyAdvice =
    certificates === null
      ? 'check ALIPAY_PUBLIC_KEY, which must be Alipay’s own and of this app; it may hold the old and the new one'
      : `check ALIPAY_CERT, which must be Alipay’s own and of this app${isOther ? `: the answer names the certificate ${certSn}, which it does not hold` : ''}`;
  // To an app that it does not know Alipay signs nothing.
  const advice = claims.includes('isv.invalid-app-id') ? adviceOn('isv.invalid-app-id') : keyAdvice;
  return new OutcomeUnknownError(`Alipay’s answer does not carry Alipay’s signature: ${advice}.`, { cause });
}

/** Names the call for Alipay's support. */
function traceIn({ headers }: HttpReply): string {
  return /^[\w-]{1,64}$/.exec(headers.trace_id ?? '')?.[0] ?? 'unknown';
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
function readCode(answer: z.infer<typeof answerSchema>, trace: string): GatewayAnswer {
  const { code, sub_code: subCode } = answer;
  if (code === '10000') return { kind: 'done', node: answer };
  const cause = new Error(`Alipay answered ${code} ${subCode ?? ''}, trace ${trace}.`);
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
