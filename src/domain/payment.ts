import type { CaptureMode, CloseTarget } from './order.ts';

export const paymentMethods = ['CARD', 'ALIPAY', 'WECHAT_PAY'] as const;
export type PaymentMethod = (typeof paymentMethods)[number];

export const paymentFlows = ['REDIRECT', 'QR_CODE', 'MOBILE_WEB', 'IN_APP', 'EMBEDDED'] as const;
export type PaymentFlow = (typeof paymentFlows)[number];

/** `STRIPE`, `ALIPAY` or `WECHATPAY`. Not a union type, so that a new provider needs no change in this file. */
export type ProviderName = string;

export const paymentStatuses = [
  ...(['SUBMITTING', 'ACTION_REQUIRED', 'PROCESSING', 'UNKNOWN', 'AUTHORIZED'] as const),
  ...(['SUCCEEDED', 'CANCELING', 'CANCELED', 'EXPIRED', 'FAILED'] as const),
] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];

/**
 * The statuses that a provider can report. The other statuses describe our side: the call is being made, its outcome is
 * unknown, or the payment is being closed.
 */
export type ReportedPaymentStatus = Exclude<PaymentStatus, 'SUBMITTING' | 'UNKNOWN' | 'CANCELING'>;

export const evidenceSources = ['RESPONSE', 'CALLBACK', 'QUERY', 'RECONCILIATION', 'OPERATOR'] as const;
export type EvidenceSource = (typeof evidenceSources)[number];

/**
 * The source of a status. `providerTime` is when the status began by the provider's clock; null when the source does not
 * state it. `receivedAt` is when this server received it.
 */
export type Evidence = {
  readonly source: EvidenceSource;
  readonly providerTime: Date | null;
  readonly receivedAt: Date;
};

/**
 * Why a payment, capture or refund failed. `reason` is a code such as `card_declined`, `message` is readable text, and
 * `providerCode` is the provider's own code. `attempt` is the provider's id of the failed attempt, which distinguishes two
 * failed attempts of one payment.
 */
export type PaymentFailure = {
  readonly reason: string;
  readonly message: string;
  readonly providerCode: string | null;
  readonly attempt: string | null;
};

/** The next action of the buyer. It is stored as JSON, so times are RFC 3339 text. `expiresAt` is null without expiry. */
export type NextAction =
  | { readonly kind: 'REDIRECT'; readonly url: string; readonly expiresAt: string | null }
  | { readonly kind: 'QR_CODE'; readonly content: string; readonly imageUri: string; readonly expiresAt: string | null }
  | { readonly kind: 'CONFIRM_CARD'; readonly clientSecret: string; readonly publishableKey: string }
  | {
      readonly kind: 'WECHAT_PAY_BRIDGE';
      readonly appId: string;
      readonly timeStamp: string;
      readonly nonceStr: string;
      readonly package: string;
      readonly signType: string;
      readonly paySign: string;
      readonly expiresAt: string | null;
    };

/**
 * The facts of a payment. They change only together with an event, which carries the new values. Amounts are in minor units
 * of `currency`. `appliedMinor`, `surplusMinor` and `quarantinedMinor` add up to `capturedMinor`.
 */
export type PaymentFacts = {
  readonly id: string;
  readonly orderId: string;
  readonly merchantId: string;
  readonly method: PaymentMethod;
  readonly flow: PaymentFlow;
  readonly provider: ProviderName;
  readonly providerAccount: string;
  readonly status: PaymentStatus;
  readonly captureMode: CaptureMode;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly authorizedMinor: bigint;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  readonly reservedMinor: bigint;
  readonly appliedMinor: bigint;
  readonly surplusMinor: bigint;
  readonly quarantinedMinor: bigint;
  /** The numbers (`captureAttempt`) of the capture attempts that the provider refused. */
  readonly refusedCaptures: readonly number[];
  /** True when the money arrived after the payment was abandoned or its order was closed. */
  readonly late: boolean;
  /** The final status of a payment that is being closed; otherwise null. */
  readonly closeTarget: CloseTarget | null;
  readonly returnUrl: string | null;
  readonly openId: string | null;
  readonly buyerIp: string | null;
  readonly description: string | null;
  readonly providerPaymentId: string | null;
  readonly failureReason: string | null;
  readonly failureMessage: string | null;
  readonly failureProviderCode: string | null;
  readonly failureAttempt: string | null;
  readonly evidenceSource: EvidenceSource | null;
  readonly evidenceProviderTime: Date | null;
  readonly evidenceReceivedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly succeededAt: Date | null;
  readonly expiresAt: Date;
};

