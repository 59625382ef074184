import { z } from 'zod';
import { MisconfiguredError, NotExecutedError, OutcomeUnknownError, RejectedError } from '../provider.ts';

/** An answer with a status outside 2xx. */
export type Refusal = {
  readonly status: number;
  /** WeChat Pay's error code in its original spelling; null when the body has none. */
  readonly code: string | null;
  /** The id of the request for WeChat Pay's support. */
  readonly requestId: string | null;
};

const rateLimitRetryAfterMs = 5000;
const configurationRetryAfterMs = 30_000;

/** Codes without underscores, because WeChat Pay writes codes with and without them. */
const rateLimitCodes: ReadonlySet<string> = new Set(['FREQUENCYLIMITED', 'RATELIMITEXCEEDED']);
const unknownCodes: ReadonlySet<string> = new Set(['SYSTEMERROR', 'BANKERROR']);
const keyAdvice =
  'check WECHATPAY_PRIVATE_KEY and WECHATPAY_SERIAL: they must be of one certificate of WECHATPAY_MCH_ID';
/** What an operator can check, by code. */
const configurationCodes: ReadonlyMap<string, string> = new Map([
  ['SIGNERROR', keyAdvice],
  ['NOAUTH', 'check in WeChat Pay’s merchant platform that the merchant of WECHATPAY_MCH_ID may use this product'],
  ['APPIDMCHIDNOTMATCH', 'check WECHATPAY_APP_ID and WECHATPAY_MCH_ID: the app must be bound to the merchant'],
  ['MCHNOTEXISTS', 'check WECHATPAY_MCH_ID'],
]);

type Definite = { readonly reason: string; readonly message: string };
const refused: Definite = { reason: 'provider_error', message: 'WeChat Pay refused the request.' };
const definiteCodes: ReadonlyMap<string, Definite> = new Map([
  ['PARAMERROR', refused],
  ['INVALIDREQUEST', refused],
  ['TRADEERROR', refused],
  ['RESOURCENOTEXISTS', refused],
  [
    'RULELIMIT',
    { reason: 'limit_exceeded', message: 'WeChat Pay refused the request: a limit of the account is reached.' },
  ],
  ['ORDERCLOSED', { reason: 'closed', message: 'WeChat Pay has closed this payment.' }],
  ['NOTENOUGH', { reason: 'insufficient_balance', message: 'The merchant’s balance at WeChat Pay is too low.' }],
  [
    'USERACCOUNTABNORMAL',
    {
      reason: 'buyer_account_unusable',
      message: 'The buyer’s account cannot receive the refund: it is closed or blocked.',
    },
  ],
]);

const refusalSchema = z.object({ code: z.string().regex(/^[\w-]{1,64}$/) });

/** WeChat Pay's error code in a body; null for another body, such as the page of a proxy. */
export function codeIn(body: string): string | null {
  try {
    return refusalSchema.parse(JSON.parse(body)).code;
  } catch {
    return null;
  }
}

/** True when the refusal has one of these codes, with or without underscores. */
export function isRefusedAs({ code }: Refusal, ...names: readonly string[]): boolean {
  return code !== null && names.some((name) => plain(name) === plain(code));
}

/**
 * Converts a refusal to one of the three provider errors. An unknown code does not end a payment: the outcome is
 * unknown.
 */
export function errorOf(refusal: Refusal): OutcomeUnknownError | NotExecutedError | RejectedError {
  const { status, code, requestId } = refusal;
  const summary = `WeChat Pay answered ${status} ${code ?? 'without a code'}, request ${requestId ?? 'unnamed'}.`;
  const plainCode = code === null ? '' : plain(code);
  if (status >= 500 || unknownCodes.has(plainCode)) return new OutcomeUnknownError(summary);
  if (status === 429 || rateLimitCodes.has(plainCode)) return new NotExecutedError(summary, rateLimitRetryAfterMs);
  const advice = configurationCodes.get(plainCode) ?? (status === 401 ? keyAdvice : undefined);
  if (advice !== undefined) {
    const message = `WeChat Pay does not accept our configuration: ${advice}.`;
    return new MisconfiguredError(message, configurationRetryAfterMs, { cause: new Error(summary) });
  }
  const definite = definiteCodes.get(plainCode);
  if (definite === undefined) return new OutcomeUnknownError(summary);
  return new RejectedError({ ...definite, providerCode: code, attempt: null }, { cause: new Error(summary) });
}

function plain(code: string): string {
  return code.replaceAll('_', '');
}
