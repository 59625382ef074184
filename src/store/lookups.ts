import type { Database } from '../database/database.ts';
import { gatherLookups } from '../database/gathered-lookups.ts';
import type { Payment } from '../domain/payment.ts';
import { type CardAttempt, type CardBuyer, findCardBuyers } from './card-failure-store.ts';
import { findPayments } from './payment-store.ts';

/** Single reads that many callers make at the same time. Those that wait together share a statement. */
export type Lookups = {
  /** The payment with this id, or null. */
  readonly payment: (paymentId: string) => Promise<Payment | null>;
  /** Who pays by card with a call. */
  readonly cardBuyer: (attempt: CardAttempt) => Promise<CardBuyer>;
};

export function createLookups({ writes }: Pick<Database, 'writes'>): Lookups {
  return {
    payment: gatherLookups((ids) => findPayments(writes, ids)),
    cardBuyer: gatherLookups((attempts) => findCardBuyers(writes, attempts)),
  };
}
