/** The invariants. The first nine are promises of the product; the others cover ways in which those could fail unnoticed. */
export const invariants = {
  1: '0 ≤ refunded + reserved ≤ captured ≤ authorized, per payment; one currency per order',
  2: 'per payment and refund, our amounts equal the provider’s ledger, once all is quiet',
  3: 'captured = applied + surplus + quarantined, always',
  4: 'one idempotency key, one effect, one answer',
  5: 'every acknowledged callback is in the inbox once and applied, ignored for a stated reason, or in review',
  6: 'events of an order are 1..n without gap; their fold equals its rows; a change without an event does not exist',
  7: 'no order is CANCELED or EXPIRED with money kept and no refund or review',
  8: 'nothing is UNKNOWN or PENDING without a time when it is next asked, or a review',
  9: 'every subscriber’s deliveries are the log of its scope from its first cursor: no gap, no repeat, no disorder',
  10: 'nothing fails by itself: no internal error and no complaint unless the schedule broke a statement',
  11: 'only the provider’s word makes a payment or a refund FAILED',
  12: 'when an order ends, nothing of it can be paid at the provider any more',
  13: 'what a payment brought beyond its order is on its way back from the moment on, or a person is asked',
  14: 'the sums of sales are those of the payments and refunds, at every moment',
  15: 'every webhook endpoint acknowledges each event of its types in the end; an ordered one gets those of an order in sequence',
} as const;
export type InvariantNumber = keyof typeof invariants;

/** One violation of an invariant, in a sentence with ids. */
export type Violation = { readonly invariant: InvariantNumber; readonly what: string };

export function violationsOf(invariant: InvariantNumber, problems: readonly string[]): Violation[] {
  return problems.map((what) => ({ invariant, what }));
}
