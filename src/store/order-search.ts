import type { OrderScope } from '../domain/actor.ts';
import { perRow } from './list-statement.ts';
import { isReviewed, OrderConditions } from './order-conditions.ts';
import {
  type Family,
  fewMax,
  isOneTotal,
  type Leader,
  mostOf,
  type NumberPart,
  type OrderPage,
  partsOfSearch,
  textOf,
} from './order-filter.ts';
import { isNumberBeginningSql, isNumberEndSql, periodOfSql, termOfValueSql } from './order-terms.ts';

/**
 * All orders of a period that have a beginning are read if they are at most so many; otherwise the orders of the period in the order of the page,
 * until there are enough that have it.
 */
const periodFewMax = 1000;

/** The parts of a statement on the orders `o` of the caller, each for an index that leads to them, and its values. */
export class OrderSearch {
  readonly #scope: OrderScope;
  readonly #page: OrderPage;
  readonly #conditions: OrderConditions;

  constructor(scope: OrderScope, page: OrderPage, conditions = new OrderConditions(scope, page)) {
    this.#scope = scope;
    this.#page = page;
    this.#conditions = conditions;
  }

  get values(): readonly unknown[] {
    return this.#conditions.values;
  }

  /** The ids and times of the page, from the index of the family that leads. */
  keysBy({ family, many }: Leader): string {
    const { direction, filter } = this.#page;
    if (many.includes('number')) {
      const inPeriod = this.#within('w.period').keysBy({ family, many: [] });
      return this.#walk(filter.number ?? '', this.#conditions.checksBesides('number'), inPeriod);
    }
    const by = direction ?? 'desc';
    const limited = this.#limited();
    const sorted = `order by created_at ${by}, id ${by} ${limited}`;
    switch (family) {
      case 'search':
        return this.#foundBy(sorted, many);
      case 'amount': {
        const terms = this.#conditions.ordersOfTerms(
          this.#conditions.isAmount(),
          this.#conditions.checksBesides('amount'),
        );
        return isOneTotal(this.#page.filter) ? `${terms} ${sorted}` : `select x.* from (${terms} offset 0) x ${sorted}`;
      }
      case 'state': {
        const orders = this.#conditions.orders([
          ...this.#conditions.isCombination(),
          ...this.#conditions.range(),
          ...this.#conditions.checksBesides('state'),
        ]);
        return `select x.* from combination c cross join lateral (${orders} ${sorted}) x
          where ${this.#conditions.stateConditions('c').join(' and ')} ${direction === null ? limited : sorted}`;
      }
      case 'method': {
        const others = this.#conditions.checksBesides('method');
        const ofOrder =
          others.length === 0 ? '' : `and ${perRow(`orders o where o.id = p.order_id and ${others.join(' and ')}`)}`;
        const payments = `select distinct p.order_id as id, p.order_created_at as created_at from payments p
          where ${this.#conditions.paymentConditions('p.method = m.method')} ${ofOrder}`;
        return `select distinct x.id, x.created_at from unnest(${this.#conditions.methods()}) m(method) cross join lateral (${payments} ${sorted}) x ${sorted}`;
      }
      case 'number': {
        // In the order of the index: all of them, which are few, or the first ones, when they are only counted.
        const orders = this.#conditions.orders([
          this.#conditions.startsWith('o.number', filter.number ?? ''),
          ...this.#conditions.range(),
          ...this.#conditions.checksBesides('number'),
        ]);
        return `select x.* from (${orders} offset 0) x ${direction === null ? limited : sorted}`;
      }
      default:
        return `${this.#conditions.orders([...this.#conditions.ofCustomer('o.customer_id'), ...this.#conditions.range(), ...this.#conditions.checksBesides('customer')])} ${sorted}`;
    }
  }

  /**
   * At most `fewMax` and one of the orders, or of the payments, that each value of a family matches. They are sorted as the index is, so that
   * it is read as far as the limit only, and not into a bitmap of all that match.
   */
  matching(family: Exclude<Family, 'search'>): string {
    const by = this.#page.direction ?? 'desc';
    const limit = `limit ${mostOf(family) + 1}`;
    switch (family) {
      case 'amount':
        return `${this.#conditions.ordersOfTerms(this.#conditions.isAmount(), [])} ${limit}`;
      case 'state': {
        const orders = this.#conditions.orders([...this.#conditions.isCombination(), ...this.#conditions.range()]);
        return `select from combination c cross join lateral (${orders} order by o.created_at ${by}, o.id ${by} ${limit}) x
          where ${this.#conditions.stateConditions('c').join(' and ')} ${limit}`;
      }
      case 'method': {
        const payments = `select from payments p where ${this.#conditions.paymentConditions('p.method = m.method')}`;
        return `select from unnest(${this.#conditions.methods()}) m(method)
          cross join lateral (${payments} order by p.order_created_at ${by}, p.order_id ${by} ${limit}) x ${limit}`;
      }
      case 'number': // the index has no time
        return this.matchingPart('number', fewMax);
      default: {
        const orders = this.#conditions.orders([
          ...this.#conditions.ofCustomer('o.customer_id'),
          ...this.#conditions.range(),
        ]);
        return `${orders} order by o.created_at ${by}, o.id ${by} ${limit}`;
      }
    }
  }

  /** At most `max` and one of the orders whose number has a part. */
  matchingPart(part: NumberPart, max: number): string {
    const limit = `limit ${max + 1}`;
    if (part === 'searchEnd') {
      const isEnd = isNumberEndSql('t.term', this.#conditions.search());
      return `select from order_terms t where t.merchant_id = $1 and ${isEnd} ${limit}`;
    }
    const starts = this.#conditions.startsWith('o.number', textOf(part, this.#page.filter));
    return `${this.#conditions.orders([starts])} order by o.number using ~<~ ${limit}`;
  }

  /**
   * The combinations of state that the merchant has orders in, each read as the next lower one in the index. The newest order of a
   * combination stands for it: entries of older orders are more often those of a state that has passed.
   */
  combinations(): string {
    const { currency } = this.#page.filter;
    const inCurrency = currency === null ? [] : [`o.currency = ${this.#conditions.add(currency)}::bpchar`];
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
   * The orders that the search finds. Those of a customer, of a metadata value and of a part of the number that many have are read in the order of
   * the page, the others, which are few, all of them.
   */
  #foundBy(sorted: string, many: readonly NumberPart[]): string {
    const on = this.#conditions;
    const text = on.search();
    const checks = on.checksBesides('search');
    const others = [...on.range(), ...checks];
    const found = [
      on.orders([`o.id = any(array(${on.named(text)}))`, ...others]),
      `${on.orders([`o.customer_id = ${text}`, ...others])} ${sorted}`,
      ...(on.seesMetadata ? [`${on.ordersOfTerms(`t.term = ${termOfValueSql(text)}`, checks)} ${sorted}`] : []),
      ...partsOfSearch(this.#page.filter).map((part) =>
        many.includes(part) ? this.#manyByPart(part, checks, sorted) : this.#fewByPart(part, checks),
      ),
    ];
    return `select distinct x.id, x.created_at from (${found.map((rows) => `(${rows})`).join(' union all ')}) x ${sorted}`;
  }

  /** All orders whose number has a part; of those that are only counted, as many as are counted. */
  #fewByPart(part: NumberPart, checks: readonly string[]): string {
    const on = this.#conditions;
    const rows =
      part === 'searchEnd'
        ? on.ordersOfTerms(isNumberEndSql('t.term', on.search()), checks)
        : on.orders([on.startsWith('o.number', textOf(part, this.#page.filter)), ...on.range(), ...checks]);
    return `select x.* from (${rows} offset 0) x ${this.#page.direction === null ? this.#limited() : ''}`;
  }

  /** The first orders of the page whose number has a part that many have. */
  #manyByPart(part: NumberPart, checks: readonly string[], sorted: string): string {
    const on = this.#conditions;
    const text = textOf(part, this.#page.filter);
    if (part === 'searchEnd') return `${on.orders([on.endsWith(text), ...on.range(), ...checks])} ${sorted}`;
    const inPeriod = on.within('w.period');
    const starts = on.startsWith(`(o.number || '')`, text);
    return this.#walk(text, checks, `${on.orders([starts, ...inPeriod.range(), ...checks])} ${sorted}`);
  }

  #within(period: string): OrderSearch {
    return new OrderSearch(this.#scope, this.#page, this.#conditions.within(period));
  }

  /**
   * The first orders of the page whose number has a beginning that many have. The walk `w` goes from period to period in the order of the page,
   * until it has enough of them: in one statement, because each period is a step of the recursion. A period without such an order costs a look at the
   * index of the terms, of some microseconds.
   *
   * @param inOrder the orders of the period `w.period` in the order of the page, for periods in which many have the beginning.
   */
  #walk(beginning: string, checks: readonly string[], inOrder: string): string {
    const on = this.#conditions;
    const [by, opposite, step] = this.#page.direction === 'asc' ? ['asc', 'desc', '+ 1'] : ['desc', 'asc', '- 1'];
    const isLeft = step === '+ 1' ? '<=' : '>=';
    const begins = isNumberBeginningSql('t.term', 'w.period', `${on.add(beginning)}::text`);
    const sorted = `order by created_at ${by}, id ${by} ${this.#limited()}`;
    const periodAt = (sort: string) =>
      `(select ${periodOfSql('o.created_at')} from (${on.orders(on.range())} order by o.created_at ${sort}, o.id ${sort} limit 1) o)`;
    // Sorted before they are checked, so that only the first ones are.
    const few = `
      select t.order_id as id, t.created_at from (
        select t.order_id, t.created_at from order_terms t where ${on.terms(begins).join(' and ')}
        order by t.created_at ${by}, t.order_id ${by} limit ${periodFewMax}
      ) t where ${[`n.count between 1 and ${periodFewMax}`, ...on.checksOfTerm(checks)].join(' and ')} ${sorted}`;
    return `
      with recursive walk as (
        select ${periodAt(by)} as period, ${periodAt(opposite)} as last, 0 as found, '{}'::text[] as ids, '{}'::timestamptz[] as times
        union all
        select w.period ${step}, w.last, w.found + cardinality(f.ids), f.ids, f.times from walk w
        cross join lateral (
          select count(*) as count from (select from order_terms t where t.merchant_id = $1 and ${begins} limit ${periodFewMax + 1}) t
        ) n
        cross join lateral (
          select coalesce(array_agg(x.id), '{}') as ids, coalesce(array_agg(x.created_at), '{}') as times from (
            (${few}) union all (select x.* from (${inOrder}) x where n.count > ${periodFewMax})
          ) x
        ) f
        where w.period ${isLeft} w.last and w.found < ${this.#limit()}
      )
      select x.id, x.created_at from walk w cross join lateral unnest(w.ids, w.times) x(id, created_at) ${sorted}`;
  }

  #limited(): string {
    return `limit ${this.#limit()}`;
  }

  #limit(): string {
    return `${this.#conditions.add(this.#page.limit)}::int`;
  }
}
