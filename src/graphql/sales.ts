import { quarterOf } from '../domain/sales.ts';
import { encodeCursor, type LogPosition } from '../events/cursor.ts';
import { readLogEnd } from '../events/log.ts';
import { readSales, type SalesInterval, type SalesSum, salesIntervals } from '../store/sales-store.ts';
import { builder } from './builder.ts';
import { actorOf, badUserInput } from './context.ts';
import { described, PaymentMethod } from './enums.ts';
import { MoneyType } from './money.ts';

const dayMs = 24 * 60 * 60_000;
const daysMax: Readonly<Record<SalesInterval, number>> = { HOUR: 62, DAY: 400, TOTAL: 400 };

const SalesIntervalType = builder.enumType('SalesInterval', {
  description: 'What the sums are separated by, besides method and currency.',
  values: described(salesIntervals, {
    HOUR: `The hours of the time zone, over at most ${daysMax.HOUR} days.`,
    DAY: `The days of the time zone, over at most ${daysMax.DAY} days.`,
    TOTAL: `Nothing: one sum over at most ${daysMax.TOTAL} days.`,
  }),
});

const SalesRow = builder.objectRef<SalesSum>('SalesRow').implement({
  description: 'The sums of one method in one currency.',
  fields: (t) => ({
    start: t.expose('start', {
      type: 'DateTime',
      description: 'The start of the hour or day, which may be before `from`; for TOTAL the start of the range.',
    }),
    method: t.expose('method', { type: PaymentMethod, description: 'The means of payment.' }),
    currency: t.expose('currency', { type: 'CurrencyCode', description: 'The currency.' }),
    started: t.int({
      description: 'The number of payments that were started in this time.',
      resolve: ({ started }) => Number(started),
    }),
    succeeded: t.int({
      description: 'How many of them have succeeded, by now.',
      resolve: ({ succeeded }) => Number(succeeded),
    }),
    failed: t.int({
      description: 'How many of them have ended without money, by now: FAILED, CANCELED or EXPIRED.',
      resolve: ({ failed }) => Number(failed),
    }),
    captured: t.field({
      type: MoneyType,
      description: 'The amount that was captured in this time.',
      resolve: ({ capturedMinor, currency }) => ({ amountMinor: capturedMinor, currency }),
    }),
    refunded: t.field({
      type: MoneyType,
      description: 'The amount whose refund succeeded in this time.',
      resolve: ({ refundedMinor, currency }) => ({ amountMinor: refundedMinor, currency }),
    }),
    successRate: t.float({
      nullable: true,
      description:
        '`succeeded` divided by `succeeded` plus `failed`, 0 to 1; null when none of the payments has ended.',
      resolve: ({ succeeded, failed }) =>
        succeeded + failed === 0n ? null : Number(succeeded) / Number(succeeded + failed),
    }),
  }),
});

type Summary = { readonly rows: readonly SalesSum[]; readonly end: LogPosition };

const SalesSummary = builder.objectRef<Summary>('SalesSummary').implement({
  description: 'Sums of payments and refunds.',
  fields: (t) => ({
    rows: t.field({
      type: [SalesRow],
      complexity: { multiplier: 1 },
      description: 'The sums, sorted by start, method and currency. Where nothing happened there is no row.',
      resolve: ({ rows }) => [...rows],
    }),
    asOf: t.field({
      type: 'EventCursor',
      description:
        'The position of the merchant’s event log right before the sums were read: every event up to it is counted. Pass it as `after` to ' +
        '`merchantEvents` to learn when to read again.',
      resolve: ({ end }, _args, { logId }) => encodeCursor(logId, 'merchant', end),
    }),
  }),
});

/** A name that the database and JavaScript understand alike. Offsets such as `+08` are not: PostgreSQL reads them the other way round. */
function timeZoneOf(name: string): string {
  try {
    if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/.test(name)) throw new RangeError(name);
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw badUserInput('timeZone', 'is not the name of a time zone, such as Asia/Shanghai.');
  }
}

builder.queryField('salesSummary', (t) =>
  t.field({
    type: SalesSummary,
    nullable: true,
    complexity: { field: 100, multiplier: 100 },
    description:
      'Sums of payments and refunds, by time, method and currency. `from` and `before` are rounded down to a quarter of an hour.',
    args: {
      from: t.arg({ type: 'DateTime', required: true, description: 'The start of the range.' }),
      before: t.arg({
        type: 'DateTime',
        required: true,
        description: 'The end of the range, which is not part of it.',
      }),
      interval: t.arg({ type: SalesIntervalType, required: true, description: 'What the sums are separated by.' }),
      timeZone: t.arg.string({
        defaultValue: 'UTC',
        description: 'The time zone of hours and days, such as `Asia/Shanghai`.',
      }),
    },
    resolve: async (_root, args, context) => {
      const { merchantId } = actorOf(context);
      const { pool } = context.commands.db;
      const { interval } = args;
      const range = { from: quarterOf(args.from), before: quarterOf(args.before), interval };
      const lengthMs = range.before.getTime() - range.from.getTime();
      if (lengthMs <= 0) throw badUserInput('before', 'must be at least a quarter of an hour after from.');
      if (lengthMs > daysMax[interval] * dayMs) {
        throw badUserInput('from', `must be at most ${daysMax[interval]} days before \`before\` for ${interval}.`);
      }
      const timeZone = timeZoneOf(args.timeZone ?? 'UTC');
      const end = await readLogEnd(pool); // before the sums, so that they have all of it
      return { end, rows: await readSales(pool, merchantId, { ...range, timeZone }) };
    },
  }),
);
