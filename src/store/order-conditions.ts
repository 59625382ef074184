import type { OrderScope } from '../domain/actor.ts';
import { timeOfId } from '../domain/ids.ts';
import { amountMinorMax } from '../domain/money.ts';
import { perRow } from './list-statement.ts';
import { type Family, fewMax, isOneTotal, type OrderPage } from './order-filter.ts';
import { startOfPeriodSql, termOfAmount } from './order-terms.ts';

/** A text in a pattern of LIKE. */
const escaped = (text: string) => text.replaceAll(/[\\%_]/g, '\\$&');

/** A bound of the page or of the period: its columns, and how they compare with a position or a time. */
type Bound = {
  readonly time: string;
  readonly id: string;
  readonly sign: '>' | '<';
  readonly timeSign: '>=' | '<';
};

export const isReviewed = '(cardinality(o.review_reasons) > 0)';

/** The conditions of a page on the orders `o` of the caller, on their payments `p` and on their terms `t`, and the values of the statement. */
export class OrderConditions {
  readonly values: unknown[];
  readonly #scope: OrderScope;
  readonly #page: OrderPage;
  readonly #period: string | null;

  constructor(
    scope: OrderScope,
    page: OrderPage,
    within: { readonly values: unknown[]; readonly period: string | null } = {
      values: [scope.merchantId],
      period: null,
    },
  ) {
    this.#scope = scope;
    this.#page = page;
    this.#period = within.period;
    this.values = within.values;
  }

  /** The same for the orders of one period, an SQL expression, in the same statement. */
  within(period: string): OrderConditions {
    return new OrderConditions(this.#scope, this.#page, { values: this.values, period });
  }

  /** The ids of the orders that a text names: by an id, or by a provider's number of a payment. */
  named(text: string): string {
    return `select ${text}
      union all select p.order_id from payments p where p.id = ${text} and p.merchant_id = $1
      union all select r.order_id from refunds r where r.id = ${text} and r.merchant_id = $1
      union all (select p.order_id from payments p where p.provider_payment_id = ${text} and p.merchant_id = $1 limit ${fewMax})`;
  }

  /** Whether an order `o` is found, as a condition that has no index. */
  #isFound(): string {
    const text = this.search();
    const { search } = this.#page.filter;
    const number = this.add(escaped(search ?? ''));
    return `(${[
      `o.id = any(array(${this.named(text)}))`,
      `(o.customer_id || '') = ${text}`,
      `(o.number || '') like ${number} || '%'`,
      `(o.number || '') like upper(${number}) || '%'`,
      this.endsWith(search ?? ''),
      ...(this.seesMetadata
        ? [`exists (select from jsonb_each_text(o.metadata) m where lower(m.value) = lower(${text}))`]
        : []),
    ].join(' or ')})`;
  }

  search(): string {
    return `${this.add(this.#page.filter.search)}::text`;
  }

  /** Metadata is not shown to customers and buyers, so it finds nothing for them. */
  get seesMetadata(): boolean {
    return this.#scope.customerId === null && this.#scope.orderId === null;
  }

  /** The orders of terms `t`. */
  ordersOfTerms(ofTerm: string, checks: readonly string[]): string {
    const conditions = [...this.terms(ofTerm), ...this.checksOfTerm(checks)];
    return `select t.order_id as id, t.created_at from order_terms t where ${conditions.join(' and ')}`;
  }

  /** Of terms `t`. */
  terms(ofTerm: string): string[] {
    return ['t.merchant_id = $1', ofTerm, ...this.range('t.created_at', 't.order_id')];
  }

  /** The checks on the order of a term `t`. */
  checksOfTerm(checks: readonly string[]): string[] {
    return checks.length === 0 ? [] : [perRow(`orders o where o.id = t.order_id and ${checks.join(' and ')}`)];
  }

  get #isOneTotal(): boolean {
    return isOneTotal(this.#page.filter);
  }

