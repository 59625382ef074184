import type { OrderScope } from '../domain/actor.ts';
import { timeOfId } from '../domain/ids.ts';
import type { OrderPaymentStatus, OrderStatus } from '../domain/order.ts';
import type { PaymentMethod, ProviderName } from '../domain/payment.ts';
import { perRow } from './list-statement.ts';
import { isNumberEndSql, termOfAmount, termOfValueSql } from './order-terms.ts';

/** Null stands for any. An empty list matches nothing. */
export type OrderFilter = {
  readonly statuses: readonly OrderStatus[] | null;
  readonly paymentStatuses: readonly OrderPaymentStatus[] | null;
  /** The order has a payment by one of these. */
  readonly methods: readonly PaymentMethod[] | null;
  readonly customerId: string | null;
  /** The beginning of the number. */
  readonly number: string | null;
  readonly createdFrom: Date | null;
  readonly createdBefore: Date | null;
  readonly currency: string | null;
  readonly needsReview: boolean | null;
  /** The order has a payment at one of these. */
  readonly providers: readonly ProviderName[] | null;
  readonly totalMinorFrom: bigint | null;
  /** The highest total that matches. */
  readonly totalMinorTo: bigint | null;
  /**
   * An id of the order, a payment or a refund, the provider's number of a payment, the customer, the beginning or the end of the number, or, for
   * the merchant's own people, a whole metadata value.
   */
  readonly search: string | null;
};

/** The first `limit` orders in one direction of (createdAt, id), later than the order `after` and earlier than the order `before`. */
export type OrderPage = {
  readonly filter: OrderFilter;
  /** Null for any order, when the rows are only counted. */
  readonly direction: 'asc' | 'desc' | null;
  readonly after: string | null;
  readonly before: string | null;
  readonly limit: number;
};

/**
 * Conditions that one index answers, or a few. All indexes have the order of the page, but that of `number`, that of an `amount` that is not
 * one total, and those of the beginning and the end of the number in `search`.
 *
 * `state` is the currency, the statuses and the review. A merchant has orders in a few dozen combinations of them at most, and the index has
 * the time behind them: the page is merged from the first orders of each combination that matches.
 */
export type Family = 'state' | 'customer' | 'method' | 'number' | 'amount' | 'search';

/** A family that at most this many orders match leads to all of them. */
export const fewMax = 300;
/** As `fewMax`, for a search and for amounts: to look at all orders instead costs much more. */
export const foundMax = 2000;

/** The number of orders that a family may have to lead to them. */
export function mostOf(family: Family): number {
  return family === 'search' || family === 'amount' ? foundMax : fewMax;
}

/** Whether exactly one total matches. */
export function isOneTotal({ totalMinorFrom, totalMinorTo }: OrderFilter): boolean {
  return totalMinorFrom !== null && totalMinorFrom === totalMinorTo;
}

/** A text in a pattern of LIKE. */
const escaped = (text: string) => text.replaceAll(/[\\%_]/g, '\\$&');

/** A bound of the page: its columns, and how they compare with a position or a time. */
type Bound = {
  readonly time: string;
  readonly id: string;
  readonly sign: '>' | '<';
  readonly timeSign: '>=' | '<';
};

const isReviewed = '(cardinality(o.review_reasons) > 0)';

/** The parts of a statement on the orders `o` of the caller, and its values. */
export class OrderSearch {
  readonly values: unknown[];
  readonly #scope: OrderScope;
  readonly #page: OrderPage;

  constructor(scope: OrderScope, page: OrderPage) {
    this.#scope = scope;
    this.#page = page;
    this.values = [scope.merchantId];
  }

