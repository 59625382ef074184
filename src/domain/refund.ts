import type { ActorKind } from './actor.ts';
import { idPrefixes } from './ids.ts';
import type { EvidenceSource, ReportEffect } from './payment.ts';

export const refundStatuses = ['PENDING', 'UNKNOWN', 'SUCCEEDED', 'FAILED'] as const;
export type RefundStatus = (typeof refundStatuses)[number];
export type ReportedRefundStatus = Exclude<RefundStatus, 'UNKNOWN'>;

export const refundOrigins = ['REQUESTED', 'SURPLUS', 'PROVIDER'] as const;
export type RefundOrigin = (typeof refundOrigins)[number];

/** Of a refund that waits, or waited, for another person. */
export const refundApprovals = ['NEEDED', 'APPROVED', 'REJECTED'] as const;
export type RefundApproval = (typeof refundApprovals)[number];

/** The facts of a refund. They change only together with an event, which carries the new values. */
export type RefundFacts = {
  readonly id: string;
  readonly orderId: string;
  readonly paymentId: string;
  readonly merchantId: string;
  readonly status: RefundStatus;
  readonly origin: RefundOrigin;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly reason: string | null;
  /** The caller of `requestRefund`; null for refunds of another origin, and for those of versions that did not record it. */
  readonly requestedByKind: ActorKind | null;
  readonly requestedById: string | null;
  /** Null when the refund needs no approval. */
  readonly approval: RefundApproval | null;
  /** Who approved or rejected it; null when nobody did. */
  readonly decidedByKind: ActorKind | null;
  readonly decidedById: string | null;
  readonly providerRefundId: string | null;
  readonly failureReason: string | null;
  readonly failureMessage: string | null;
  readonly failureProviderCode: string | null;
  readonly evidenceSource: EvidenceSource | null;
  readonly evidenceProviderTime: Date | null;
  readonly evidenceReceivedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly succeededAt: Date | null;
};

/** The planned work on a refund. It is not history and makes no events. */
export type RefundPlan = {
  readonly checkAt: Date | null;
  readonly checkAttempts: number;
  readonly leasedUntil: Date | null;
};

export type Refund = RefundFacts & RefundPlan;

const followers: Readonly<Record<RefundStatus, readonly RefundStatus[]>> = {
  PENDING: ['UNKNOWN', 'SUCCEEDED', 'FAILED'],
  UNKNOWN: ['PENDING', 'SUCCEEDED', 'FAILED'],
  SUCCEEDED: ['FAILED'], // the bank returned the money: the amount is refundable again
  FAILED: ['SUCCEEDED'], // the provider paid it out after all: a movement of money overrides a failure
};

export function mayFollowRefund(held: RefundStatus, next: RefundStatus): boolean {
  return followers[held].includes(next);
}

/** The effect of a reported status on the recorded status, as `classifyReport` for payments. */
export function classifyRefundReport(held: RefundStatus, reported: ReportedRefundStatus): ReportEffect {
  if (held === reported) return 'repeats';
  return mayFollowRefund(held, reported) ? 'advances' : 'contradicts';
}

/** The id of the first refund of a payment's surplus, which is derived from the payment's id. */
export function surplusRefundIdOf(paymentId: string): string {
  return paymentId.replace(`${idPrefixes.payment}_`, `${idPrefixes.refund}_`);
}

/** True while the refund is at its provider, or is to be submitted to it. A refund that waits for approval is not. */
export function isUnderWay(refund: Pick<RefundFacts, 'status' | 'approval'>): boolean {
  return isReserved(refund) && refund.approval !== 'NEEDED';
}

/** True while the refund's amount is reserved: not refunded yet, and not refundable. */
export function isReserved({ status }: { readonly status: RefundStatus }): boolean {
  return status === 'PENDING' || status === 'UNKNOWN';
}