  /** Of a term `t`. */
  isAmount(): string {
    const { totalMinorFrom: from, totalMinorTo: to } = this.#page.filter;
    const term = (amountMinor: bigint) => this.add(termOfAmount(amountMinor));
    if (this.#isOneTotal) return `t.term = ${term(from ?? 0n)}`;
    return `t.term >= ${term(from ?? 0n)} and t.term <= ${term(to ?? amountMinorMax)}`;
  }

  orders(conditions: readonly string[]): string {
    return `select o.id, o.created_at from orders o where ${['o.merchant_id = $1', ...conditions].join(' and ')}`;
  }

  paymentConditions(ofMethod: string): string {
    return ['p.merchant_id = $1', ofMethod, ...this.range('p.order_created_at', 'p.order_id')].join(' and ');
  }

  isCombination(): string[] {
    return [
      'o.currency = c.currency',
      'o.status = c.status',
      'o.payment_status = c.payment_status',
      `${isReviewed} = c.is_reviewed`,
    ];
  }

  /**
   * The conditions of the families that do not lead, which are checked row by row in the order of the page. They are expressions that have no
   * index, because the planner would follow another index to its end.
   */
  checksBesides(leader: Family): string[] {
    const { methods, number, providers, totalMinorFrom, totalMinorTo, search } = this.#page.filter;
    const { orderId } = this.#scope;
    const isChecked = (family: Family) => family !== leader;
    return [
      ...(isChecked('customer') ? this.ofCustomer(`(o.customer_id || '')`) : []),
      ...(isChecked('state') ? this.stateConditions('o') : []),
      ...(isChecked('number') && number !== null ? [this.startsWith(`(o.number || '')`, number)] : []),
      ...(isChecked('method') && methods !== null
        ? [perRow(`payments p where p.order_id = o.id and p.method = any(${this.methods()})`)]
        : []),
      ...(isChecked('amount') && totalMinorFrom !== null
        ? [`o.total_minor >= ${this.add(totalMinorFrom)}::bigint`]
        : []),
      ...(isChecked('amount') && totalMinorTo !== null ? [`o.total_minor <= ${this.add(totalMinorTo)}::bigint`] : []),
      ...(isChecked('search') && search !== null ? [this.#isFound()] : []),
      ...(providers === null
        ? []
        : [perRow(`payments p where p.order_id = o.id and p.provider = any(${this.add(providers)}::text[])`)]),
      ...(orderId === null ? [] : [`o.id = ${this.add(orderId)}`]),
    ];
  }

  ofCustomer(column: string): string[] {
    const ids = [this.#page.filter.customerId, this.#scope.customerId];
    return ids.flatMap((id) => (id === null ? [] : [`${column} = ${this.add(id)}`]));
  }

  startsWith(text: string, beginning: string): string {
    return `${text} like ${this.add(`${escaped(beginning)}%`)}`;
  }

  /** The number of an order ends with a text, in upper or lower case. No index has it in the order of the page. */
  endsWith(end: string): string {
    return `lower(o.number) like '%' || lower(${this.add(escaped(end))})`;
  }

  /** Of an order `o` or a combination `c`. */
  stateConditions(alias: 'o' | 'c'): string[] {
    const { statuses, paymentStatuses, currency, needsReview } = this.#page.filter;
    const review = alias === 'o' ? isReviewed : 'c.is_reviewed';
    return [
      ...(statuses === null ? [] : [`${alias}.status = any(${this.add(statuses)}::"OrderStatus"[])`]),
      ...(paymentStatuses === null
        ? []
        : [`${alias}.payment_status = any(${this.add(paymentStatuses)}::"OrderPaymentStatus"[])`]),
      ...(currency === null ? [] : [`${alias}.currency = ${this.add(currency)}::bpchar`]),
      ...(needsReview === null ? [] : [`${review} = ${this.add(needsReview)}::boolean`]),
    ];
  }

  range(time = 'o.created_at', id = 'o.id'): string[] {
    const { after, before, filter } = this.#page;
    const given = (at: Date | null) => (at === null ? [] : [`${this.add(at)}::timestamptz`]);
    const start = this.#period === null ? [] : [startOfPeriodSql(this.#period)];
    const end = this.#period === null ? [] : [startOfPeriodSql(`${this.#period} + 1`)];
    const from = [...given(filter.createdFrom), ...start];
    const until = [...given(filter.createdBefore), ...end];
    return [
      ...this.#bound({ time, id, sign: '>', timeSign: '>=' }, from.length > 1 ? `greatest(${from})` : from[0], after),
      ...this.#bound({ time, id, sign: '<', timeSign: '<' }, until.length > 1 ? `least(${until})` : until[0], before),
    ];
  }

  /** One condition for both, because the index would be entered at either of two. A time stands before all ids of that time. */
  #bound({ time, id, sign, timeSign }: Bound, given: string | undefined, orderId: string | null): string[] {
    if (orderId === null) return given === undefined ? [] : [`${time} ${timeSign} ${given}`];
    const cursor = this.add(orderId);
    // Of an order that is not there, such as one that was lost with a restored database, the time in its id is taken.
    const stored = `(select l.created_at from orders l where l.id = ${cursor} and l.merchant_id = $1)`;
    const ofCursor = `coalesce(${stored}, ${this.add(timeOfId(orderId))}::timestamptz)`;
    if (given === undefined) return [`(${time}, ${id}) ${sign} (${ofCursor}, ${cursor})`];
    const isNarrower = sign === '>' ? `${given} > ${ofCursor}` : `${given} <= ${ofCursor}`;
    const position = `case when ${isNarrower} then ${given} else ${ofCursor} end, case when ${isNarrower} then '' else ${cursor} end`;
    return [`(${time}, ${id}) ${sign} (${position})`];
  }

  methods(): string {
    return `${this.add(this.#page.filter.methods)}::"PaymentMethod"[]`;
  }

  /** Adds a value, and returns its placeholder. */
  add(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}
