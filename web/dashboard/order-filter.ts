import type { OrdersPageQueryVariables } from '../../generated/web/operations.ts';

/** The conditions of a list of orders, as they are in the address. Empty texts are no conditions. */
export type OrderConditions = {
  /** The text of the search box. */
  readonly search: string;
  readonly status: string;
  readonly paid: string;
  readonly method: string;
  /** Days in the time zone of the browser, `2026-11-26`. */
  readonly from: string;
  readonly to: string;
  readonly review: string;
  readonly sort: string;
  readonly after: string;
  readonly before: string;
};

const names = ['search', 'status', 'paid', 'method', 'from', 'to', 'review', 'sort', 'after', 'before'] as const;
export const pageSize = 25;
/** The API takes no shorter text. */
export const searchLengthMin = 3;

export const orderStatuses = ['OPEN', 'CLOSING', 'CONFIRMED', 'CANCELED', 'EXPIRED'] as const;
export const paidStatuses = [
  ...['UNPAID', 'PENDING', 'AUTHORIZED', 'PARTIALLY_PAID', 'PAID', 'OVERPAID', 'PARTIALLY_REFUNDED', 'REFUNDED'],
] as readonly (
  | 'UNPAID'
  | 'PENDING'
  | 'AUTHORIZED'
  | 'PARTIALLY_PAID'
  | 'PAID'
  | 'OVERPAID'
  | 'PARTIALLY_REFUNDED'
  | 'REFUNDED'
)[];
export const methods = ['CARD', 'ALIPAY', 'WECHAT_PAY'] as const;

export function conditionsOf(query: URLSearchParams): OrderConditions {
  return Object.fromEntries(names.map((name) => [name, query.get(name) ?? ''])) as OrderConditions;
}

/** The place of the list under these conditions. */
export function placeOf(conditions: OrderConditions): string {
  const query = new URLSearchParams(
    names.filter((name) => conditions[name] !== '').map((name) => [name, conditions[name]]),
  );
  return `/orders?${query}`;
}

/** True when nothing is filtered. */
export function isUnfiltered(conditions: OrderConditions): boolean {
  return names.every((name) => ['sort', 'after', 'before'].includes(name) || conditions[name] === '');
}

/** The variables of the query. What an address has that the API does not know is left out: addresses are typed by people. */
export function variablesOf(conditions: OrderConditions): OrdersPageQueryVariables {
  const { search, status, paid, method, from, to, review, sort, after, before } = conditions;
  const listed = <Value extends string>(text: string, known: readonly Value[]) => {
    const chosen = known.filter((value) => text.split(',').includes(value));
    return chosen.length > 0 ? chosen : null;
  };
  return {
    filter: {
      search: search.length < searchLengthMin ? null : search,
      status: listed(status, orderStatuses),
      paymentStatus: listed(paid, paidStatuses),
      method: listed(method, methods),
      createdFrom: startOfDay(from, 0),
      createdBefore: startOfDay(to, 1),
      needsReview: review === 'yes' ? true : null,
    },
    orderBy: sort === 'oldest' ? 'OLDEST_FIRST' : 'NEWEST_FIRST',
    ...(before === '' ? { first: pageSize, after: after || null } : { last: pageSize, before }),
  };
}

function startOfDay(day: string, daysLater: number): string | null {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day) ?? [];
  if (year === undefined) return null;
  const start = new Date(Number(year), Number(month) - 1, Number(date) + daysLater);
  return Number.isNaN(start.getTime()) ? null : start.toISOString();
}
