import type { ToDoQuery, ToDoQueryVariables } from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';
import { type Loaded, useQuery } from './use-query.ts';

const toDoQuery = operation<ToDoQuery, ToDoQueryVariables>(/* GraphQL */ `
  query ToDo($first: Int!) {
    refunds(first: $first, filter: { approval: [NEEDED] }, orderBy: OLDEST_FIRST) {
      totalCount {
        value
      }
      nodes {
        id
        createdAt
        reason
        amount {
          amountMinor
          currency
        }
        order {
          id
          number
        }
        payment {
          id
          method
        }
        requestedBy {
          kind
          id
        }
      }
    }
    payments(first: $first, filter: { status: [UNKNOWN] }, orderBy: OLDEST_FIRST) {
      totalCount {
        value
      }
      nodes {
        id
        method
        createdAt
        nextCheckAt
        amount {
          amountMinor
          currency
        }
        order {
          id
          number
        }
      }
    }
    orders(first: $first, filter: { needsReview: true }, orderBy: OLDEST_FIRST) {
      totalCount {
        value
      }
      nodes {
        id
        number
        needsReview
        createdAt
        total {
          amountMinor
          currency
        }
      }
    }
  }
`);

/** The entries of each list that are shown. */
export const shownMax = 50;

/** The events that change what is to do. */
const changing: readonly string[] = [
  ...['ORDER_REVIEW_NEEDED', 'ORDER_REVIEW_RESOLVED', 'PAYMENT_UNKNOWN', 'REFUND_APPROVAL_NEEDED'],
  ...['REFUND_REQUESTED', 'REFUND_PENDING', 'REFUND_SUCCEEDED', 'REFUND_FAILED', 'REFUND_UNKNOWN'],
];

/** What waits for a person. An event of a payment that was shown as unknown means that its outcome may be known. */
export function useToDo(): Loaded<ToDoQuery> {
  return useQuery(
    toDoQuery,
    { first: shownMax },
    ({ type, paymentId }, known) =>
      changing.includes(type) || known?.payments?.nodes.some(({ id }) => id === paymentId) === true,
  );
}

export function countOf(data: ToDoQuery | null): number {
  const lists = [data?.refunds, data?.payments, data?.orders];
  return lists.reduce((sum, list) => sum + (list?.totalCount.value ?? 0), 0);
}
