import type { Database } from '../database/database.ts';
import type { OrderScope } from '../domain/actor.ts';
import { timeOfId } from '../domain/ids.ts';
import type { OrderPaymentStatus, OrderStatus } from '../domain/order.ts';
import type { PaymentMethod } from '../domain/payment.ts';
import { type OrderPart, type OrderRow, orderOf, orderSelection, type ReadOrder } from './order-reader.ts';

type Reader = Pick<Database['pool'], 'query'>;

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
type Family = 'state' | 'customer' | 'method' | 'number';

/** A family that at most this many orders match leads to all of them. */
const fewMax = 1000;

/**
 * Reads a page of the orders that the caller sees. The cost does not depend on the number of the merchant's orders, unless conditions of
 * several families match many orders each and few together, or a beginning of the number matches many old orders only.
 */
export async function readOrderPage(
  on: Reader,
  scope: OrderScope,
  page: OrderPage,
  parts: readonly OrderPart[],
): Promise<ReadOrder[]> {
  const families = familiesOf(scope, page.filter);
  const isExact = families.length < 2 && !families.includes('number');
  const leader = isExact ? families[0] : await chooseLeader(on, scope, page, families);
  const { text, values } = pageStatement(scope, page, leader, parts);
  const { rows } = await on.query<OrderRow>(text, [...values]);
  return rows.map(orderOf);
}

/** The statement for a page, whose rows the family `leader` leads to. */
export function pageStatement(
  scope: OrderScope,
  page: OrderPage,
  leader: Family | undefined,
  parts: readonly OrderPart[],
): { readonly text: string; readonly values: readonly unknown[] } {
  const { direction: by } = page;
  const search = new OrderSearch(scope, page);
  const text = `
    with recursive ${leader === 'state' ? `${search.combinations()}, ` : ''}page as materialized (${search.keysBy(leader)})
    select ${orderSelection(parts)} from page join orders o on o.id = page.id order by o.created_at ${by}, o.id ${by}`;
  return { text, values: search.values };
}

function familiesOf(scope: OrderScope, filter: OrderFilter): Family[] {
  const { statuses, paymentStatuses, currency, needsReview, methods, customerId, number } = filter;
  const has: Readonly<Record<Family, boolean>> = {
    customer: customerId !== null || scope.customerId !== null,
    method: methods !== null,
    state: statuses !== null || paymentStatuses !== null || currency !== null || needsReview !== null,
    number: number !== null,
  };
  return (Object.keys(has) as Family[]).filter((family) => has[family]);
}

/** The family that the fewest orders match, if they are few; otherwise one whose index has the order of the page. */
async function chooseLeader(
  on: Reader,
  scope: OrderScope,
  page: OrderPage,
  families: readonly Family[],
): Promise<Family | undefined> {
  const search = new OrderSearch(scope, page);
  const counts = families.map(
    (family) => `(select count(*)::int from (${search.matching(family)} limit ${fewMax + 1}) x) as ${family}`,
  );
  const combinations = families.includes('state') ? `with recursive ${search.combinations()}` : '';
  const { rows } = await on.query<Record<Family, number>>(`${combinations} select ${counts.join()}`, [
    ...search.values,
  ]);
  const countOf = (family: Family) => rows[0]?.[family] ?? 0;
  const few = families.filter((family) => countOf(family) <= fewMax);
  const [fewest] = few.sort((one, other) => countOf(one) - countOf(other));
  return fewest ?? families.find((family) => family !== 'number');
}

const isReviewed = '(cardinality(o.review_reasons) > 0)';
const stateColumns = ['o.currency', 'o.status', 'o.payment_status', isReviewed];

