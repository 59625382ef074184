import type { Database } from '../database/database.ts';
import type { OrderScope } from '../domain/actor.ts';
import { countOf, type ListCount, wholeList } from './list-statement.ts';
import {
  type Family,
  fewMax,
  foundMax,
  isOneTotal,
  type Leader,
  mostOf,
  type NumberPart,
  type OrderFilter,
  type OrderPage,
  partsOfSearch,
} from './order-filter.ts';
import { type OrderPart, type OrderRow, orderOf, orderSelection, type ReadOrder } from './order-reader.ts';
import { OrderSearch } from './order-search.ts';

export type { OrderFilter, OrderPage } from './order-filter.ts';

type Reader = Pick<Database['pool'], 'query'>;

/**
 * Reads a page of the orders that the caller sees. The cost does not depend on the number of the merchant's orders, unless conditions of
 * several families match many orders each and few together, or thousands of old orders, and few newer ones, have a number with the searched end.
 */
export async function readOrderPage(
  on: Reader,
  scope: OrderScope,
  page: OrderPage,
  parts: readonly OrderPart[],
): Promise<ReadOrder[]> {
  const leader = await chooseLeader(on, scope, page);
  const { text, values } = pageStatement(scope, page, leader, parts);
  const { rows } = await on.query<OrderRow>(text, [...values]);
  return rows.map(orderOf);
}

/** Counts the orders that the caller sees and that match, up to `countMax`. */
export async function countOrders(on: Reader, scope: OrderScope, filter: OrderFilter): Promise<ListCount> {
  const page = { ...wholeList, filter };
  const leader = await chooseLeader(on, scope, page);
  const search = new OrderSearch(scope, page);
  const text = `
    with recursive ${leader.family === 'state' ? `${search.combinations()}, ` : ''}found as (${search.keysBy(leader)})
    select count(*)::int as count from found`;
  const { rows } = await on.query<{ count: number }>(text, [...search.values]);
  return countOf(rows);
}

/** The statement for a page, whose rows the family `leader` leads to. */
export function pageStatement(
  scope: OrderScope,
  page: OrderPage,
  leader: Leader,
  parts: readonly OrderPart[],
): { readonly text: string; readonly values: readonly unknown[] } {
  const by = page.direction ?? 'desc';
  const search = new OrderSearch(scope, page);
  const text = `
    with recursive ${leader.family === 'state' ? `${search.combinations()}, ` : ''}page as materialized (${search.keysBy(leader)})
    select ${orderSelection(parts)} from page join orders o on o.id = page.id order by o.created_at ${by}, o.id ${by}`;
  return { text, values: search.values };
}

function familiesOf(scope: OrderScope, filter: OrderFilter): Family[] {
  const { statuses, paymentStatuses, currency, needsReview, methods, customerId, number } = filter;
  const has: Readonly<Record<Family, boolean>> = {
    customer: customerId !== null || scope.customerId !== null,
    method: methods !== null,
    amount: filter.totalMinorFrom !== null || filter.totalMinorTo !== null,
    state: statuses !== null || paymentStatuses !== null || currency !== null || needsReview !== null,
    number: number !== null,
    search: filter.search !== null,
  };
  return (Object.keys(has) as Family[]).filter((family) => has[family]);
}

/** Whether all indexes of a family have the order of the page. */
function isInOrder(family: Family, filter: OrderFilter): boolean {
  return family === 'amount' ? isOneTotal(filter) : family !== 'number' && family !== 'search';
}

/** A family that few orders match, if there is one; otherwise one whose index has the order of the page. */
async function chooseLeader(on: Reader, scope: OrderScope, page: OrderPage): Promise<Leader> {
  const given = familiesOf(scope, page.filter);
  const families = given.filter((family) => family !== 'search');
  const isCounted = page.direction === null;
  if (given.includes('search')) {
    // All parts lead to orders that are only counted, because they are not sorted.
    const many = isCounted && families.length === 0 ? [] : await findMany(on, scope, page, families.length === 0);
    if (many.length === 0 || families.length === 0) return { family: 'search', many };
  }
  const inOrder = families.filter((family) => isInOrder(family, page.filter));
  if (families.length === inOrder.length && families.length < 2) return { family: families[0], many: [] };
  if (isCounted && families.length === 1 && families[0] === 'number') return { family: 'number', many: [] };
  // What is counted costs most for the state, so it is counted last.
  const others = families.filter((family) => family !== 'state');
  const fewest =
    (await findFewest(on, scope, page, others)) ??
    (others.length === families.length ? undefined : await findFewest(on, scope, page, ['state']));
  if (fewest !== undefined) return { family: fewest, many: [] };
  const walks = families.includes('number') && !isCounted;
  return { family: inOrder[0], many: walks ? ['number'] : [] };
}

/**
 * The parts of the search that many numbers have.
 *
 * @param isAlone whether the search is all that is asked for: finding the orders of a beginning period by period costs little then, so `fewMax` is many.
 */
async function findMany(
  on: Reader,
  scope: OrderScope,
  page: OrderPage,
  isAlone: boolean,
): Promise<readonly NumberPart[]> {
  const parts = partsOfSearch(page.filter);
  const search = new OrderSearch(scope, page);
  const maxOf = (part: NumberPart) => (isAlone && part !== 'searchEnd' ? fewMax : foundMax);
  const counts = parts.map(
    (part) => `(select count(*)::int from (${search.matchingPart(part, maxOf(part))}) x) as "${part}"`,
  );
  const { rows } = await on.query<Record<NumberPart, number>>(`select ${counts.join()}`, [...search.values]);
  return parts.filter((part) => (rows[0]?.[part] ?? 0) > maxOf(part));
}

/** The family that the fewest orders match; undefined when many match each. */
async function findFewest(
  on: Reader,
  scope: OrderScope,
  page: OrderPage,
  families: readonly Exclude<Family, 'search'>[],
): Promise<Family | undefined> {
  const search = new OrderSearch(scope, page);
  const counts = families.map((family) => `(select count(*)::int from (${search.matching(family)}) x) as ${family}`);
  const combinations = families.includes('state') ? `with recursive ${search.combinations()}` : '';
  const { rows } = await on.query<Record<Family, number>>(`${combinations} select ${counts.join()}`, [
    ...search.values,
  ]);
  const countOf = (family: Family) => rows[0]?.[family] ?? 0;
  const few = families.filter((family) => countOf(family) <= mostOf(family));
  return few.sort((one, other) => countOf(one) - countOf(other))[0];
}
