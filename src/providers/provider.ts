import type { Log } from '../domain/log.ts';
import type { CaptureMode } from '../domain/order.ts';
import type { PaymentFailure, PaymentFlow, PaymentMethod, ProviderName } from '../domain/payment.ts';
import type { PaymentReport, RefundReport } from '../domain/report.ts';
import type { BillReader } from './bill.ts';

/** What a payment needs of the buyer beyond the order, depending on the flow; named as in the API. */
export type BuyerField = 'returnUrl' | 'openId' | 'buyerIp';

/** A payment as a provider must be told of it: frozen when it was started, so every repetition says the same. */
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

/** How much of an authorization is taken. `attempt` counts the intents to: each is a key of its own, and a repetition has the same. */
export type Capture = { readonly amountMinor: bigint; readonly attempt: number };

/** A refund as a provider must be told of it: every repetition says the same. */
export type RefundOrder = {
  readonly refundId: string;
  readonly paymentId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  /** What the whole payment took. */
  readonly capturedMinor: bigint;
  readonly reason: string | null;
  readonly createdAt: Date;
  readonly providerPaymentId: string | null;
  readonly providerRefundId: string | null;
};

/** Which refund is asked about: ours by its id, or one that was made in the provider's console by the provider's name for it. */
export type RefundName = Pick<RefundOrder, 'paymentId' | 'providerPaymentId' | 'providerRefundId'> & {
  /** Null when it was not made by us. */
  readonly refundId: string | null;
};

/** One HTTP request from a provider, as raw as it came. Header names in lower case. */
export type WebhookDelivery = {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly receivedAt: Date;
};

export type KeyRenewal = {
  /** Whether the key that the callback names is held now, so that it is worth verifying again. */
  readonly isHeld: boolean;
  /** What this call has asked: `not_asked` also where another one did and this one has waited for the answer. */
  readonly outcome: 'not_asked' | 'answered' | 'unknown';
};

/** What tells one callback from another, known only after its signature was verified. */
export type VerifiedWebhook = { readonly eventId: string; readonly eventType: string };

/** What a verified callback says: something of a payment, or nothing that concerns us. */
export type WebhookMessage =
  /** `isCreation`: it says no more than the answer to the call that made the payment. */
  | { readonly kind: 'payment'; readonly report: PaymentReport; readonly isCreation: boolean }
  /** Of the payment with our id, or with the provider's where the refund was made in its console. */
  | {
      readonly kind: 'refund';
      readonly report: RefundReport;
      readonly paymentId: string | null;
      readonly providerPaymentId: string;
      /** What the same callback says of the payment itself, and is applied first; null when it says nothing. */
      readonly payment: PaymentReport | null;
    }
  /** Signed rightly, and of another app or merchant at the provider: `reason` says which, for people; it names the payment with our id, or none. */
  | { readonly kind: 'foreign'; readonly paymentId: string | null; readonly reason: string }
  /**
   * Signed rightly and ours, but its content is malformed, or has a status that we do not know. It has the ids that could be read, at
   * least one of them. `reason` says what is wrong, for people, and holds nothing of the buyer.
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

/** What the provider has nothing under. That is its own word, and no outcome we failed to learn; yet it need not be the last. */
export type NotFound = {
  readonly kind: 'notFound';
  /** Until when a buyer who holds what we handed out could still bring it into being; null when nobody can. */
  readonly payableUntil: Date | null;
};

/** What the provider knows of a payment. */
export type QueryAnswer = { readonly kind: 'report'; readonly report: PaymentReport } | NotFound;

export type RefundAnswer = { readonly kind: 'report'; readonly report: RefundReport } | { readonly kind: 'notFound' };

/** The refunds of a payment, as far as its provider lists them. */
export type RefundList = {
  readonly refunds: readonly RefundReport[];
  /** How much went back by the provider's account, where it lists nothing; null when it does not say. */
  readonly returned: 'NONE' | 'SOME' | 'ALL' | null;
};

