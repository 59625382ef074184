import type { Payment } from '../../src/domain/payment.ts';
import type { Refund } from '../../src/domain/refund.ts';
import type { SalesRow } from './rows.ts';

export type SoldPayment = Pick<
  Payment,
  'id' | 'method' | 'currency' | 'status' | 'capturedMinor' | 'createdAt' | 'succeededAt'
>;
export type SoldRefund = Pick<Refund, 'paymentId' | 'currency' | 'status' | 'amountMinor' | 'succeededAt'>;

const names = ['started', 'succeeded', 'failed', 'capturedMinor', 'refundedMinor'] as const;
type Name = (typeof names)[number];

/** Invariant 14: each kept sum equals the one that is computed from all payments and refunds. */
export function findWrongSales(
  sales: readonly SalesRow[],
  payments: readonly SoldPayment[],
  refunds: readonly SoldRefund[],
): string[] {
  const expected = new Map<string, bigint>();
  const kept = new Map<string, bigint>();
  const add = (to: Map<string, bigint>, at: Date, of: { method: string; currency: string }, name: Name, by: bigint) => {
    const quarter = new Date(at);
    quarter.setUTCMinutes(Math.floor(quarter.getUTCMinutes() / 15) * 15, 0, 0);
    const key = `${name} of ${of.method} in ${of.currency} at ${quarter.toISOString()}`;
    to.set(key, (to.get(key) ?? 0n) + by);
  };
  for (const payment of payments) {
    const { createdAt, succeededAt, status, capturedMinor } = payment;
    add(expected, createdAt, payment, 'started', 1n);
    if (succeededAt !== null) {
      add(expected, createdAt, payment, 'succeeded', 1n);
      add(expected, succeededAt, payment, 'capturedMinor', capturedMinor);
    } else if (status === 'FAILED' || status === 'EXPIRED' || status === 'CANCELED') {
      add(expected, createdAt, payment, 'failed', 1n);
    }
  }
  for (const { paymentId, currency, status, amountMinor, succeededAt } of refunds) {
    const payment = payments.find(({ id }) => id === paymentId);
    if (status !== 'SUCCEEDED' || succeededAt === null || payment === undefined) continue;
    add(expected, succeededAt, { method: payment.method, currency }, 'refundedMinor', amountMinor);
  }
  for (const row of sales) {
    for (const name of names) add(kept, new Date(row.quarter), row, name, BigInt(row[name]));
  }
  return [...new Set([...expected.keys(), ...kept.keys()])].flatMap((key) => {
    const [held, wanted] = [kept.get(key) ?? 0n, expected.get(key) ?? 0n];
    return held === wanted ? [] : [`the sum ${key} is ${held}, the rows sum up to ${wanted}`];
  });
}
