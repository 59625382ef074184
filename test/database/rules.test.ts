import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database, Tx } from '../../src/database/database.ts';
import { orderStatuses } from '../../src/domain/order.ts';
import { mayFollow, paymentStatuses } from '../../src/domain/payment.ts';
import { mayFollowRefund, refundStatuses } from '../../src/domain/refund.ts';
import { mayFollowOrder } from '../domain/transition-table.ts';
import { openTestDatabase } from '../support/database.ts';
import * as rows from './rows-to-insert.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
  await rows.insertRow(database.pool, 'merchants', rows.merchantRow);
  await rows.insertRow(database.pool, 'orders', rows.orderRow);
  await rows.insertRow(database.pool, 'payments', rows.paymentRow);
  await rows.insertRow(database.pool, 'events', rows.eventRow);
});
afterAll(() => database.close());

const undo = new Error('undo');

/** Runs `work` in a transaction that is rolled back, and returns the database error or null. */
async function errorOf(work: (tx: Tx) => Promise<unknown>): Promise<unknown> {
  const outcome: unknown = await database
    .transaction(async (tx) => {
      await work(tx);
      throw undo;
    })
    .catch((error: unknown) => error);
  return outcome === undo ? null : outcome;
}

const tables = {
  merchants: { ...rows.merchantRow, id: 'mch_2' },
  orders: { ...rows.orderRow, id: 'ord_2', number: 'A-2' },
  order_lines: rows.lineRow,
  payments: { ...rows.paymentRow, id: 'pay_2' },
  refunds: rows.refundRow,
  events: { ...rows.eventRow, id: 'evt_2', sequence: 2 },
  deliveries: rows.deliveryRow,
} satisfies Record<string, rows.Row>;
type Table = keyof typeof tables;

test.each(Object.entries(tables))('%s takes a row that keeps every rule', async (table, row) => {
  expect(await errorOf((tx) => rows.insertRow(tx, table, row))).toBeNull();
});

const none = { authorized_minor: 0, captured_minor: 0, refunded_minor: 0, reserved_minor: 0 };
const unplaced = { ...none, applied_minor: 0, surplus_minor: 0, quarantined_minor: 0 };

test.each<[table: Table, change: rows.Row, constraint: string]>([
  ['merchants', { id: 'ord_1' }, 'merchants_id_check'],
  ['merchants', { return_origins: null }, 'merchants_return_origins_check'],
  ['orders', { id: 'order_2' }, 'orders_id_check'],
  ['orders', { currency: 'eur' }, 'orders_currency_check'],
  ['orders', { total_minor: 0 }, 'orders_total_minor_check'],
  ['orders', { authorized_minor: -1 }, 'orders_authorized_minor_check'],
  ['orders', { captured_minor: -1, refunded_minor: -1 }, 'orders_captured_minor_check'],
  ['orders', { refunded_minor: -1 }, 'orders_refunded_minor_check'],
  ['orders', { reserved_minor: -1 }, 'orders_reserved_minor_check'],
  ['orders', { captured_minor: 10, refunded_minor: 6, reserved_minor: 5 }, 'orders_refunds_within_captured_check'],
  ['orders', { metadata: '[]' }, 'orders_metadata_check'],
  ['orders', { review_reasons: null }, 'orders_review_reasons_check'],
  ['orders', { version: 0 }, 'orders_version_check'],
  ['orders', { epoch: 0 }, 'orders_epoch_check'],
  ['order_lines', { quantity: 0 }, 'order_lines_quantity_check'],
  ['order_lines', { quantity: 1_000_000 }, 'order_lines_quantity_check'],
  ['order_lines', { unit_minor: -1 }, 'order_lines_unit_minor_check'],
  ['order_lines', { currency: 'eur' }, 'order_lines_currency_check'],
  ['order_lines', { position: -1 }, 'order_lines_position_check'],
  ['payments', { id: 'rfd_2' }, 'payments_id_check'],
  ['payments', { currency: 'EU1' }, 'payments_currency_check'],
  ['payments', { ...unplaced, amount_minor: 0 }, 'payments_amount_minor_check'],
  ['payments', { ...unplaced, refunded_minor: -1 }, 'payments_refunded_minor_check'],
  ['payments', { ...unplaced, reserved_minor: -1 }, 'payments_reserved_minor_check'],
  ['payments', { ...unplaced, surplus_minor: -1, applied_minor: 1 }, 'payments_surplus_minor_check'],
  ['payments', { ...unplaced, applied_minor: -1, surplus_minor: 1 }, 'payments_applied_minor_check'],
  ['payments', { ...unplaced, quarantined_minor: -1, surplus_minor: 1 }, 'payments_quarantined_minor_check'],
  ['payments', { ...unplaced, authorized_minor: 1001 }, 'payments_authorized_within_amount_check'],
  ['payments', { authorized_minor: 999 }, 'payments_captured_within_authorized_check'],
  ['payments', { refunded_minor: 301 }, 'payments_refunds_within_captured_check'],
  ['payments', { applied_minor: 501 }, 'payments_captured_is_placed_check'],
  ['payments', { check_attempts: -2 }, 'payments_check_attempts_check'],
  ['refunds', { id: 'pay_2' }, 'refunds_id_check'],
  ['refunds', { amount_minor: 0 }, 'refunds_amount_minor_check'],
  ['refunds', { currency: '' }, 'refunds_currency_check'],
  ['refunds', { check_attempts: -1 }, 'refunds_check_attempts_check'],
  ['events', { id: '1' }, 'events_id_check'],
  ['events', { sequence: 0 }, 'events_sequence_check'],
  ['events', { epoch: 0 }, 'events_epoch_check'],
  ['events', { amount_minor: -1 }, 'events_amount_minor_check'],
  ['events', { currency: 'eur' }, 'events_currency_check'],
  ['events', { changes: 'null' }, 'events_changes_check'],
  ['deliveries', { apply_attempts: -1 }, 'deliveries_apply_attempts_check'],
])('%s refuses %o', async (table, change, constraint) => {
  const error = await errorOf((tx) => rows.insertRow(tx, table, { ...tables[table], ...change }));
  expect(error).toMatchObject({ code: '23514', constraint });
});