/** The parts of a statement on the orders `o` of the caller, and its values. */
class OrderSearch {
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
        const orders = this.#orders([...this.#isCombination(), ...this.#range(), ...this.#othersThan('state')]);
        return `select x.* from combination c cross join lateral (${orders} ${sorted}) x
          where ${this.#stateConditions('c').join(' and ')} ${sorted}`;
      }
      case 'method': {
        const others = this.#othersThan('method');
        const joined = others.length === 0 ? '' : `join orders o on o.id = p.order_id and ${others.join(' and ')}`;
        const payments = `select distinct p.order_id as id, p.order_created_at as created_at from payments p ${joined}
          where ${this.#paymentConditions('p.method = m.method')}`;
        return `select distinct x.id, x.created_at from unnest(${this.#methods()}) m(method) cross join lateral (${payments} ${sorted}) x ${sorted}`;
      }
      case 'number': {
        // All of them, in the order of the index: they are few.
        const orders = this.#orders([...this.#range(), ...this.#othersThan()]);
        return `select x.* from (${orders} offset 0) x ${sorted}`;
      }
      default:
        return `${this.#orders([...this.#range(), ...this.#othersThan()])} ${sorted}`;
    }
  }

  /** The orders, or the payments of a method, that match one family. */
  matching(family: Family): string {
    switch (family) {
      case 'state': {
        const orders = this.#orders([...this.#isCombination(), ...this.#range()]);
        return `select from combination c cross join lateral (${orders} limit ${fewMax + 1}) x where ${this.#stateConditions('c').join(' and ')}`;
      }
      case 'method':
        return `select from payments p where ${this.#paymentConditions(`p.method = any(${this.#methods()})`)}`;
      case 'number':
        return this.#orders(this.#conditions('number')); // the index has no time
      default:
        return this.#orders([...this.#conditions(family), ...this.#range()]);
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
      order by ${stateColumns.map((column) => `${column} desc`).join()}, o.created_at desc, o.id desc limit 1`;
    const isLower = `(${stateColumns.join()}) < (c.currency, c.status, c.payment_status, c.is_reviewed)`;
    return `combination as (
      (${next([])}) union all select n.* from combination c cross join lateral (${next([isLower])}) n)`;
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

  #othersThan(leader?: Family): string[] {
    const { orderId } = this.#scope;
    const families: readonly Family[] = ['customer', 'method', 'state', 'number'];
    return [
      ...families.filter((family) => family !== leader).flatMap((family) => this.#conditions(family)),
      ...(orderId === null ? [] : [`o.id = ${this.#add(orderId)}`]),
    ];
  }

  #conditions(family: Family): string[] {
    const { customerId, methods, number } = this.#page.filter;
    switch (family) {
      case 'state':
        return this.#stateConditions('o');
      case 'customer':
        return [customerId, this.#scope.customerId].flatMap((id) =>
          id === null ? [] : [`o.customer_id = ${this.#add(id)}`],
        );
      case 'method':
        return methods === null
          ? []
          : [`exists (select from payments p where p.order_id = o.id and p.method = any(${this.#methods()}))`];
      case 'number':
        return number === null ? [] : [`o.number like ${this.#add(`${number.replaceAll(/[\\%_]/g, '\\$&')}%`)}`];
    }
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
      ...(createdFrom === null ? [] : [`${time} >= ${this.#add(createdFrom)}::timestamptz`]),
      ...(createdBefore === null ? [] : [`${time} < ${this.#add(createdBefore)}::timestamptz`]),
      ...(after === null ? [] : [`(${time}, ${id}) > ${this.#positionOf(after)}`]),
      ...(before === null ? [] : [`(${time}, ${id}) < ${this.#positionOf(before)}`]),
    ];
  }

  /** Of an order that is not there, such as one that was lost with a restored database, the time in its id is taken. */
  #positionOf(orderId: string): string {
    const id = this.#add(orderId);
    const time = this.#add(timeOfId(orderId));
    return `(coalesce((select l.created_at from orders l where l.id = ${id} and l.merchant_id = $1), ${time}::timestamptz), ${id})`;
  }

  #methods(): string {
    return `${this.#add(this.#page.filter.methods)}::"PaymentMethod"[]`;
  }

  /** Adds a value, and returns its placeholder. */
  #add(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}
