import type { CaptureMode, CloseTarget } from './order.ts';

export const paymentMethods = ['CARD', 'ALIPAY', 'WECHAT_PAY'] as const;
export type PaymentMethod = (typeof paymentMethods)[number];

export const paymentFlows = ['REDIRECT', 'QR_CODE', 'MOBILE_WEB', 'IN_APP', 'EMBEDDED'] as const;
export type PaymentFlow = (typeof paymentFlows)[number];

/** Who moves the money: `STRIPE`, `ALIPAY`, `WECHATPAY`. Open, so that another one is a folder of its own and nothing here. */
export type ProviderName = string;

export const paymentStatuses = [
  ...(['SUBMITTING', 'ACTION_REQUIRED', 'PROCESSING', 'UNKNOWN', 'AUTHORIZED'] as const),
  ...(['SUCCEEDED', 'CANCELING', 'CANCELED', 'EXPIRED', 'FAILED'] as const),
] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];

/** What a provider can say of a payment; the other statuses are about us: calling, not knowing, closing. */
export type ReportedPaymentStatus = Exclude<PaymentStatus, 'SUBMITTING' | 'UNKNOWN' | 'CANCELING'>;

export const evidenceSources = ['RESPONSE', 'CALLBACK', 'QUERY', 'RECONCILIATION', 'OPERATOR'] as const;
export type EvidenceSource = (typeof evidenceSources)[number];

/** How we know what a status says. `providerTime` is the provider's own time of it. */
export type Evidence = {
  readonly source: EvidenceSource;
  readonly providerTime: Date | null;
  readonly receivedAt: Date;
};

/** Why money did not move. `attempt` tells two failed attempts of one payment apart; it is the provider's name for it. */
export type PaymentFailure = {
  readonly reason: string;
  readonly message: string;
  readonly providerCode: string | null;
  readonly attempt: string | null;
};

/** How the buyer acts. Kept as JSON, so instants are RFC 3339 text. */
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

/** What is so about a payment. Changes only together with an event, which carries the new values. */
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
  /** The attempts to capture that the provider has refused, by `captureAttempt`. */
  readonly refusedCaptures: readonly number[];
  readonly late: boolean;
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

/** What we mean to do about a payment, and what the buyer's page needs: no history, so no events. */
export type PaymentPlan = {
  readonly nextAction: NextAction | null;
  readonly providerReference: string | null;
  readonly checkAt: Date | null;
  readonly checkAttempts: number;
  readonly leasedUntil: Date | null;
  readonly askedAt: Date | null;
  readonly hintedAt: Date | null;
  /** What is to be captured of an authorization; null when nobody asked, or the provider has confirmed or refused it. */
  readonly captureMinor: bigint | null;
  /** Counts the intents to capture: each is a key of its own at the provider. */
  readonly captureAttempt: number;
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
  // Closing may come too late: the buyer was faster, and the provider says so. An authorization is no such news: it is being voided.
  CANCELING: ['CANCELED', 'EXPIRED', 'SUCCEEDED', 'FAILED'],
  // Money beats no-money: what the provider took is never denied, however late we learn of it.
  FAILED: ['AUTHORIZED', 'SUCCEEDED'],
  CANCELED: ['AUTHORIZED', 'SUCCEEDED'],
  EXPIRED: ['AUTHORIZED', 'SUCCEEDED'],
  SUCCEEDED: [],
};

export function mayFollow(held: PaymentStatus, next: PaymentStatus): boolean {
  return followers[held].includes(next);
}

/** What a reported status does to the one we hold. Providers resend and reorder, so all three are normal. */
export type ReportEffect = 'advances' | 'repeats' | 'contradicts';

export function classifyReport(held: PaymentStatus, reported: ReportedPaymentStatus): ReportEffect {
  if (held === reported) return 'repeats';
  return mayFollow(held, reported) ? 'advances' : 'contradicts';
}

const liveStatuses: ReadonlySet<PaymentStatus> = new Set([
  ...(['SUBMITTING', 'ACTION_REQUIRED', 'PROCESSING', 'UNKNOWN', 'AUTHORIZED', 'CANCELING'] as const),
]);

/** True while money may still move without anybody starting anything new. */
export function isLive({ status }: { readonly status: PaymentStatus }): boolean {
  return liveStatuses.has(status);
}

/** True when the buyer has nothing to act by: what was handed out has run out, or was never heard of. */
export function lacksAction({ status, nextAction }: Pick<Payment, 'status' | 'nextAction'>, now: Date): boolean {
  if (status !== 'ACTION_REQUIRED') return false;
  const expiresAt = nextAction !== null && 'expiresAt' in nextAction ? nextAction.expiresAt : null;
  return nextAction === null || (expiresAt !== null && new Date(expiresAt) <= now);
}

/** True when the payment was given up, so that money coming in now is late. */
export function isAbandoned({ status }: { readonly status: PaymentStatus }): boolean {
  return status === 'FAILED' || status === 'CANCELED' || status === 'EXPIRED';
}

/** What waits for a person, of money that came after its order was closed: what went back meanwhile, or is on its way, waits no more. */
export function waitingMinor(
  payment: Pick<PaymentFacts, 'capturedMinor' | 'quarantinedMinor' | 'refundedMinor' | 'reservedMinor'>,
): bigint {
  const { capturedMinor, quarantinedMinor, refundedMinor, reservedMinor } = payment;
  const gone = refundedMinor + reservedMinor - (capturedMinor - quarantinedMinor);
  return gone <= 0n ? quarantinedMinor : quarantinedMinor > gone ? quarantinedMinor - gone : 0n;
}

/** What may still be given back of a payment: captured, and neither refunded nor on its way. */
export function refundableMinor(
  payment: Pick<PaymentFacts, 'capturedMinor' | 'refundedMinor' | 'reservedMinor'>,
): bigint {
  return payment.capturedMinor - payment.refundedMinor - payment.reservedMinor;
}
