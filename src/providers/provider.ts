import type { Log } from '../domain/log.ts';
import type { CaptureMode } from '../domain/order.ts';
import type { PaymentFailure, PaymentFlow, PaymentMethod, ProviderName } from '../domain/payment.ts';
import type { PaymentReport, RefundReport } from '../domain/report.ts';
import type { BillReader } from './bill.ts';

/** A field of the buyer that some flows require in addition to the order. The names are those of the API. */
export type BuyerField = 'returnUrl' | 'openId' | 'buyerIp';

/**
 * A payment as it is sent to a provider. All values are fixed when the payment starts, so every repeated call sends the
 * same parameters.
 */
export type PaymentOrder = {
  readonly paymentId: string;
  readonly orderNumber: string;
  readonly flow: PaymentFlow;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly captureMode: CaptureMode;
  readonly description: string | null;
  readonly returnUrl: string | null;
  readonly openId: string | null;
  readonly buyerIp: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly providerPaymentId: string | null;
  readonly providerReference: string | null;
};

/**
 * The amount to capture of an authorization. `attempt` numbers the capture requests: each has its own idempotency key,
 * and a repetition of the same request keeps it.
 */
export type Capture = { readonly amountMinor: bigint; readonly attempt: number };

/** A refund as it is sent to a provider. Every repeated call sends the same parameters. */
export type RefundOrder = {
  readonly refundId: string;
  readonly paymentId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  /** The captured amount of the whole payment. */
  readonly capturedMinor: bigint;
  readonly reason: string | null;
  readonly createdAt: Date;
  readonly providerPaymentId: string | null;
  readonly providerRefundId: string | null;
};

/** Identifies a refund: by our id, or, when it was made in the provider's console, by the provider's id. */
export type RefundName = Pick<RefundOrder, 'paymentId' | 'providerPaymentId' | 'providerRefundId'> & {
  /** Null when the refund was not made by us. */
  readonly refundId: string | null;
};

/** One HTTP request from a provider, unparsed. Header names are in lower case. */
export type WebhookDelivery = {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly receivedAt: Date;
};

export type KeyRenewal = {
  /** True when the key that the callback names is now available. Verify the callback again in that case. */
  readonly isHeld: boolean;
  /**
   * The result of the request that this call made. `not_asked`: the call made no request, or only waited for the
   * request of another call.
   */
  readonly outcome: 'not_asked' | 'answered' | 'unknown';
};

/** The identity of a callback. Known only after its signature is verified. */
export type VerifiedWebhook = { readonly eventId: string; readonly eventType: string };

/** The content of a verified callback. */
export type WebhookMessage =
  /** `isCreation`: the callback repeats the response to the call that created the payment. */
  | { readonly kind: 'payment'; readonly report: PaymentReport; readonly isCreation: boolean }
  /** `paymentId` is null for a refund made in the provider's console when only the provider's payment id is known. */
  | {
      readonly kind: 'refund';
      readonly report: RefundReport;
      readonly paymentId: string | null;
      readonly providerPaymentId: string;
      /**
       * The report of the payment in the same callback. It is applied before the refund. Null when the callback has
       * none.
       */
      readonly payment: PaymentReport | null;
    }
  /**
   * The signature is valid, but the callback is for another app or merchant. `reason` is readable text that says which.
   * `paymentId` is our payment id in the callback, or null.
   */
  | { readonly kind: 'foreign'; readonly paymentId: string | null; readonly reason: string }
  /**
   * The signature is valid and the callback is ours, but its content is malformed or has an unknown status. At least
   * one of the ids is set. `reason` is readable text without buyer data.
   */
  | {
      readonly kind: 'unclear';
      readonly paymentId: string | null;
      readonly providerPaymentId: string | null;
      readonly reason: string;
    }
  | { readonly kind: 'ignored'; readonly reason: string };

/** The reply that stops the provider's retries; each provider wants a different one. */
export type WebhookReply = { readonly status: number; readonly contentType: string; readonly body: string };

/**
 * The provider states that it has no object with our id. This is an answer, not a failed query. It is not always final:
 * see `payableUntil`.
 */
export type NotFound = {
  readonly kind: 'notFound';
  /** The time until which a buyer with the link or QR code can still create the payment; null when nobody can. */
  readonly payableUntil: Date | null;
};

/** The provider's current state of a payment. */
export type QueryAnswer = { readonly kind: 'report'; readonly report: PaymentReport } | NotFound;

export type RefundAnswer = { readonly kind: 'report'; readonly report: RefundReport } | { readonly kind: 'notFound' };

