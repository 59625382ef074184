import { describe, expect, test } from 'vitest';
import { mayFollowOrder, orderStatuses } from '../../src/domain/order.ts';
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
import { readTable, readTrigger } from './transition-table.ts';

// Held down the side, next along the top. x: may follow; .: may not; 2: not in one step, but in two that one decision takes, of which
// the database sees only the last.
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

const orderTable = `
            OPEN CLOSING CONFIRMED CANCELED EXPIRED
  OPEN        .     x        x        2        2
  CLOSING     .     .        x        x        x
  CONFIRMED   x     x        .        x        x
  CANCELED    .     .        x        .        .
  EXPIRED     .     .        x        .        .
`;

const refundTable = `
            PENDING UNKNOWN SUCCEEDED FAILED
  PENDING      .       x        x        x
  UNKNOWN      x       .        x        x
  SUCCEEDED    .       .        .        x
  FAILED       .       .        x        .
`;

// What a report does to what we hold. a: advances, r: repeats, c: contradicts.
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
  // The statuses of a table are text; that all of them are there, and no others, is checked first.
  readonly mayFollow: (held: never, next: never) => boolean;
};

describe.each<Machine>([
  { name: 'payments', statuses: paymentStatuses, table: paymentTable, mayFollow },
  { name: 'orders', statuses: orderStatuses, table: orderTable, mayFollow: mayFollowOrder },
  { name: 'refunds', statuses: refundStatuses, table: refundTable, mayFollow: mayFollowRefund },
])('$name', ({ name, statuses, table, mayFollow }) => {
  const cells = readTable(table);

  test('have every pair of statuses in the table', () => {
    const pairs = statuses.flatMap((held) => statuses.map((next) => `${held} ${next}`));
    expect(cells.map(([held, next]) => `${held} ${next}`).sort()).toEqual(pairs.sort());
  });

  test.each(cells)('%s → %s: %s', (held, next, mark) => {
    expect(mayFollow(held as never, next as never)).toBe(mark === 'x');
  });

  test('follow each other in the database as in the domain, and where two steps are taken at once', () => {
    const inDomain = cells.filter(([, , mark]) => mark !== '.').map(([held, next]) => `${held} → ${next}`);
    expect([...readTrigger(name)].sort()).toEqual(inDomain.sort());
  });
});

const effects: Readonly<Record<string, string>> = { a: 'advances', r: 'repeats', c: 'contradicts' };
const reports = readTable(reportTable).map(([held, reported, mark]) => [held, reported, effects[mark]] as const);

test('every report on every status is in the table', () => {
  const ours = ['SUBMITTING', 'UNKNOWN', 'CANCELING']; // no provider can say these
  const reported = paymentStatuses.filter((status) => !ours.includes(status));
  const pairs = paymentStatuses.flatMap((held) => reported.map((status) => `${held} ${status}`));
  expect(reports.map(([held, status]) => `${held} ${status}`).sort()).toEqual(pairs.sort());
});

test.each(reports)('on a %s payment, a report of %s %s what we hold', (held, reported, effect) => {
  expect(classifyReport(held as PaymentStatus, reported as ReportedPaymentStatus)).toBe(effect);
});

test('money that was taken is never untaken', () => {
  for (const next of paymentStatuses) expect(mayFollow('SUCCEEDED', next)).toBe(false);
  for (const held of paymentStatuses) expect(mayFollow(held, 'SUCCEEDED')).toBe(held !== 'SUCCEEDED');
});

test.each<[status: PaymentStatus, standing: 'live' | 'given up' | 'paid']>([
  ['SUBMITTING', 'live'],
  ['ACTION_REQUIRED', 'live'],
  ['PROCESSING', 'live'],
  ['UNKNOWN', 'live'],
  ['AUTHORIZED', 'live'],
  ['CANCELING', 'live'],
  ['SUCCEEDED', 'paid'],
  ['CANCELED', 'given up'],
  ['EXPIRED', 'given up'],
  ['FAILED', 'given up'],
])('a %s payment is %s', (status, standing) => {
  expect({ live: isLive({ status }), givenUp: isAbandoned({ status }) }).toEqual({
    live: standing === 'live',
    givenUp: standing === 'given up',
  });
});

test('only a refund that is on its way holds its amount back', () => {
  expect(refundStatuses.filter((status) => isReserved({ status }))).toEqual(['PENDING', 'UNKNOWN']);
});
