import { z } from 'zod';
import { MisconfiguredError, NotExecutedError, OutcomeUnknownError, RejectedError } from '../provider.ts';

/** An answer outside 2xx. */
export type Refusal = {
  readonly status: number;
  /** As WeChat Pay spelled it; null when the body is not one of its. */
  readonly code: string | null;
  /** Names the request for WeChat Pay's support. */
  readonly requestId: string | null;
};

const rateLimitRetryAfterMs = 5000;
const configurationRetryAfterMs = 30_000;

/** Spelled without underscores, for WeChat Pay writes codes with them and without. */
const rateLimitCodes: ReadonlySet<string> = new Set(['FREQUENCYLIMITED', 'RATELIMITEXCEEDED']);
const unknownCodes: ReadonlySet<string> = new Set(['SYSTEMERROR', 'BANKERROR']);
const keyAdvice =
  'check WECHATPAY_PRIVATE_KEY and WECHATPAY_SERIAL: they must be of one certificate of WECHATPAY_MCH_ID';
/** What an operator has to look at. */
const configurationCodes: ReadonlyMap<string, string> = new Map([
  ['SIGNERROR', keyAdvice],
  ['NOAUTH', 'check in WeChat Pay’s merchant platform that the merchant of WECHATPAY_MCH_ID may use this product'],
  ['APPIDMCHIDNOTMATCH', 'check WECHATPAY_APP_ID and WECHATPAY_MCH_ID: the app must be bound to the merchant'],
  ['MCHNOTEXISTS', 'check WECHATPAY_MCH_ID'],
]);

type Definite = { readonly reason: string; readonly message: string };
const refused: Definite = { reason: 'provider_error', message: 'WeChat Pay refused.' };
const definiteCodes: ReadonlyMap<string, Definite> = new Map([
  ['PARAMERROR', refused],
  ['INVALIDREQUEST', refused],
  ['TRADEERROR', refused],
  ['RESOURCENOTEXISTS', refused],
  ['RULELIMIT', { reason: 'limit_exceeded', message: 'WeChat Pay refused: a limit of the account is reached.' }],
  ['ORDERCLOSED', { reason: 'closed', message: 'WeChat Pay has closed this payment.' }],
  ['NOTENOUGH', { reason: 'insufficient_balance', message: 'The merchant’s balance at WeChat Pay is too low.' }],
  [
    'USERACCOUNTABNORMAL',
    { reason: 'buyer_account_unusable', message: 'The buyer’s account takes no money back: it is closed or blocked.' },
  ],
]);

const refusalSchema = z.object({ code: z.string().regex(/^[\w-]{1,64}$/) });

/** WeChat Pay's code in the body of a refusal; null for a page of some proxy's, which is no word of WeChat Pay's. */
export function codeIn(body: string): string | null {
  try {
    return refusalSchema.parse(JSON.parse(body)).code;
  } catch {
    return null;
  }
}

/** True when the refusal's code is one of these, spelled with underscores or without. */
export function isRefusedAs({ code }: Refusal, ...names: readonly string[]): boolean {
  return code !== null && names.some((name) => plain(name) === plain(code));
}

/** Whether what was asked may have happened after all. A code that we do not know may mean anything, and is no word to end a payment by. */
export function errorOf(refusal: Refusal): OutcomeUnknownError | NotExecutedError | RejectedError {
  const { status, code, requestId } = refusal;
  const said = `WeChat Pay answered ${status} ${code ?? 'without a code'}, request ${requestId ?? 'unnamed'}.`;
  const plainCode = code === null ? '' : plain(code);
  if (status >= 500 || unknownCodes.has(plainCode)) return new OutcomeUnknownError(said);
  if (status === 429 || rateLimitCodes.has(plainCode)) return new NotExecutedError(said, rateLimitRetryAfterMs);
  const advice = configurationCodes.get(plainCode) ?? (status === 401 ? keyAdvice : undefined);
  if (advice !== undefined) {
    const message = `WeChat Pay does not accept our configuration: ${advice}.`;
    return new MisconfiguredError(message, configurationRetryAfterMs, { cause: new Error(said) });
  }
  const definite = definiteCodes.get(plainCode);
  if (definite === undefined) return new OutcomeUnknownError(said);
  return new RejectedError({ ...definite, providerCode: code, attempt: null }, { cause: new Error(said) });
}

function plain(code: string): string {
  return code.replaceAll('_', '');
}
