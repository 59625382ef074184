import type pg from 'pg';
import type { Database } from '../database/database.ts';
import type { BillLine, HeldPayment, HeldRefund } from '../domain/reconciliation.ts';
import { fromRow } from './rows.ts';

/** The account whose payments are reconciled. */
export type Account = { readonly provider: string; readonly providerAccount: string };

/** The payment and refund that a bill line names; null when none is recorded. */
export type Named = { readonly payment: HeldPayment | null; readonly refund: HeldRefund | null };

/**
 * A recorded payment or refund of the day that has no line in the bill. The money moved between `earliestAt` and
 * `succeededAt`. `providerRefundId` is null for a payment.
 */
export type Unlisted = {
  readonly id: string;
  readonly orderId: string;
  readonly paymentId: string;
  readonly providerPaymentId: string | null;
  readonly providerRefundId: string | null;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly earliestAt: Date;
  readonly succeededAt: Date;
};

/** The number of rows that one statement scans. */
const pageRows = 5000;

const makeListedSql = 'create temporary table reconciled_rows (id text primary key)';
const dropListedSql = 'drop table if exists reconciled_rows';
const listSql = `
  insert into reconciled_rows (id) select distinct unnest($1::text[]) on conflict do nothing returning id`;

// The provider's id has priority over our id, because our id could have been copied to another object at the provider.
const findNamedSql = `
  select p.id as payment_id, p.order_id, p.provider, p.status::text as payment_status, p.capture_mode::text, p.amount_minor,
    p.captured_minor, p.currency::text, p.provider_payment_id,
    r.id as refund_id, r.status::text as refund_status, r.amount_minor as refund_amount_minor,
    r.currency::text as refund_currency, r.provider_refund_id
  from unnest($3::text[], $4::text[], $5::text[], $6::text[]) with ordinality
    as line (payment_id, provider_payment_id, refund_id, provider_refund_id, position)
  left join lateral (
    select * from (
      (select 1 as rank, named.* from payments named where named.provider = $1 and named.provider_account = $2
        and named.provider_payment_id = line.provider_payment_id limit 1)
      union all
      select 2, named.* from payments named where named.provider = $1 and named.provider_account = $2
        and named.id = line.payment_id
    ) found order by rank limit 1
  ) p on true
  left join lateral (
    select * from refunds named where named.payment_id = p.id and (
      named.provider_refund_id = line.provider_refund_id or (named.id = line.refund_id
        and (named.provider_refund_id is null or line.provider_refund_id is null)))
    order by named.provider_refund_id = line.provider_refund_id desc nulls last limit 1
  ) r on true
  order by line.position`;

const pageOf = (rows: string) => `
  with page as materialized (${rows}), missing as (
    select * from page where not exists (select from reconciled_rows listed where listed.id = page.id)
  )
  select page.id, page.succeeded_at, (select count(*) from page) as rows,
    (select coalesce(jsonb_agg(to_jsonb(missing) order by missing.succeeded_at, missing.id), '[]') from missing) as missing
  from page order by page.succeeded_at desc, page.id desc limit 1`;
// Without a provider time, the money moved between the start of the payment and the time at which we recorded its success.
const unlistedPaymentsSql = pageOf(`
  select p.id, p.order_id, p.id as payment_id, p.provider_payment_id, null as provider_refund_id,
    p.captured_minor as amount_minor, p.currency, p.succeeded_at,
    case when p.evidence_provider_time is null then p.created_at else p.succeeded_at end as earliest_at
  from payments p
  where p.provider = $1 and p.provider_account = $2 and p.status = 'SUCCEEDED'
    and p.succeeded_at >= $3 and p.succeeded_at < $4 and (p.succeeded_at, p.id) > ($5, $6)
  order by p.succeeded_at, p.id limit ${pageRows}`);
// Some providers list a refund on the day on which they accept it, others on the day on which it ends.
const unlistedRefundsSql = pageOf(`
  select r.id, r.order_id, r.payment_id, p.provider_payment_id, r.provider_refund_id,
    r.amount_minor, r.currency, r.succeeded_at, r.created_at as earliest_at
  from refunds r join payments p on p.id = r.payment_id
  where p.provider = $1 and p.provider_account = $2 and r.status = 'SUCCEEDED'
    and r.succeeded_at >= $3 and r.succeeded_at < $4 and (r.succeeded_at, r.id) > ($5, $6)
  order by r.succeeded_at, r.id limit ${pageRows}`);

