import type { Database } from '../database/database.ts';
import type { ProviderName } from '../domain/payment.ts';
import { countOf, type ListCount, type ListPage, ListStatement, type ListTable, wholeList } from './list-statement.ts';

type Reader = Pick<Database['pool'], 'query'>;

export const deliveryStatuses = ['PENDING', 'APPLIED', 'IGNORED', 'REVIEW'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

/** What people read of a callback. `body` is null unless it was asked for, and when it has been deleted. */
export type ReadDelivery = {
  readonly id: string;
  readonly provider: ProviderName;
  readonly account: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly status: DeliveryStatus;
  readonly reason: string | null;
  readonly paymentId: string | null;
  readonly receivedAt: Date;
  readonly appliedAt: Date | null;
  readonly applyAt: Date | null;
  readonly applyAttempts: number;
  readonly body: Buffer | null;
};

/** Null stands for any. An empty list matches nothing. */
export type DeliveryFilter = {
  readonly statuses: readonly DeliveryStatus[] | null;
  readonly providers: readonly ProviderName[] | null;
  readonly receivedFrom: Date | null;
  readonly receivedBefore: Date | null;
  readonly paymentId: string | null;
};

const deliveries: ListTable = { name: 'deliveries', time: 'received_at', state: ['provider', 'status'] };

const columnsOf = (hasBody: boolean) => `
  x.id, x.provider, x.provider_account as account, x.event_id as "eventId", x.event_type as "eventType", x.status, x.reason,
  x.payment_id as "paymentId", x.received_at as "receivedAt", x.applied_at as "appliedAt", x.apply_at as "applyAt",
  x.apply_attempts as "applyAttempts", ${hasBody ? 'case when x.pruned_at is null then x.body end' : 'null::bytea'} as body`;

/** Reads a page of the callbacks of the merchant's accounts, the newest first or the oldest first. */
export async function readDeliveryPage(
  on: Reader,
  merchantId: string,
  filter: DeliveryFilter,
  page: ListPage,
  hasBody: boolean,
): Promise<ReadDelivery[]> {
  const { statement, keys } = statementOf(merchantId, filter, page);
  return (await on.query<ReadDelivery>(statement.rowsOf(keys, columnsOf(hasBody)), [...statement.values])).rows;
}

export async function countDeliveries(on: Reader, merchantId: string, filter: DeliveryFilter): Promise<ListCount> {
  const { statement, keys } = statementOf(merchantId, filter, wholeList);
  return countOf((await on.query<{ count: number }>(statement.countOf(keys), [...statement.values])).rows);
}

export async function findReadDelivery(
  on: Reader,
  merchantId: string,
  id: string,
  hasBody: boolean,
): Promise<ReadDelivery | null> {
  const text = `select ${columnsOf(hasBody)} from deliveries x where x.id = $1 and x.merchant_id = $2`;
  return (await on.query<ReadDelivery>(text, [id, merchantId])).rows[0] ?? null;
}

/** The newest callbacks about payments, at most `limit` of each, in one statement. */
export async function readDeliveriesOfPayments(
  on: Reader,
  merchantId: string,
  paymentIds: readonly string[],
  limit: number,
  hasBody: boolean,
): Promise<ReadDelivery[]> {
  const text = `
    select x.* from unnest($2::text[]) as wanted(id) cross join lateral (
      select ${columnsOf(hasBody)} from deliveries x where x.payment_id = wanted.id and x.merchant_id = $1
      order by x.received_at desc, x.id desc limit $3::int
    ) x order by x."receivedAt" desc, x.id desc`;
  return (await on.query<ReadDelivery>(text, [merchantId, paymentIds, limit])).rows;
}

export async function countDeliveriesOfPayments(
  on: Reader,
  merchantId: string,
  paymentIds: readonly string[],
): Promise<ListCount> {
  const text = `select count(*)::int as count from (
    select from deliveries x where x.payment_id = any($2::text[]) and x.merchant_id = $1 limit $3::int) x`;
  return countOf((await on.query<{ count: number }>(text, [merchantId, paymentIds, wholeList.limit])).rows);
}

function statementOf(merchantId: string, filter: DeliveryFilter, page: ListPage) {
  const statement = new ListStatement(merchantId, deliveries, page);
  const checks = statement.during('x.received_at', filter.receivedFrom, filter.receivedBefore);
  const ofState = (alias: string) => [
    ...statement.isAny(`${alias}.provider`, 'text', filter.providers),
    ...statement.isAny(`${alias}.status`, '"DeliveryStatus"', filter.statuses),
  ];
  if (filter.paymentId === null) return { statement, keys: statement.mergedKeys(ofState('c'), checks) };
  const ofPayment = `x.payment_id = ${statement.add(filter.paymentId)}`;
  return { statement, keys: statement.sortedKeys([ofPayment, ...checks, ...ofState('x')]) };
}
