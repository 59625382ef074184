import type { Database } from '../database/database.ts';
import { amountMinorMax } from '../domain/money.ts';
import type { PaymentMethod, PaymentStatus, ProviderName } from '../domain/payment.ts';
import { countOf, type ListCount, type ListPage, ListStatement, type ListTable, wholeList } from './list-statement.ts';
import { foundMax } from './order-filter.ts';
import { paymentSelection, type ReadPayment } from './order-reader.ts';
import { termOfAmount } from './order-terms.ts';

type Reader = Pick<Database['pool'], 'query'>;

/** Null stands for any. An empty list matches nothing. */
export type PaymentFilter = {
  readonly statuses: readonly PaymentStatus[] | null;
  readonly methods: readonly PaymentMethod[] | null;
  readonly providers: readonly ProviderName[] | null;
  readonly currency: string | null;
  readonly createdFrom: Date | null;
  readonly createdBefore: Date | null;
  /** With one of these the list is sorted by the time of success. */
  readonly succeededFrom: Date | null;
  readonly succeededBefore: Date | null;
  readonly amountMinorFrom: bigint | null;
  /** The highest amount that matches. */
  readonly amountMinorTo: bigint | null;
  readonly providerPaymentId: string | null;
};

const state = ['currency', 'method', 'status'];
const byCreation: ListTable = { name: 'payments', time: 'created_at', state };
const bySuccess: ListTable = { name: 'payments', time: 'succeeded_at', state };

/** Reads a page of the merchant's payments. The cost does not depend on their number, unless conditions match many each and few together. */
export async function readPaymentPage(
  on: Reader,
  merchantId: string,
  filter: PaymentFilter,
  page: ListPage,
): Promise<ReadPayment[]> {
  const { statement, keys } = await statementOf(on, merchantId, filter, page);
  const text = statement.rowsOf(keys, paymentSelection('x'));
  return (await on.query<ReadPayment>(text, [...statement.values])).rows;
}

/** Counts the merchant's payments that match, up to `countMax`. */
export async function countPayments(on: Reader, merchantId: string, filter: PaymentFilter): Promise<ListCount> {
  const { statement, keys } = await statementOf(on, merchantId, filter, wholeList);
  return countOf((await on.query<{ count: number }>(statement.countOf(keys), [...statement.values])).rows);
}

/** Chooses the index that leads to the rows. */
async function statementOf(on: Reader, merchantId: string, filter: PaymentFilter, page: ListPage) {
  const isBySuccess = filter.succeededFrom !== null || filter.succeededBefore !== null;
  const statement = new ListStatement(merchantId, isBySuccess ? bySuccess : byCreation, page);
  const checks = checksOf(statement, filter);
  const ofState = (alias: string) => [
    ...statement.isAny(`${alias}.method`, '"PaymentMethod"', filter.methods),
    ...statement.isAny(`${alias}.status`, '"PaymentStatus"', filter.statuses),
    ...(filter.currency === null ? [] : [`${alias}.currency = ${statement.add(filter.currency)}::bpchar`]),
  ];
  const keys = async () => {
    if (filter.providerPaymentId !== null) {
      const ofProvider = `x.provider_payment_id = ${statement.add(filter.providerPaymentId)}`;
      return statement.fewKeys([ofProvider, ...checks, ...ofState('x')]);
    }
    const ofAmount = await fewOfAmount(on, merchantId, filter);
    if (ofAmount !== null) {
      const ofOrders = `x.order_id = any(${statement.add(ofAmount)}::text[])`;
      return statement.fewKeys([ofOrders, ...checks, ...ofState('x')]);
    }
    if (isBySuccess) return statement.sortedKeys(['x.succeeded_at is not null', ...checks, ...ofState('x')]);
    return statement.mergedKeys(ofState('c'), checks);
  };
  return { statement, keys: await keys() };
}

function checksOf(statement: ListStatement, filter: PaymentFilter): string[] {
  const { providers, createdFrom, createdBefore, succeededFrom, succeededBefore } = filter;
  return [
    ...statement.isAny('x.provider', 'text', providers),
    ...statement.during('x.created_at', createdFrom, createdBefore),
    ...statement.during('x.succeeded_at', succeededFrom, succeededBefore),
    ...statement.within('x.amount_minor', 'bigint', filter.amountMinorFrom, filter.amountMinorTo),
  ];
}

/** The orders with these totals, which are the amounts of their payments; null when they are many, or any amount matches. */
async function fewOfAmount(
  on: Reader,
  merchantId: string,
  { amountMinorFrom: from, amountMinorTo: to }: PaymentFilter,
): Promise<readonly string[] | null> {
  if (from === null && to === null) return null;
  const { rows } = await on.query<{ order_id: string }>(
    `select t.order_id from order_terms t where t.merchant_id = $1 and t.term >= $2 and t.term <= $3
     order by t.term, t.created_at, t.order_id limit $4::int`,
    [merchantId, termOfAmount(from ?? 0n), termOfAmount(to ?? amountMinorMax), foundMax + 1],
  );
  return rows.length > foundMax ? null : rows.map(({ order_id: id }) => id);
}