  /** The ids and times of the page, from the index of the family `leader`. */
  keysBy(leader: Family | undefined): string {
    const { direction, limit } = this.#page;
    const by = direction ?? 'desc';
    const limited = `limit ${this.#add(limit)}::int`;
    const sorted = `order by created_at ${by}, id ${by} ${limited}`;
    switch (leader) {
      case 'search':
        return this.#foundBy(sorted);
      case 'amount': {
        const terms = this.#ordersOfTerms(this.#isAmount(), this.#checksBesides('amount'));
        return this.#isOneTotal ? `${terms} ${sorted}` : `select x.* from (${terms} offset 0) x ${sorted}`;
      }
      case 'state': {
        const orders = this.#orders([...this.#isCombination(), ...this.#range(), ...this.#checksBesides('state')]);
        return `select x.* from combination c cross join lateral (${orders} ${sorted}) x
          where ${this.#stateConditions('c').join(' and ')} ${direction === null ? limited : sorted}`;
      }
      case 'method': {
        const others = this.#checksBesides('method');
        const ofOrder =
          others.length === 0 ? '' : `and ${perRow(`orders o where o.id = p.order_id and ${others.join(' and ')}`)}`;
        const payments = `select distinct p.order_id as id, p.order_created_at as created_at from payments p
          where ${this.#paymentConditions('p.method = m.method')} ${ofOrder}`;
        return `select distinct x.id, x.created_at from unnest(${this.#methods()}) m(method) cross join lateral (${payments} ${sorted}) x ${sorted}`;
      }
      case 'number': {
        // All of them, in the order of the index: they are few.
        const orders = this.#orders([this.#startsWith('o.number'), ...this.#range(), ...this.#checksBesides('number')]);
        return `select x.* from (${orders} offset 0) x ${sorted}`;
      }
      default:
        return `${this.#orders([...this.#ofCustomer('o.customer_id'), ...this.#range(), ...this.#checksBesides('customer')])} ${sorted}`;
    }
  }

  /**
   * At most `fewMax` and one of the orders, or of the payments, that each value of a family matches. They are sorted as the index is, so that
   * it is read as far as the limit only, and not into a bitmap of all that match.
   */
  matching(family: Family): string {
    const by = this.#page.direction ?? 'desc';
    const limit = `limit ${mostOf(family) + 1}`;
    switch (family) {
      case 'search': {
        const branches = this.#byNumber([], []).map((rows) => `(select from (${rows}) x ${limit})`);
        return `select from (${branches.join(' union all ')}) x`;
      }
      case 'amount':
        return `${this.#ordersOfTerms(this.#isAmount(), [])} ${limit}`;
      case 'state': {
        const orders = this.#orders([...this.#isCombination(), ...this.#range()]);
        return `select from combination c cross join lateral (${orders} order by o.created_at ${by}, o.id ${by} ${limit}) x
          where ${this.#stateConditions('c').join(' and ')} ${limit}`;
      }
      case 'method': {
        const payments = `select from payments p where ${this.#paymentConditions('p.method = m.method')}`;
        return `select from unnest(${this.#methods()}) m(method)
          cross join lateral (${payments} order by p.order_created_at ${by}, p.order_id ${by} ${limit}) x ${limit}`;
      }
      case 'number': // the index has no time
        return `${this.#orders([this.#startsWith('o.number')])} order by o.number using ~<~ ${limit}`;
      default: {
        const orders = this.#orders([...this.#ofCustomer('o.customer_id'), ...this.#range()]);
        return `${orders} order by o.created_at ${by}, o.id ${by} ${limit}`;
      }
    }
  }

  /**
   * The combinations of state that the merchant has orders in, each read as the next lower one in the index. The newest order of a
   * combination stands for it: entries of older orders are more often those of a state that has passed.
   */
  combinations(): string {
    const { currency } = this.#page.filter;
    const inCurrency = currency === null ? [] : [`o.currency = ${this.#add(currency)}::bpchar`];
    const next = (conditions: readonly string[]) => `
      select o.currency, o.status, o.payment_status, ${isReviewed} as is_reviewed from orders o
      where ${['o.merchant_id = $1', ...inCurrency, ...conditions].join(' and ')}
      order by o.currency desc, o.status desc, o.payment_status desc, ${isReviewed} desc, o.created_at desc, o.id desc limit 1`;
    // Of the columns that are not equal anyway: the index is entered at a row, if it begins with the first column that is not.
    const [columns, values] = [
      [...(currency === null ? ['o.currency'] : []), 'o.status', 'o.payment_status', isReviewed],
      [...(currency === null ? ['c.currency'] : []), 'c.status', 'c.payment_status', 'c.is_reviewed'],
    ];
    return `combination as (
      (${next([])}) union all
      select n.* from combination c cross join lateral (${next([`(${columns.join()}) < (${values.join()})`])}) n)`;
  }