/**
 * One payment provider. An adapter translates; it keeps no state but the provider's keys, opens no database, decides nothing about orders. Every call ends by
 * the signal, and throws one of the three errors below where it has no answer.
 */
export interface PaymentProvider extends BillReader {
  readonly name: ProviderName;
  readonly method: PaymentMethod;
  /** The provider account that callbacks of this adapter are for. */
  readonly account: string;
  /** Names by which earlier versions of this program called accounts that may be this one. */
  readonly formerAccounts: readonly string[];
  /** In the merchant's order of preference. */
  readonly flows: readonly PaymentFlow[];
  /** What each flow cannot do without. */
  readonly needs: Readonly<Partial<Record<PaymentFlow, readonly BuyerField[]>>>;
  /** The media type in which callbacks come. */
  readonly webhookContentType: string;
  /** The headers of a callback that verification reads, in lower case; others are not kept. */
  readonly webhookHeaders: readonly string[];
  readonly acknowledgement: WebhookReply;
  /** Why the provider would not take such a payment, for people; null when it would. */
  refusalOf(offer: Pick<PaymentOrder, 'amountMinor' | 'currency' | 'captureMode'>): string | null;
  /** Why the provider would not capture or send back this much of a payment, for people; null when it would. */
  refusalOfPart(part: Pick<PaymentOrder, 'amountMinor' | 'currency'>): string | null;
  /** Safe to repeat: our payment id makes the provider's idempotency key. A repetition renews what the buyer acts by. */
  startPayment(order: PaymentOrder, signal: AbortSignal): Promise<PaymentReport>;
  queryPayment(order: PaymentOrder, signal: AbortSignal): Promise<QueryAnswer>;
  /** Closes what the buyer has not paid, voids what is authorized. The report says what came of it, also when the buyer was faster. */
  closePayment(order: PaymentOrder, signal: AbortSignal): Promise<QueryAnswer>;
  /** Takes the money of an authorization, all or a part; the rest is released. */
  capturePayment(order: PaymentOrder, capture: Capture, signal: AbortSignal): Promise<PaymentReport>;
  /** Safe to repeat: our refund id makes the provider's idempotency key. */
  startRefund(refund: RefundOrder, signal: AbortSignal): Promise<RefundReport>;
  queryRefund(refund: RefundName, signal: AbortSignal): Promise<RefundAnswer>;
  /** What went back of the payment, refunds made in the provider's console among them. */
  listRefunds(order: PaymentOrder, signal: AbortSignal): Promise<RefundList>;
  /** Asks nobody. @throws {WebhookRejectedError} rather than return anything unverified. */
  verifyWebhook(delivery: WebhookDelivery): VerifiedWebhook;
  /**
   * Asks the provider for its newest keys because a callback was refused as UNKNOWN_KEY, at most once a minute, for anybody can make up the
   * name of a key. Never rejects.
   */
  renewKeys(delivery: WebhookDelivery): Promise<KeyRenewal>;
  /** Reads the body of a delivery that was verified before. @throws when not even the payment that it names can be read. */
  readWebhook(body: Buffer, receivedAt: Date): WebhookMessage;
  /**
   * The body as it is kept: without buyers' data and secrets. While it is still to be read, with all that `readWebhook` needs to say
   * the same of it as of the whole one, be that a secret. Also called with bodies of strangers: of what is no callback at all, only size and hash
   * are kept. Never throws, and changes nothing when it is repeated.
   */
  redactWebhook(body: Buffer, stage: 'to_be_read' | 'done'): Buffer;
}

/** What an adapter is handed when it is made. */
export type ProviderParts = {
  readonly now: () => Date;
  /** Where the provider posts its callbacks to: `…/webhooks/<provider>`, without a query. */
  readonly webhookUrl: string;
};

/** A provider does not say whose account it is. The message is a sentence for the operator. */
export class ProviderAwayError extends Error {}

