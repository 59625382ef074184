import type { BillLine } from '../domain/reconciliation.ts';

/** A provider's bill of one of its days. Reading it again is asking for it again. */
export type Bill = {
  /** What it needs on disk is gone once the iteration has ended, failed, or was left. @throws {BillUnreadableError} */
  readonly lines: AsyncIterable<BillLine>;
  /** Null when the provider tells only by the end. */
  readonly linesExpected: number | null;
};

/** A day as a provider counts days: from its first instant up to, and without, the next one's. */
export type BillDay = { readonly from: Date; readonly until: Date };

/** What a provider can say of a whole day. Dates are `2026-11-21`. */
export type BillReader = {
  /** @throws {RangeError} when there is no such day. */
  billDay(date: string): BillDay;
  /**
   * @throws {BillNotAvailableError} when the provider has no bill of the day, yet or any more; {NoBillError} when it may be for want of trades.
   * @throws {BillUnreadableError} when what it sent cannot be believed as a whole; nothing of it was told then.
   */
  readBill(date: string, signal: AbortSignal): Promise<Bill>;
};

/** The provider has no bill of the day, yet or any more. The message is for people. */
export class BillNotAvailableError extends Error {}

/** So far there is no such bill: it is too early, or nothing was traded on that day. Some providers give one out only where there are trades. */
export class NoBillError extends BillNotAvailableError {}

/** The bill is not what a bill of this provider looks like, or not all of it. The message is for people and names the line. */
export class BillUnreadableError extends Error {}

/** The day by the calendar of UTC. @throws {RangeError} when there is no such day. */
export function utcDay(date: string): BillDay {
  const from = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(from.getTime()) || from.toISOString().slice(0, 10) !== date) {
    throw new RangeError('A day was expected, as 2026-11-21.');
  }
  return { from, until: new Date(from.getTime() + 24 * 3_600_000) };
}