  /**
   * The orders that the search finds. Those of a customer and of a metadata value are read in the order of the page, the others, which are few,
   * all of them.
   */
  #foundBy(sorted: string): string {
    const text = this.#search();
    const others = [...this.#range(), ...this.#checksBesides('search')];
    const checks = this.#checksBesides('search');
    const found = [
      this.#orders([`o.id = any(array(${this.#named(text)}))`, ...others]),
      `${this.#orders([`o.customer_id = ${text}`, ...others])} ${sorted}`,
      ...(this.#seesMetadata ? [`${this.#ordersOfTerms(`t.term = ${termOfValueSql(text)}`, checks)} ${sorted}`] : []),
      ...this.#byNumber(others, checks).map((rows) => `select x.* from (${rows} offset 0) x`),
    ];
    return `select distinct x.id, x.created_at from (${found.map((rows) => `(${rows})`).join(' union all ')}) x ${sorted}`;
  }

  /** The ids of the orders that a text names: by an id, or by a provider's number of a payment. */
  #named(text: string): string {
    return `select ${text}
      union all select p.order_id from payments p where p.id = ${text} and p.merchant_id = $1
      union all select r.order_id from refunds r where r.id = ${text} and r.merchant_id = $1
      union all (select p.order_id from payments p where p.provider_payment_id = ${text} and p.merchant_id = $1 limit ${fewMax})`;
  }

  /** The orders whose number begins, and those whose number ends with the searched text. Numbers are mostly in upper case. */
  #byNumber(conditions: readonly string[], checks: readonly string[]): string[] {
    const { search } = this.#page.filter;
    const beginnings = [...new Set([search ?? '', (search ?? '').toUpperCase()])];
    return [
      ...beginnings.map((text) => this.#orders([`o.number like ${this.#add(`${escaped(text)}%`)}`, ...conditions])),
      this.#ordersOfTerms(isNumberEndSql('t.term', this.#search()), checks),
    ];
  }

  /** Whether an order `o` is found, as a condition that has no index. */
  #isFound(): string {
    const text = this.#search();
    const { search } = this.#page.filter;
    const number = this.#add(escaped(search ?? ''));
    return `(${[
      `o.id = any(array(${this.#named(text)}))`,
      `(o.customer_id || '') = ${text}`,
      `(o.number || '') like ${number} || '%'`,
      `(o.number || '') like upper(${number}) || '%'`,
      `lower(o.number) like '%' || lower(${number})`,
      ...(this.#seesMetadata
        ? [`exists (select from jsonb_each_text(o.metadata) m where lower(m.value) = lower(${text}))`]
        : []),
    ].join(' or ')})`;
  }

  #search(): string {
    return `${this.#add(this.#page.filter.search)}::text`;
  }

