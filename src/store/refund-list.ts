import type { Database } from '../database/database.ts';
import type { PaymentMethod, ProviderName } from '../domain/payment.ts';
import type { RefundApproval, RefundStatus } from '../domain/refund.ts';
import {
  countOf,
  type ListCount,
  type ListPage,
  ListStatement,
  type ListTable,
  perRow,
  wholeList,
} from './list-statement.ts';
import { type ReadRefund, refundSelection } from './order-reader.ts';

type Reader = Pick<Database['pool'], 'query'>;

/** Null stands for any. An empty list matches nothing. */
export type RefundFilter = {
  readonly statuses: readonly RefundStatus[] | null;
  readonly approvals: readonly RefundApproval[] | null;
  readonly methods: readonly PaymentMethod[] | null;
  readonly providers: readonly ProviderName[] | null;
  readonly currency: string | null;
  readonly createdFrom: Date | null;
  readonly createdBefore: Date | null;
  readonly amountMinorFrom: bigint | null;
  /** The highest amount that matches. */
  readonly amountMinorTo: bigint | null;
};

const refunds: ListTable = { name: 'refunds', time: 'created_at', state: ['currency', 'status'] };

/** Reads a page of the merchant's refunds. The method, the provider and the amount are checked row by row, because refunds are few. */
export async function readRefundPage(
  on: Reader,
  merchantId: string,
  filter: RefundFilter,
  page: ListPage,
): Promise<ReadRefund[]> {
  const { statement, keys } = statementOf(merchantId, filter, page);
  return (await on.query<ReadRefund>(statement.rowsOf(keys, refundSelection('x')), [...statement.values])).rows;
}

/** Counts the merchant's refunds that match, up to `countMax`. */
export async function countRefunds(on: Reader, merchantId: string, filter: RefundFilter): Promise<ListCount> {
  const { statement, keys } = statementOf(merchantId, filter, wholeList);
  return countOf((await on.query<{ count: number }>(statement.countOf(keys), [...statement.values])).rows);
}

function statementOf(merchantId: string, filter: RefundFilter, page: ListPage) {
  const statement = new ListStatement(merchantId, refunds, page);
  const ofPayment = [
    ...statement.isAny('p.method', '"PaymentMethod"', filter.methods),
    ...statement.isAny('p.provider', 'text', filter.providers),
  ];
  const checks = [
    ...statement.during('x.created_at', filter.createdFrom, filter.createdBefore),
    ...statement.within('x.amount_minor', 'bigint', filter.amountMinorFrom, filter.amountMinorTo),
    ...(ofPayment.length === 0 ? [] : [perRow(`payments p where p.id = x.payment_id and ${ofPayment.join(' and ')}`)]),
  ];
  const ofState = (alias: string) => [
    ...statement.isAny(`${alias}.status`, '"RefundStatus"', filter.statuses),
    ...(filter.currency === null ? [] : [`${alias}.currency = ${statement.add(filter.currency)}::bpchar`]),
  ];
  if (filter.approvals === null) return { statement, keys: statement.mergedKeys(ofState('c'), checks) };
  const approved = ['x.approval is not null', ...statement.isAny('x.approval', '"RefundApproval"', filter.approvals)];
  return { statement, keys: statement.sortedKeys([...approved, ...checks, ...ofState('x')]) };
}