/** The refunds of a payment. Some providers do not list refunds. */
export type RefundList = {
  readonly refunds: readonly RefundReport[];
  /** The refunded share according to the provider when it lists no refunds; null when it does not state one. */
  readonly returned: 'NONE' | 'SOME' | 'ALL' | null;
};

/**
 * One payment provider. An adapter translates between our types and the provider's API. It keeps no state except the
 * provider's keys, opens no database, and makes no decisions about orders.
 *
 * Every call ends when its signal is aborted. A call without an answer throws one of the three errors below.
 */
export interface PaymentProvider extends BillReader {
  readonly name: ProviderName;
  readonly method: PaymentMethod;
  /** The provider account that this adapter receives callbacks for. */
  readonly account: string;
  /** Names that earlier versions of this program recorded for an account that may be this one. */
  readonly formerAccounts: readonly string[];
  /** The address of a page with card fields that our pages have to be able to embed. */
  readonly cardFormUrl?: string;
  /** In order of preference. */
  readonly flows: readonly PaymentFlow[];
  /** The buyer fields that each flow requires. */
  readonly needs: Readonly<Partial<Record<PaymentFlow, readonly BuyerField[]>>>;
  /** The media type of callbacks. */
  readonly webhookContentType: string;
  /** The callback headers that verification reads, in lower case. Other headers are not kept. */
  readonly webhookHeaders: readonly string[];
  readonly acknowledgement: WebhookReply;
  /** Why the provider would refuse such a payment, as a readable sentence; null when it would accept it. */
  refusalOf(offer: Pick<PaymentOrder, 'amountMinor' | 'currency' | 'captureMode'>): string | null;
  /**
   * Why the provider would refuse to capture or refund this amount, as a readable sentence; null when it would accept
   * it.
   */
  refusalOfPart(part: Pick<PaymentOrder, 'amountMinor' | 'currency'>): string | null;
  /**
   * Safe to repeat: the provider's idempotency key is derived from our payment id. A repeated call renews the next
   * action.
   */
  startPayment(order: PaymentOrder, signal: AbortSignal): Promise<PaymentReport>;
  queryPayment(order: PaymentOrder, signal: AbortSignal): Promise<QueryAnswer>;
  /**
   * Closes an unpaid payment and voids an authorized one. The report has the resulting state, which is SUCCEEDED when
   * the buyer paid first.
   */
  closePayment(order: PaymentOrder, signal: AbortSignal): Promise<QueryAnswer>;
  /** Captures an authorization in full or in part. The provider releases the rest. */
  capturePayment(order: PaymentOrder, capture: Capture, signal: AbortSignal): Promise<PaymentReport>;
  /** Safe to repeat: the provider's idempotency key is derived from our refund id. */
  startRefund(refund: RefundOrder, signal: AbortSignal): Promise<RefundReport>;
  queryRefund(refund: RefundName, signal: AbortSignal): Promise<RefundAnswer>;
  /** Lists the refunds of a payment, including refunds made in the provider's console. */
  listRefunds(order: PaymentOrder, signal: AbortSignal): Promise<RefundList>;
  /** Makes no request. @throws {WebhookRejectedError} for a callback that is not verified. */
  verifyWebhook(delivery: WebhookDelivery): VerifiedWebhook;
  /**
   * Fetches the provider's current keys after a callback was refused as UNKNOWN_KEY. Makes at most one request a
   * minute, because anybody can invent a key name. Never rejects.
   */
  renewKeys(delivery: WebhookDelivery): Promise<KeyRenewal>;
  /** Reads the body of a verified delivery. @throws when not even the payment id can be read. */
  readWebhook(body: Buffer, receivedAt: Date): WebhookMessage;
  /**
   * Returns the body without buyer data and secrets, for storage. At the stage `to_be_read` the result keeps every
   * field that `readWebhook` needs to return the same message, including secrets.
   *
   * Also called with unverified bodies: of a body that is not a callback, only its size and hash are kept. Never
   * throws. Idempotent.
   */
  redactWebhook(body: Buffer, stage: 'to_be_read' | 'done'): Buffer;
}

/** The parts that an adapter receives from the application. */
export type ProviderParts = {
  readonly now: () => Date;
  /** The URL for the account's callbacks: `…/webhooks/<provider>`, with the account's id if it is stored, without a query. */
  readonly webhookUrl: string;
};

/** The provider did not answer which account our key belongs to. The message is a sentence for the operator. */
export class ProviderAwayError extends Error {}

