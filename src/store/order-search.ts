import type { OrderScope } from '../domain/actor.ts';
import { timeOfId } from '../domain/ids.ts';
import type { OrderPaymentStatus, OrderStatus } from '../domain/order.ts';
import type { PaymentMethod } from '../domain/payment.ts';

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
};

/** The first `limit` orders in one direction of (createdAt, id), later than the order `after` and earlier than the order `before`. */
export type OrderPage = {
  readonly filter: OrderFilter;
  readonly direction: 'asc' | 'desc';
  readonly after: string | null;
  readonly before: string | null;
  readonly limit: number;
};

/**
 * Conditions that one index answers. All indexes but that of `number` have the order of the page.
 *
 * `state` is the currency, the statuses and the review. A merchant has orders in a few dozen combinations of them at most, and the index has
 * the time behind them: the page is merged from the first orders of each combination that matches.
 */
export type Family = 'state' | 'customer' | 'method' | 'number';

/** A family that at most this many orders match leads to all of them. */
export const fewMax = 300;

/** A bound of the page: its columns, and how they compare with a position or a time. */
type Bound = {
  readonly time: string;
  readonly id: string;
  readonly sign: '>' | '<';
  readonly timeSign: '>=' | '<';
};

const isReviewed = '(cardinality(o.review_reasons) > 0)';

/** A condition that is checked row by row, in the order of the page. The offset keeps the planner from joining the whole table instead. */
const perRow = (rows: string) => `exists (select from ${rows} offset 0)`;

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
    const { direction: by, limit } = this.#page;
    const sorted = `order by created_at ${by}, id ${by} limit ${this.#add(limit)}::int`;
    switch (leader) {
      case 'state': {
        const orders = this.#orders([...this.#isCombination(), ...this.#range(), ...this.#checksBesides('state')]);
        return `select x.* from combination c cross join lateral (${orders} ${sorted}) x
          where ${this.#stateConditions('c').join(' and ')} ${sorted}`;
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
    const { direction: by } = this.#page;
    const limit = `limit ${fewMax + 1}`;
    switch (family) {
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
    const { methods, number } = this.#page.filter;
    const { orderId } = this.#scope;
    const isChecked = (family: Family) => family !== leader;
    return [
      ...(isChecked('customer') ? this.#ofCustomer(`(o.customer_id || '')`) : []),
      ...(isChecked('state') ? this.#stateConditions('o') : []),
      ...(isChecked('number') && number !== null ? [this.#startsWith(`(o.number || '')`)] : []),
      ...(isChecked('method') && methods !== null
        ? [perRow(`payments p where p.order_id = o.id and p.method = any(${this.#methods()})`)]
        : []),
      ...(orderId === null ? [] : [`o.id = ${this.#add(orderId)}`]),
    ];
  }

  #ofCustomer(column: string): string[] {
    const ids = [this.#page.filter.customerId, this.#scope.customerId];
    return ids.flatMap((id) => (id === null ? [] : [`${column} = ${this.#add(id)}`]));
  }

  #startsWith(text: string): string {
    return `${text} like ${this.#add(`${this.#page.filter.number?.replaceAll(/[\\%_]/g, '\\$&')}%`)}`;
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
