import { describe, expect, test } from 'vitest';
import { orderStatuses } from '../../src/domain/order.ts';
import {
  classifyReport,
  isAbandoned,
  isLive,
  mayFollow,
  type PaymentStatus,
  paymentStatuses,
  type ReportedPaymentStatus,
} from '../../src/domain/payment.ts';
import { isReserved, mayFollowRefund, refundStatuses } from '../../src/domain/refund.ts';
import { orderTable, readTable, readTrigger } from './transition-table.ts';

// Rows are the held status, columns the next one. x: may follow. `.`: may not follow. 2: only in two steps of one decision,
// of which the database sees only the result.
const paymentTable = `
                  SUBMITTING ACTION_REQUIRED PROCESSING UNKNOWN AUTHORIZED SUCCEEDED CANCELING CANCELED EXPIRED FAILED
  SUBMITTING          .             x            x         x        x          x         x        x        x       x
  ACTION_REQUIRED     .             .            x         .        x          x         x        x        x       x
  PROCESSING          .             x            .         .        x          x         x        x        x       x
  UNKNOWN             .             x            x         .        x          x         x        x        x       x
  AUTHORIZED          .             .            .         .        .          x         x        x        x       .
  SUCCEEDED           .             .            .         .        .          .         .        .        .       .
  CANCELING           .             .            .         .        .          x         .        x        x       x
  CANCELED            .             .            .         .        x          x         2        .        .       .
  EXPIRED             .             .            .         .        x          x         2        .        .       .
  FAILED              .             .            .         .        x          x         2        .        .       .
`;

const refundTable = `
            PENDING UNKNOWN SUCCEEDED FAILED
  PENDING      .       x        x        x
  UNKNOWN      x       .        x        x
  SUCCEEDED    .       .        .        x
  FAILED       .       .        x        .
`;

// The effect of a reported status (column) on the held status (row). a: advances, r: repeats, c: contradicts.
const reportTable = `
                  ACTION_REQUIRED PROCESSING AUTHORIZED SUCCEEDED CANCELED EXPIRED FAILED
  SUBMITTING             a            a          a          a        a        a       a
  ACTION_REQUIRED        r            a          a          a        a        a       a
  PROCESSING             a            r          a          a        a        a       a
  UNKNOWN                a            a          a          a        a        a       a
  AUTHORIZED             c            c          r          a        a        a       c
  SUCCEEDED              c            c          c          r        c        c       c
  CANCELING              c            c          c          a        a        a       a
  CANCELED               c            c          a          a        r        c       c
  EXPIRED                c            c          a          a        c        r       c
  FAILED                 c            c          a          a        c        c       r
`;

type Machine = {
  readonly name: string;
  readonly statuses: readonly string[];
  readonly table: string;
  // `never`, because the statuses of a table are plain text. The first test checks that the table has exactly the statuses. Null for orders: only
  // the database refuses their transitions.
  readonly mayFollow: ((held: never, next: never) => boolean) | null;
};

describe.each<Machine>([
  { name: 'payments', statuses: paymentStatuses, table: paymentTable, mayFollow },
  { name: 'orders', statuses: orderStatuses, table: orderTable, mayFollow: null },
  { name: 'refunds', statuses: refundStatuses, table: refundTable, mayFollow: mayFollowRefund },
])('$name', ({ name, statuses, table, mayFollow }) => {
  const cells = readTable(table);

  test('every pair of statuses is in the table', () => {
    const pairs = statuses.flatMap((held) => statuses.map((next) => `${held} ${next}`));
    expect(cells.map(([held, next]) => `${held} ${next}`).sort()).toEqual(pairs.sort());
  });

  if (mayFollow !== null) {
    test.each(cells)('%s → %s: %s', (held, next, mark) => {
      expect(mayFollow(held as never, next as never)).toBe(mark === 'x');
    });
  }

  test('the database allows the transitions of the domain, and the two-step transitions', () => {
    const inDomain = cells.filter(([, , mark]) => mark !== '.').map(([held, next]) => `${held} → ${next}`);
    expect([...readTrigger(name)].sort()).toEqual(inDomain.sort());
  });
});

const effects: Readonly<Record<string, string>> = { a: 'advances', r: 'repeats', c: 'contradicts' };
const reports = readTable(reportTable).map(([held, reported, mark]) => [held, reported, effects[mark]] as const);

test('every reported status for every held status is in the table', () => {
  const ours = ['SUBMITTING', 'UNKNOWN', 'CANCELING']; // statuses that no provider can report
  const reported = paymentStatuses.filter((status) => !ours.includes(status));
  const pairs = paymentStatuses.flatMap((held) => reported.map((status) => `${held} ${status}`));
  expect(reports.map(([held, status]) => `${held} ${status}`).sort()).toEqual(pairs.sort());
});

test.each(reports)('on a %s payment, a report of %s %s the held status', (held, reported, effect) => {
  expect(classifyReport(held as PaymentStatus, reported as ReportedPaymentStatus)).toBe(effect);
});

test('SUCCEEDED follows every other status and has no followers', () => {
  for (const next of paymentStatuses) expect(mayFollow('SUCCEEDED', next)).toBe(false);
  for (const held of paymentStatuses) expect(mayFollow(held, 'SUCCEEDED')).toBe(held !== 'SUCCEEDED');
});

test.each<[status: PaymentStatus, standing: 'live' | 'abandoned' | 'paid']>([
  ['SUBMITTING', 'live'],
  ['ACTION_REQUIRED', 'live'],
  ['PROCESSING', 'live'],
  ['UNKNOWN', 'live'],
  ['AUTHORIZED', 'live'],
  ['CANCELING', 'live'],
  ['SUCCEEDED', 'paid'],
  ['CANCELED', 'abandoned'],
  ['EXPIRED', 'abandoned'],
  ['FAILED', 'abandoned'],
])('a %s payment is %s', (status, standing) => {
  expect({ live: isLive({ status }), abandoned: isAbandoned({ status }) }).toEqual({
    live: standing === 'live',
    abandoned: standing === 'abandoned',
  });
});

test('only a pending or unknown refund reserves its amount', () => {
  expect(refundStatuses.filter((status) => isReserved({ status }))).toEqual(['PENDING', 'UNKNOWN']);
});