  /** Metadata is not shown to customers and buyers, so it finds nothing for them. */
  get #seesMetadata(): boolean {
    return this.#scope.customerId === null && this.#scope.orderId === null;
  }

  /** The orders of terms `t`. */
  #ordersOfTerms(ofTerm: string, checks: readonly string[]): string {
    const ofOrder = checks.length === 0 ? [] : [perRow(`orders o where o.id = t.order_id and ${checks.join(' and ')}`)];
    const conditions = ['t.merchant_id = $1', ofTerm, ...this.#range('t.created_at', 't.order_id'), ...ofOrder];
    return `select t.order_id as id, t.created_at from order_terms t where ${conditions.join(' and ')}`;
  }

  get #isOneTotal(): boolean {
    return isOneTotal(this.#page.filter);
  }

  /** Of a term `t`. */
  #isAmount(): string {
    const { totalMinorFrom: from, totalMinorTo: to } = this.#page.filter;
    const term = (amountMinor: bigint) => this.#add(termOfAmount(amountMinor));
    if (this.#isOneTotal) return `t.term = ${term(from ?? 0n)}`;
    return `t.term >= ${term(from ?? 0n)} and t.term <= ${to === null ? `'a9'` : term(to)}`;
  }

  #orders(conditions: readonly string[]): string {
    return `select o.id, o.created_at from orders o where ${['o.merchant_id = $1', ...conditions].join(' and ')}`;
  }

  #paymentConditions(ofMethod: string): string {
    return ['p.merchant_id = $1', ofMethod, ...this.#range('p.order_created_at', 'p.order_id')].join(' and ');
  }

  #isCombination(): string[] {
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
  #checksBesides(leader: Family): string[] {
    const { methods, number, providers, totalMinorFrom, totalMinorTo, search } = this.#page.filter;
    const { orderId } = this.#scope;
    const isChecked = (family: Family) => family !== leader;
    return [
      ...(isChecked('customer') ? this.#ofCustomer(`(o.customer_id || '')`) : []),
      ...(isChecked('state') ? this.#stateConditions('o') : []),
      ...(isChecked('number') && number !== null ? [this.#startsWith(`(o.number || '')`)] : []),
      ...(isChecked('method') && methods !== null
        ? [perRow(`payments p where p.order_id = o.id and p.method = any(${this.#methods()})`)]
        : []),
      ...(isChecked('amount') && totalMinorFrom !== null
        ? [`o.total_minor >= ${this.#add(totalMinorFrom)}::bigint`]
        : []),
      ...(isChecked('amount') && totalMinorTo !== null ? [`o.total_minor <= ${this.#add(totalMinorTo)}::bigint`] : []),
      ...(isChecked('search') && search !== null ? [this.#isFound()] : []),
      ...(providers === null
        ? []
        : [perRow(`payments p where p.order_id = o.id and p.provider = any(${this.#add(providers)}::text[])`)]),
      ...(orderId === null ? [] : [`o.id = ${this.#add(orderId)}`]),
    ];
  }

  #ofCustomer(column: string): string[] {
    const ids = [this.#page.filter.customerId, this.#scope.customerId];
    return ids.flatMap((id) => (id === null ? [] : [`${column} = ${this.#add(id)}`]));
  }

  #startsWith(text: string): string {
    return `${text} like ${this.#add(`${escaped(this.#page.filter.number ?? '')}%`)}`;
  }

  /** Of an order `o` or a combination `c`. */
  #stateConditions(alias: 'o' | 'c'): string[] {
    const { statuses, paymentStatuses, currency, needsReview } = this.#page.filter;
    const review = alias === 'o' ? isReviewed : 'c.is_reviewed';
    return [
      ...(statuses === null ? [] : [`${alias}.status = any(${this.#add(statuses)}::"OrderStatus"[])`]),
      ...(paymentStatuses === null
        ? []
        : [`${alias}.payment_status = any(${this.#add(paymentStatuses)}::"OrderPaymentStatus"[])`]),
      ...(currency === null ? [] : [`${alias}.currency = ${this.#add(currency)}::bpchar`]),
      ...(needsReview === null ? [] : [`${review} = ${this.#add(needsReview)}::boolean`]),
    ];
  }

  #range(time = 'o.created_at', id = 'o.id'): string[] {
    const { after, before, filter } = this.#page;
    const { createdFrom, createdBefore } = filter;
    return [
      ...this.#bound({ time, id, sign: '>', timeSign: '>=' }, createdFrom, after),
      ...this.#bound({ time, id, sign: '<', timeSign: '<' }, createdBefore, before),
    ];
  }

  /** One condition for both, because the index would be entered at either of two. A time stands before all ids of that time. */
  #bound({ time, id, sign, timeSign }: Bound, at: Date | null, orderId: string | null): string[] {
    const given = at === null ? null : `${this.#add(at)}::timestamptz`;
    if (orderId === null) return given === null ? [] : [`${time} ${timeSign} ${given}`];
    const cursor = this.#add(orderId);
    // Of an order that is not there, such as one that was lost with a restored database, the time in its id is taken.
    const stored = `(select l.created_at from orders l where l.id = ${cursor} and l.merchant_id = $1)`;
    const ofCursor = `coalesce(${stored}, ${this.#add(timeOfId(orderId))}::timestamptz)`;
    if (given === null) return [`(${time}, ${id}) ${sign} (${ofCursor}, ${cursor})`];
    const isNarrower = sign === '>' ? `${given} > ${ofCursor}` : `${given} <= ${ofCursor}`;
    const position = `case when ${isNarrower} then ${given} else ${ofCursor} end, case when ${isNarrower} then '' else ${cursor} end`;
    return [`(${time}, ${id}) ${sign} (${position})`];
  }

  #methods(): string {
    return `${this.#add(this.#page.filter.methods)}::"PaymentMethod"[]`;
  }

  /** Adds a value, and returns its placeholder. */
  #add(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}
