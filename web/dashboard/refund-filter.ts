import type { RefundsPageQueryVariables } from '../../generated/web/operations.ts';
import {
  commonNames,
  conditionsIn,
  createdWithin,
  type ListConditions,
  listed,
  methods,
  pageOf,
} from './list-conditions.ts';

const names = ['status', 'approval', 'method', ...commonNames] as const;

/** The conditions of a list of refunds, as they are in the address. */
export type RefundConditions = ListConditions & Readonly<Record<(typeof names)[number], string>>;

export const refundStatuses = ['PENDING', 'UNKNOWN', 'SUCCEEDED', 'FAILED'] as const;
export const approvals = ['NEEDED', 'APPROVED', 'REJECTED'] as const;

export function conditionsOf(query: URLSearchParams): RefundConditions {
  return conditionsIn(names, query);
}

/** The variables of the query. What an address has that the API does not know is left out. */
export function variablesOf(conditions: RefundConditions): RefundsPageQueryVariables {
  return {
    filter: {
      status: listed(conditions.status, refundStatuses),
      approval: listed(conditions.approval, approvals),
      method: listed(conditions.method, methods),
      ...createdWithin(conditions),
    },
    ...pageOf(conditions),
  };
}
