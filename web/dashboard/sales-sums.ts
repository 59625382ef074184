import type { SalesQuery } from '../../generated/web/operations.ts';
import { methods } from './list-conditions.ts';

export type SalesRow = NonNullable<SalesQuery['salesSummary']>['rows'][number];
export type Method = (typeof methods)[number];

export const ranges = ['day', 'week', 'month'] as const;
export type Range = (typeof ranges)[number];

export type Span = {
  readonly from: Date;
  readonly before: Date;
  readonly interval: 'HOUR' | 'DAY';
  /** The starts of all intervals, also of those in which nothing happened. */
  readonly starts: readonly Date[];
};

/** The hours or days of a range up to now, in the time zone of the browser. */
export function spanOf(range: Range, now: Date): Span {
  const [interval, count] = range === 'day' ? (['HOUR', 24] as const) : (['DAY', range === 'week' ? 7 : 30] as const);
  const startOf = interval === 'HOUR' ? startOfHour : startOfDay;
  const starts = [startOf(now)];
  while (starts.length < count) starts.unshift(startOf(new Date(Number(starts[0]) - 1)));
  const [from = now] = starts;
  return { from, before: endOf(startOf(now), interval), interval, starts };
}

/** The hour that is repeated when clocks go back is two hours, as the API counts them: a local time alone would not tell them apart. */
function startOfHour(time: Date): Date {
  return new Date(time.getTime() - (time.getMinutes() * 60 + time.getSeconds()) * 1000 - time.getMilliseconds());
}

function startOfDay(time: Date): Date {
  return new Date(time.getFullYear(), time.getMonth(), time.getDate());
}

function endOf(start: Date, interval: Span['interval']): Date {
  if (interval === 'HOUR') return new Date(start.getTime() + hourMs);
  return new Date(start.getFullYear(), start.getMonth(), start.getDate() + 1);
}

const hourMs = 3_600_000;

export type Sum = {
  readonly started: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly capturedMinor: number;
  readonly refundedMinor: number;
};

export function sumOf(rows: readonly SalesRow[]): Sum {
  return rows.reduce<Sum>(
    (sum, row) => ({
      started: sum.started + row.started,
      succeeded: sum.succeeded + row.succeeded,
      failed: sum.failed + row.failed,
      capturedMinor: sum.capturedMinor + row.captured.amountMinor,
      refundedMinor: sum.refundedMinor + row.refunded.amountMinor,
    }),
    { started: 0, succeeded: 0, failed: 0, capturedMinor: 0, refundedMinor: 0 },
  );
}

/** The share of the payments that ended with success; null when none ended. */
export function successRateOf({ succeeded, failed }: Sum): number | null {
  const ended = succeeded + failed;
  return ended === 0 ? null : succeeded / ended;
}

/** The currencies of the rows, the one with the most payments first. */
export function currenciesOf(rows: readonly SalesRow[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { currency, started } of rows) counts.set(currency, (counts.get(currency) ?? 0) + started);
  return [...counts].sort(([, one], [, other]) => other - one).map(([currency]) => currency);
}

/** The captured amounts of each method, for each interval of the span. */
export function capturedByMethod(
  rows: readonly SalesRow[],
  { starts }: Span,
): { readonly method: Method; readonly minor: readonly number[] }[] {
  const places = new Map(starts.map((start, index) => [start.getTime(), index]));
  return methods.map((method) => {
    const minor = starts.map(() => 0);
    for (const row of rows) {
      const place = places.get(new Date(row.start).getTime());
      if (row.method !== method || place === undefined) continue;
      minor[place] = (minor[place] ?? 0) + row.captured.amountMinor;
    }
    return { method, minor };
  });
}
