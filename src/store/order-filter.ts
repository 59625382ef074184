import type { OrderPaymentStatus, OrderStatus } from '../domain/order.ts';
import type { PaymentMethod, ProviderName } from '../domain/payment.ts';

/** Null stands for any. An empty list matches nothing. */
export type OrderFilter = {
  readonly statuses: readonly OrderStatus[] | null;
  readonly paymentStatuses: readonly OrderPaymentStatus[] | null;
  /** The order has a payment by one of these. */
  readonly methods: readonly PaymentMethod[] | null;
  readonly customerId: string | null;
  /** The beginning of the number. */
  readonly number: string | null;
  readonly createdFrom: Date | null;
  readonly createdBefore: Date | null;
  readonly currency: string | null;
  readonly needsReview: boolean | null;
  /** The order has a payment at one of these. */
  readonly providers: readonly ProviderName[] | null;
  readonly totalMinorFrom: bigint | null;
  /** The highest total that matches. */
  readonly totalMinorTo: bigint | null;
  /**
   * An id of the order, a payment or a refund, the provider's number of a payment, the customer, the beginning or the end of the number, or, for
   * the merchant's own people, a whole metadata value.
   */
  readonly search: string | null;
};

/** The first `limit` orders in one direction of (createdAt, id), later than the order `after` and earlier than the order `before`. */
export type OrderPage = {
  readonly filter: OrderFilter;
  /** Null for any order, when the rows are only counted. */
  readonly direction: 'asc' | 'desc' | null;
  readonly after: string | null;
  readonly before: string | null;
  readonly limit: number;
};

/**
 * Conditions that one index answers, or a few. All indexes have the order of the page, but that of `number`, that of an `amount` that is not
 * one total, and those of the beginning and the end of the number in `search`. Orders whose number has a beginning that many have are found
 * by their terms, period by period.
 *
 * `state` is the currency, the statuses and the review. A merchant has orders in a few dozen combinations of them at most, and the index has
 * the time behind them: the page is merged from the first orders of each combination that matches.
 */
export type Family = 'state' | 'customer' | 'method' | 'number' | 'amount' | 'search';

/**
 * A part of the number that is given: its beginning by `number`, its beginning by `search` as it is written and in upper case, as most numbers
 * are, and its end by `search`.
 */
export type NumberPart = 'number' | 'search' | 'upperSearch' | 'searchEnd';

/** The family that leads to the orders of a page, and the parts of the number that many have, whose orders are found in the order of the page. */
export type Leader = { readonly family: Family | undefined; readonly many: readonly NumberPart[] };

/** The parts of the number that `search` may be. */
export function partsOfSearch({ search }: OrderFilter): readonly NumberPart[] {
  const text = search ?? '';
  return text === text.toUpperCase() ? ['search', 'searchEnd'] : ['search', 'upperSearch', 'searchEnd'];
}

/** The text of a part. */
export function textOf(part: NumberPart, { number, search }: OrderFilter): string {
  if (part === 'number') return number ?? '';
  return part === 'upperSearch' ? (search ?? '').toUpperCase() : (search ?? '');
}

/** A family that at most this many orders match leads to all of them. */
export const fewMax = 300;
/** As `fewMax`, for amounts and for each part of a search: to look at all orders instead costs much more. */
export const foundMax = 2000;

/** The number of orders that a family may have to lead to them. */
export function mostOf(family: Family): number {
  return family === 'search' || family === 'amount' ? foundMax : fewMax;
}

/** Whether exactly one total matches. */
export function isOneTotal({ totalMinorFrom, totalMinorTo }: OrderFilter): boolean {
  return totalMinorFrom !== null && totalMinorFrom === totalMinorTo;
}