test('the log state is one row', async () => {
  const row = { id: 2, log_id: 'x', epoch: 1, system_identifier: '1' };
  const error = await errorOf((tx) => rows.insertRow(tx, 'log_state', row));
  expect(error).toMatchObject({ code: '23514', constraint: 'log_state_id_check' });
});

test.each<[table: Table, row: rows.Row, constraint: string]>([
  ['events', { ...tables.events, sequence: 1 }, 'events_order_id_sequence_key'],
  ['orders', { ...tables.orders, number: 'A-1' }, 'orders_merchant_id_number_key'],
])('%s refuses duplicates: %o', async (table, row, constraint) => {
  const error = await errorOf((tx) => rows.insertRow(tx, table, row));
  expect(error).toMatchObject({ code: '23505', constraint });
});

test('the inbox refuses a second delivery of the same event', async () => {
  const error = await errorOf(async (tx) => {
    await rows.insertRow(tx, 'deliveries', rows.deliveryRow);
    await rows.insertRow(tx, 'deliveries', rows.deliveryRow);
  });
  expect(error).toMatchObject({ code: '23505', constraint: 'deliveries_provider_provider_account_event_id_key' });
});

test.each([
  'UPDATE events SET sequence = 2',
  'UPDATE events SET sequence = 2 WHERE false',
  'DELETE FROM events',
  'TRUNCATE events',
  'TRUNCATE orders CASCADE',
  `INSERT INTO events SELECT * FROM events ON CONFLICT (id) DO UPDATE SET sequence = 2`,
])('the log refuses: %s', async (sql) => {
  expect(await errorOf((tx) => tx.query(sql))).toMatchObject({ code: '23001', constraint: 'events_append_only' });
});

test.each(['orders', 'payments', 'merchants'])('%s with an event cannot be deleted', async (table) => {
  const error = await errorOf(async (tx) => {
    await rows.insertRow(tx, 'refunds', rows.refundRow);
    await tx.query(`DELETE FROM ${table}`);
  });
  // PostgreSQL 18 has a separate code for ON DELETE RESTRICT.
  expect(error).toMatchObject({ code: expect.stringMatching(/^(23503|23001)$/) });
});

/** Tests each pair on its own row, which is inserted with the first status and then changed to the second. */
type Machine = {
  readonly table: 'orders' | 'payments' | 'refunds';
  readonly statuses: readonly string[];
  readonly row: rows.Row;
  readonly mayFollow: (held: never, next: never) => boolean;
};

/** Two domain steps in one transaction, so that the row shows only the second. */
const inOneWrite: Readonly<Record<Machine['table'], readonly string[]>> = {
  orders: ['OPEN CANCELED', 'OPEN EXPIRED'],
  payments: ['FAILED CANCELING', 'CANCELED CANCELING', 'EXPIRED CANCELING'],
  refunds: [],
};

test.each<Machine>([
  { table: 'orders', statuses: orderStatuses, row: tables.orders, mayFollow: mayFollowOrder },
  { table: 'payments', statuses: paymentStatuses, row: tables.payments, mayFollow },
  { table: 'refunds', statuses: refundStatuses, row: tables.refunds, mayFollow: mayFollowRefund },
])('$table change status exactly as the domain allows', async ({ table, statuses, row, mayFollow }) => {
  const pairs = statuses.flatMap((held) => statuses.map((next) => [held as never, next as never] as const));
  for (const [held, next] of pairs) {
    const error = await errorOf(async (tx) => {
      await rows.insertRow(tx, table, { ...row, status: held });
      await tx.query(`UPDATE ${table} SET status = $1 WHERE id = $2`, [next, row.id]);
    });
    const isLegal = held === next || mayFollow(held, next) || inOneWrite[table].includes(`${held} ${next}`);
    const expected = isLegal ? null : expect.objectContaining({ code: '23514', constraint: `${table}_status_follows` });
    expect([held, next, error]).toEqual([held, next, expected]);
  }
});