/** A configured provider whose adapter is not created yet. */
export type ProviderSetup = {
  readonly name: ProviderName;
  /** The account and the host, for people: `app 2021… at openapi.alipay.com`. */
  readonly description: string;
  /** True when no money moves: a test key, or a sandbox. */
  readonly isTest: boolean;
  /**
   * Returns the name of the account. The same account always has the same name, and different accounts have different
   * names.
   *
   * @throws {ProviderAwayError} when the provider must be asked and does not answer. A later attempt may succeed.
   * @throws {Error} with a sentence for the operator when the configuration is wrong.
   */
  findAccount(log: Log): Promise<string>;
  /** @param account the result of `findAccount`. */
  open(parts: ProviderParts, account: string): Promise<PaymentProvider>;
};

/**
 * Reads the environment variable `NAME`, or the file that `NAME_FILE` names. Null when unset or invalid; an invalid
 * value is reported as a violation.
 */
export type ReadVariable = (name: string) => string | null;

/** The input of `readSetup`, and the list to which it adds one sentence for each problem. */
export type Settings = {
  readonly at: ReadVariable;
  /** True when the variable or its `_FILE` variant is set, even to an invalid value. */
  readonly isSet: (name: string) => boolean;
  readonly isProduction: boolean;
  /** True when production may use the provider's own test environment. */
  readonly allowsTest: boolean;
  readonly violations: string[];
  /**
   * Names of the providers that post callbacks from the internet. If there are any, `PUBLIC_URL` must be reachable from
   * there.
   */
  readonly callers: string[];
};

/** A provider that can be configured. It has one folder and one line in `registry.ts`. */
export type ProviderDefinition = {
  readonly name: ProviderName;
  /**
   * All variables of the provider. Each begins with the provider's name. Any other variable with that prefix is
   * reported as a mistake.
   */
  readonly variables: readonly string[];
  /** Those of the variables that are stored encrypted when the account is stored. */
  readonly secretVariables: readonly string[];
  /** Addresses that only operators of the server set: the server sends requests there, or its pages embed what is there. */
  readonly operatorVariables: readonly string[];
  /** Null when none of the variables is set, or when one of them is invalid. */
  readSetup(settings: Settings): ProviderSetup | null;
};

/**
 * The outcome of the call is unknown: a time-out, a reset connection, a 5xx, or an answer that cannot be parsed or has
 * a wrong signature.
 */
export class OutcomeUnknownError extends Error {}

/** The call was certainly not executed. It may be retried with the same key. */
export class NotExecutedError extends Error {
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * The call was certainly not executed and keeps failing until the configuration is corrected. The message says what to
 * check.
 */
export class MisconfiguredError extends NotExecutedError {}

/** The provider refused the call. The refusal is final. */
export class RejectedError extends Error {
  readonly failure: PaymentFailure;
  constructor(failure: PaymentFailure, options?: ErrorOptions) {
    super(failure.message, options);
    this.failure = failure;
  }
}

/** True for one of the three errors with which a provider call may end. Any other error is a bug. */
export function isProviderError(error: unknown): error is OutcomeUnknownError | NotExecutedError | RejectedError {
  return error instanceof OutcomeUnknownError || error instanceof NotExecutedError || error instanceof RejectedError;
}

/**
 * Runs a call until its signal is aborted.
 *
 * @throws {OutcomeUnknownError} for a late call, and for every error other than the three above: the call may have been
 * executed.
 */
export async function answeredInTime<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  let miss = () => {};
  const deadline = new Promise<never>((_, reject) => {
    miss = () => reject(new OutcomeUnknownError('The provider did not answer in time.', { cause: signal.reason }));
    if (signal.aborted) miss();
    else signal.addEventListener('abort', miss, { once: true });
  });
  try {
    return await Promise.race([call(), deadline]);
  } catch (error) {
    if (isProviderError(error)) throw error;
    throw new OutcomeUnknownError('The provider’s answer leaves the outcome open.', { cause: error });
  } finally {
    signal.removeEventListener('abort', miss);
  }
}

/**
 * Queries the state after a call that may have been executed. When only the query was not executed, the outcome of the
 * first call is still unknown.
 */
export async function queryAfterwards<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof NotExecutedError)) throw error;
    throw new OutcomeUnknownError('The provider could not be queried for the outcome.', { cause: error });
  }
}

/** `UNDECIPHERABLE`: the signature is valid, but the content cannot be decrypted with our key. */
export type WebhookRejection =
  | 'MISSING_SIGNATURE'
  | 'BAD_SIGNATURE'
  | 'UNKNOWN_KEY'
  | 'STALE'
  | 'UNDECIPHERABLE'
  | 'MALFORMED'
  | 'FOREIGN';

/**
 * A callback that failed verification. The reason is for our logs, never for the sender. The cause says what operators
 * can check.
 */
export class WebhookRejectedError extends Error {
  readonly reason: WebhookRejection;
  constructor(reason: WebhookRejection, options?: ErrorOptions) {
    super(`The callback was refused: ${reason}.`, options);
    this.reason = reason;
  }
}