/** The database side of one reconciliation. The ids of listed rows are stored in a table, because there may be millions. */
export type Ledger = {
  /** Finds the payments and refunds that the lines name, in the order of the lines. */
  findNamed(lines: readonly BillLine[]): Promise<Named[]>;
  /** Marks rows as listed in the bill. Returns the ids that were not listed before. */
  markListed(ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** The number of rows listed so far. */
  listedCount(): number;
  /** The rows that succeeded in `[from, until)` and are not listed, in batches. */
  unlisted(kind: 'payment' | 'refund', from: Date, until: Date): AsyncIterable<readonly Unlisted[]>;
};

/** Runs `work` with a temporary ledger, which is dropped afterwards. */
export async function withLedger<T>(
  database: Database,
  account: Account,
  work: (ledger: Ledger) => Promise<T>,
): Promise<T> {
  return withSession(database, async (session) => {
    await session.query(dropListedSql);
    await session.query(makeListedSql);
    try {
      return await work(ledgerOn(session, account));
    } finally {
      await session.query(dropListedSql).catch(() => {}); // a lost connection takes its temporary tables with it
    }
  });
}

type Session = pg.Pool | pg.PoolClient;

/**
 * Temporary tables belong to a connection, so one is reserved for the work. PGlite has a single connection. It is not
 * reserved, because all other queries would wait.
 */
async function withSession<T>({ kind, pool }: Database, work: (session: Session) => Promise<T>): Promise<T> {
  if (kind === 'pglite') return work(pool);
  const client = await pool.connect();
  try {
    return await work(client);
  } finally {
    client.release();
  }
}

function ledgerOn(session: Session, { provider, providerAccount }: Account): Ledger {
  let listedCount = 0;
  return {
    listedCount: () => listedCount,
    async findNamed(lines) {
      const { rows } = await session.query<NamedRow>(findNamedSql, [
        ...[provider, providerAccount],
        lines.map(({ kind, merchantNumber, paymentNumber }) => (kind === 'payment' ? merchantNumber : paymentNumber)),
        lines.map(({ providerPaymentId }) => providerPaymentId),
        lines.map(({ kind, merchantNumber }) => (kind === 'refund' ? merchantNumber : null)),
        lines.map(({ providerRefundId }) => providerRefundId),
      ]);
      return rows.map(namedOf);
    },
    async markListed(ids) {
      const { rows } = await session.query<{ id: string }>(listSql, [ids]);
      listedCount += rows.length;
      return new Set(rows.map(({ id }) => id));
    },
    async *unlisted(kind, from, until) {
      const sql = kind === 'payment' ? unlistedPaymentsSql : unlistedRefundsSql;
      let [after, id] = [from, ''];
      for (;;) {
        const { rows } = await session.query<UnlistedPage>(sql, [provider, providerAccount, from, until, after, id]);
        const [page] = rows;
        if (page === undefined) return;
        if (page.missing.length > 0) yield page.missing.map((row) => fromRow<Unlisted>(row));
        if (page.rows < pageRows) return;
        [after, id] = [page.succeeded_at, page.id];
      }
    },
  };
}

type UnlistedPage = {
  readonly id: string;
  readonly succeeded_at: Date;
  readonly rows: bigint;
  readonly missing: readonly Record<string, unknown>[];
};

/** Either all payment columns of a row are null or its id is set; likewise for the refund columns. */
type NamedRow = PaymentColumns & RefundColumns;
type PaymentColumns =
  | {
      readonly payment_id: string;
      readonly order_id: string;
      readonly provider: string;
      readonly payment_status: HeldPayment['status'];
      readonly capture_mode: HeldPayment['captureMode'];
      readonly amount_minor: bigint;
      readonly captured_minor: bigint;
      readonly currency: string;
      readonly provider_payment_id: string | null;
    }
  | { readonly payment_id: null };
type RefundColumns =
  | {
      readonly refund_id: string;
      readonly refund_status: HeldRefund['status'];
      readonly refund_amount_minor: bigint;
      readonly refund_currency: string;
      readonly provider_refund_id: string | null;
    }
  | { readonly refund_id: null };

function namedOf(row: NamedRow): Named {
  const payment: HeldPayment | null =
    row.payment_id === null
      ? null
      : {
          ...{
            id: row.payment_id,
            orderId: row.order_id,
            provider: row.provider,
            status: row.payment_status,
            captureMode: row.capture_mode,
          },
          ...{ amountMinor: row.amount_minor, capturedMinor: row.captured_minor, currency: row.currency },
          providerPaymentId: row.provider_payment_id,
        };
  const refund: HeldRefund | null =
    row.refund_id === null
      ? null
      : {
          ...{ id: row.refund_id, status: row.refund_status, currency: row.refund_currency },
          ...{ amountMinor: row.refund_amount_minor, providerRefundId: row.provider_refund_id },
        };
  return { payment, refund };
}
