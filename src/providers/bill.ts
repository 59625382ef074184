import type { BillLine } from '../domain/reconciliation.ts';

/** A provider's bill of one day. To read it again, request it again. */
export type Bill = {
  /** Temporary files are removed when the iteration ends, fails or is left. @throws {BillUnreadableError} */
  readonly lines: AsyncIterable<BillLine>;
  /** Null when the number is known only at the end. */
  readonly linesExpected: number | null;
};

/**
 * A day in the provider's time zone: from its first instant (inclusive) to the first instant of the next day
 * (exclusive).
 */
export type BillDay = { readonly from: Date; readonly until: Date };

/** Daily bills of a provider. Dates have the form `2026-11-21`. */
export type BillReader = {
  /** @throws {RangeError} for an invalid date. */
  billDay(date: string): BillDay;
  /**
   * @throws {BillNotAvailableError} when the provider does not have the bill yet or any more; {NoBillError} when the
   * reason may be a day without trades.
   * @throws {BillUnreadableError} when the bill as a whole cannot be trusted. No line was returned before.
   */
  readBill(date: string, signal: AbortSignal): Promise<Bill>;
};

/** The provider does not have the bill yet or any more. The message is readable text. */
export class BillNotAvailableError extends Error {}

/**
 * There is no bill so far: it is too early, or the day had no trades. Some providers make a bill only for days with
 * trades.
 */
export class NoBillError extends BillNotAvailableError {}

/** The bill does not have the provider's format, or is incomplete. The message is readable text that names the line. */
export class BillUnreadableError extends Error {}

/** A UTC day. @throws {RangeError} for an invalid date. */
export function utcDay(date: string): BillDay {
  const from = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(from.getTime()) || from.toISOString().slice(0, 10) !== date) {
    throw new RangeError('The date must have the form 2026-11-21.');
  }
  return { from, until: new Date(from.getTime() + 24 * 3_600_000) };
}
