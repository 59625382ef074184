import type { OrdersPageQueryVariables } from '../../generated/web/operations.ts';
import {
  commonNames,
  conditionsIn,
  createdWithin,
  type ListConditions,
  listed,
  methods,
  pageOf,
} from './list-conditions.ts';

const names = ['search', 'status', 'paid', 'method', 'review', ...commonNames] as const;

/** The conditions of a list of orders, as they are in the address. */
export type OrderConditions = ListConditions & Readonly<Record<(typeof names)[number], string>>;

/** The API takes no shorter search text. */
export const searchLengthMin = 3;

export const orderStatuses = ['OPEN', 'CLOSING', 'CONFIRMED', 'CANCELED', 'EXPIRED'] as const;
// biome-ignore format: one line per kind of value
export const paidStatuses = [
  'UNPAID', 'PENDING', 'AUTHORIZED', 'PARTIALLY_PAID', 'PAID', 'OVERPAID', 'PARTIALLY_REFUNDED', 'REFUNDED',
] as const;

export function conditionsOf(query: URLSearchParams): OrderConditions {
  return conditionsIn(names, query);
}

/** The variables of the query. What an address has that the API does not know is left out: addresses are typed by people. */
export function variablesOf(conditions: OrderConditions): OrdersPageQueryVariables {
  const { search, status, paid, method, review } = conditions;
  return {
    filter: {
      search: search.length < searchLengthMin ? null : search,
      status: listed(status, orderStatuses),
      paymentStatus: listed(paid, paidStatuses),
      method: listed(method, methods),
      ...createdWithin(conditions),
      needsReview: review === 'yes' ? true : null,
    },
    ...pageOf(conditions),
  };
}
