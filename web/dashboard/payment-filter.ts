import type { PaymentsPageQueryVariables } from '../../generated/web/operations.ts';
import {
  commonNames,
  conditionsIn,
  createdWithin,
  type ListConditions,
  listed,
  methods,
  pageOf,
} from './list-conditions.ts';

const names = ['number', 'status', 'method', ...commonNames] as const;

/** The conditions of a list of payments, as they are in the address. */
export type PaymentConditions = ListConditions & Readonly<Record<(typeof names)[number], string>>;

// biome-ignore format: one line per kind of value
export const paymentStatuses = [
  'SUBMITTING', 'ACTION_REQUIRED', 'PROCESSING', 'UNKNOWN', 'AUTHORIZED', 'SUCCEEDED', 'FAILED', 'CANCELING', 'CANCELED', 'EXPIRED',
] as const;

export function conditionsOf(query: URLSearchParams): PaymentConditions {
  return conditionsIn(names, query);
}

/** The variables of the query. What an address has that the API does not know is left out. */
export function variablesOf(conditions: PaymentConditions): PaymentsPageQueryVariables {
  return {
    filter: {
      providerPaymentId: conditions.number || null,
      status: listed(conditions.status, paymentStatuses),
      method: listed(conditions.method, methods),
      ...createdWithin(conditions),
    },
    ...pageOf(conditions),
  };
}
