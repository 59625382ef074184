import { idPrefixes } from './ids.ts';
import type { EvidenceSource, ReportEffect } from './payment.ts';

export const refundStatuses = ['PENDING', 'UNKNOWN', 'SUCCEEDED', 'FAILED'] as const;
export type RefundStatus = (typeof refundStatuses)[number];
export type ReportedRefundStatus = Exclude<RefundStatus, 'UNKNOWN'>;

export const refundOrigins = ['REQUESTED', 'SURPLUS', 'PROVIDER'] as const;
export type RefundOrigin = (typeof refundOrigins)[number];

/** What is so about a refund. Changes only together with an event. */
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

export type RefundPlan = {
  readonly checkAt: Date | null;
  readonly checkAttempts: number;
  readonly leasedUntil: Date | null;
};

export type Refund = RefundFacts & RefundPlan;

const followers: Readonly<Record<RefundStatus, readonly RefundStatus[]>> = {
  PENDING: ['UNKNOWN', 'SUCCEEDED', 'FAILED'],
  UNKNOWN: ['PENDING', 'SUCCEEDED', 'FAILED'],
  SUCCEEDED: ['FAILED'], // the bank sent it back: the amount is refundable again
  FAILED: ['SUCCEEDED'], // money beats no-money: the provider paid it out after all
};

export function mayFollowRefund(held: RefundStatus, next: RefundStatus): boolean {
  return followers[held].includes(next);
}

/** What a reported status does to the one we hold, as for payments. */
export function classifyRefundReport(held: RefundStatus, reported: ReportedRefundStatus): ReportEffect {
  if (held === reported) return 'repeats';
  return mayFollowRefund(held, reported) ? 'advances' : 'contradicts';
}

/** The refund that brings a payment's surplus back. One payment has one, so that no second one can be made for the same money. */
export function surplusRefundIdOf(paymentId: string): string {
  return paymentId.replace(`${idPrefixes.payment}_`, `${idPrefixes.refund}_`);
}

/** True while the refund's amount is set aside: neither refunded nor refundable. */
export function isReserved({ status }: { readonly status: RefundStatus }): boolean {
  return status === 'PENDING' || status === 'UNKNOWN';
}