/** The planned work on a payment and the data of the buyer's page. It is not history and makes no events. */
export type PaymentPlan = {
  readonly nextAction: NextAction | null;
  /** Another provider id of the payment, as in `PaymentReport`. */
  readonly providerReference: string | null;
  /** When the provider is queried or called next; null when nothing is planned. */
  readonly checkAt: Date | null;
  /** The position in the check schedule of the current status. */
  readonly checkAttempts: number;
  /** Until when one process has the exclusive right to call the provider; null when none has. */
  readonly leasedUntil: Date | null;
  /** When a client last made us query the provider. */
  readonly askedAt: Date | null;
  /** When an unverifiable callback brought a check forward. That happens at most once. */
  readonly hintedAt: Date | null;
  /** The requested capture amount; null when no capture is requested or the provider has confirmed or refused it. */
  readonly captureMinor: bigint | null;
  /** Counts the capture requests. Each has its own idempotency key at the provider. */
  readonly captureAttempt: number;
  /**
   * The brand and the last four digits of the card, as the provider says; null until then. For people to recognize a payment: not part of the
   * log, which keeps everything for ever.
   */
  readonly cardBrand: string | null;
  readonly cardLast4: string | null;
};

export type Payment = PaymentFacts & PaymentPlan;

const followers: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> = {
  SUBMITTING: [
    ...(['ACTION_REQUIRED', 'PROCESSING', 'UNKNOWN', 'AUTHORIZED', 'SUCCEEDED', 'FAILED'] as const),
    ...(['CANCELING', 'CANCELED', 'EXPIRED'] as const),
  ],
  ACTION_REQUIRED: ['PROCESSING', 'AUTHORIZED', 'SUCCEEDED', 'FAILED', 'CANCELING', 'CANCELED', 'EXPIRED'],
  PROCESSING: ['ACTION_REQUIRED', 'AUTHORIZED', 'SUCCEEDED', 'FAILED', 'CANCELING', 'CANCELED', 'EXPIRED'],
  UNKNOWN: [
    ...(['ACTION_REQUIRED', 'PROCESSING', 'AUTHORIZED', 'SUCCEEDED', 'FAILED'] as const),
    ...(['CANCELING', 'CANCELED', 'EXPIRED'] as const),
  ],
  AUTHORIZED: ['SUCCEEDED', 'CANCELING', 'CANCELED', 'EXPIRED'],
  // The buyer may pay before the close takes effect. A report of AUTHORIZED has no effect: it is being voided.
  CANCELING: ['CANCELED', 'EXPIRED', 'SUCCEEDED', 'FAILED'],
  // Money that the provider took overrides every end without money, however late the report arrives.
  FAILED: ['AUTHORIZED', 'SUCCEEDED'],
  CANCELED: ['AUTHORIZED', 'SUCCEEDED'],
  EXPIRED: ['AUTHORIZED', 'SUCCEEDED'],
  SUCCEEDED: [],
};

export function mayFollow(held: PaymentStatus, next: PaymentStatus): boolean {
  return followers[held].includes(next);
}

/** The effect of a reported status on the recorded status. Providers resend and reorder, so all three are normal. */
export type ReportEffect = 'advances' | 'repeats' | 'contradicts';

export function classifyReport(held: PaymentStatus, reported: ReportedPaymentStatus): ReportEffect {
  if (held === reported) return 'repeats';
  return mayFollow(held, reported) ? 'advances' : 'contradicts';
}

const liveStatuses: ReadonlySet<PaymentStatus> = new Set([
  ...(['SUBMITTING', 'ACTION_REQUIRED', 'PROCESSING', 'UNKNOWN', 'AUTHORIZED', 'CANCELING'] as const),
]);

/** True for a live payment: it has not ended, and money can still move. */
export function isLive({ status }: { readonly status: PaymentStatus }): boolean {
  return liveStatuses.has(status);
}

/** True when the buyer has to act, but the next action is missing or has expired. */
export function lacksAction({ status, nextAction }: Pick<Payment, 'status' | 'nextAction'>, now: Date): boolean {
  if (status !== 'ACTION_REQUIRED') return false;
  const expiresAt = nextAction !== null && 'expiresAt' in nextAction ? nextAction.expiresAt : null;
  return nextAction === null || (expiresAt !== null && new Date(expiresAt) <= now);
}

/** True for an abandoned payment: it ended without money. Money that arrives afterwards is late. */
export function isAbandoned({ status }: { readonly status: PaymentStatus }): boolean {
  return status === 'FAILED' || status === 'CANCELED' || status === 'EXPIRED';
}

/**
 * The part of the quarantined amount that still needs an operator's decision. Completed and pending refunds reduce the
 * other captured money first, then the quarantined amount.
 */
export function waitingMinor(
  payment: Pick<PaymentFacts, 'capturedMinor' | 'quarantinedMinor' | 'refundedMinor' | 'reservedMinor'>,
): bigint {
  const { capturedMinor, quarantinedMinor, refundedMinor, reservedMinor } = payment;
  const gone = refundedMinor + reservedMinor - (capturedMinor - quarantinedMinor);
  return gone <= 0n ? quarantinedMinor : quarantinedMinor > gone ? quarantinedMinor - gone : 0n;
}

/** The amount that can still be refunded: captured, and neither refunded nor reserved by a pending refund. */
export function refundableMinor(
  payment: Pick<PaymentFacts, 'capturedMinor' | 'refundedMinor' | 'reservedMinor'>,
): bigint {
  return payment.capturedMinor - payment.refundedMinor - payment.reservedMinor;
}
