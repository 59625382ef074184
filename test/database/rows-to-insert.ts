import type pg from 'pg';

/** Values by column: a valid row, which a test changes in one place. */
export type Row = Readonly<Record<string, unknown>>;

const at = '2026-01-01T00:00:00Z';

export const merchantRow: Row = { id: 'mch_1', name: 'Tea', return_origins: '{}', created_at: at };

export const orderRow: Row = {
  ...{ id: 'ord_1', merchant_id: 'mch_1', number: 'A-1', status: 'OPEN', payment_status: 'UNPAID' },
  ...{ capture_mode: 'AUTOMATIC', currency: 'EUR', total_minor: 1000, authorized_minor: 0, captured_minor: 0 },
  ...{ refunded_minor: 0, reserved_minor: 0, metadata: '{}', review_reasons: '{}', created_at: at, updated_at: at },
  ...{ expires_at: at, version: 1, epoch: 1, xid: 1 },
};

export const lineRow: Row = {
  ...{ order_id: 'ord_1', position: 0, merchant_id: 'mch_1', name: 'Cup', quantity: 1, unit_minor: 1000 },
  currency: 'EUR',
};

export const paymentRow: Row = {
  ...{ id: 'pay_1', order_id: 'ord_1', merchant_id: 'mch_1', method: 'CARD', flow: 'EMBEDDED', provider: 'STRIPE' },
  ...{ provider_account: 'acct_1', status: 'SUCCEEDED', capture_mode: 'AUTOMATIC', currency: 'EUR' },
  ...{ amount_minor: 1000, authorized_minor: 1000, captured_minor: 1000, refunded_minor: 300, reserved_minor: 700 },
  ...{ applied_minor: 500, surplus_minor: 300, quarantined_minor: 200, late: false, created_at: at, updated_at: at },
  ...{ expires_at: at, check_attempts: 0 },
};

export const refundRow: Row = {
  ...{ id: 'rfd_1', order_id: 'ord_1', payment_id: 'pay_1', merchant_id: 'mch_1', status: 'PENDING' },
  ...{ origin: 'REQUESTED', currency: 'EUR', amount_minor: 300, created_at: at, updated_at: at, check_attempts: 0 },
};

export const eventRow: Row = {
  ...{ id: 'evt_1', epoch: 1, merchant_id: 'mch_1', order_id: 'ord_1', sequence: 1, type: 'ORDER_CREATED' },
  ...{ occurred_at: at, order_number: 'A-1', order_status: 'OPEN', order_payment_status: 'UNPAID', currency: 'EUR' },
  ...{ changes: '{}' },
};

export const deliveryRow: Row = {
  ...{ provider: 'STRIPE', provider_account: 'acct_1', event_id: 'evt_stripe', event_type: 'charge.succeeded' },
  ...{ headers: '{}', body: '', status: 'PENDING', received_at: at, apply_attempts: 0 },
};

export async function insertRow(queryable: pg.Pool | pg.ClientBase, table: string, row: Row): Promise<void> {
  const columns = Object.keys(row);
  const places = columns.map((_, index) => `$${index + 1}`);
  await queryable.query(`INSERT INTO ${table} (${columns}) VALUES (${places})`, Object.values(row));
}