/** A provider that is configured, and not made yet. */
export type ProviderSetup = {
  readonly name: ProviderName;
  /** Whose account it is and where the provider is reached, for people: `app 2021… at openapi.alipay.com`. */
  readonly description: string;
  /**
   * The account's name: the same for as long as it is the same account there, and another for every other one.
   * @throws {ProviderAwayError} when the provider must be asked and does not answer: later it may.
   * @throws {Error} with a sentence for the operator when something is wrong with the configuration.
   */
  findAccount(log: Log): Promise<string>;
  /** @param account what `findAccount` found. */
  open(parts: ProviderParts, account: string): Promise<PaymentProvider>;
};

/** Reads the environment's `NAME`, or the file that `NAME_FILE` names; null when unset, or of no use, which was told then. */
export type ReadVariable = (name: string) => string | null;

/** What reading a provider's configuration is given, and where it says what is wrong, a sentence for each thing. */
export type Settings = {
  readonly at: ReadVariable;
  /** Whether the variable, or the one that names its file, is there, be it of use or not. */
  readonly isSet: (name: string) => boolean;
  readonly isProduction: boolean;
  readonly violations: string[];
  /** Who will post callbacks from the internet, for people: to them `PUBLIC_URL` must be an address that they reach. */
  readonly callers: string[];
};

/** A provider that can be configured. One folder has it, and one line of `registry.ts` names it. */
export type ProviderDefinition = {
  readonly name: ProviderName;
  /** All that it reads: each begins with its name. Others that do are mistakes. */
  readonly variables: readonly string[];
  /** Null when nothing of it is set, or something is wrong with it. */
  readSetup(settings: Settings): ProviderSetup | null;
};

/** It may have happened: a time-out, a reset, a 5xx, an answer that nobody can parse or whose signature is wrong. */
export class OutcomeUnknownError extends Error {}

/** It certainly did not happen, and may be tried again with the same key. */
export class NotExecutedError extends Error {
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** It certainly did not happen, and will not until somebody mends the configuration: the message says what to look at. */
export class MisconfiguredError extends NotExecutedError {}

/** The provider refused, for good. */
export class RejectedError extends Error {
  readonly failure: PaymentFailure;
  constructor(failure: PaymentFailure, options?: ErrorOptions) {
    super(failure.message, options);
    this.failure = failure;
  }
}

/** One of the three with which a call may end; anything else is a bug. */
export function isProviderError(error: unknown): error is OutcomeUnknownError | NotExecutedError | RejectedError {
  return error instanceof OutcomeUnknownError || error instanceof NotExecutedError || error instanceof RejectedError;
}

/** Runs a call until the signal's deadline. A call that is late, or fails by none of the three errors, may have happened. */
export async function answeredInTime<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  const deadline = new Promise<never>((_, reject) => {
    const miss = () =>
      reject(new OutcomeUnknownError('The provider did not answer in time.', { cause: signal.reason }));
    if (signal.aborted) miss();
    else signal.addEventListener('abort', miss, { once: true });
  });
  try {
    return await Promise.race([call(), deadline]);
  } catch (error) {
    if (isProviderError(error)) throw error;
    throw new OutcomeUnknownError('The provider’s answer does not say what happened.', { cause: error });
  }
}

/** Asks what became of something that was carried out. Where asking alone fails, what was carried out may have happened all the same. */
export async function askAfterwards<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof NotExecutedError)) throw error;
    throw new OutcomeUnknownError('The provider could not be asked what became of it.', { cause: error });
  }
}

/** `UNDECIPHERABLE`: signed rightly, and what it holds does not open with our key. */
export type WebhookRejection =
  | 'MISSING_SIGNATURE'
  | 'BAD_SIGNATURE'
  | 'UNKNOWN_KEY'
  | 'STALE'
  | 'UNDECIPHERABLE'
  | 'MALFORMED'
  | 'FOREIGN';

/** A callback that must not be believed. The reason is for our logs, never for the sender; the cause says what operators may look at. */
export class WebhookRejectedError extends Error {
  readonly reason: WebhookRejection;
  constructor(reason: WebhookRejection, options?: ErrorOptions) {
    super(`The callback was refused: ${reason}.`, options);
    this.reason = reason;
  }
}
