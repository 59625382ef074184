import type { OrderPageQuery, OrderPageQueryVariables } from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';

export const orderQuery = operation<OrderPageQuery, OrderPageQueryVariables>(/* GraphQL */ `
  query OrderPage($id: ID!) {
    order(id: $id) {
      id
      number
      version
      status
      paymentStatus
      allowedActions
      needsReview
      captureMode
      description
      customerId
      createdAt
      expiresAt
      metadata
      clientToken
      total {
        amountMinor
        currency
      }
      authorized {
        amountMinor
        currency
      }
      captured {
        amountMinor
        currency
      }
      refunded {
        amountMinor
        currency
      }
      refundable {
        amountMinor
        currency
      }
      lines {
        name
        sku
        quantity
        unitPrice {
          amountMinor
          currency
        }
        total {
          amountMinor
          currency
        }
      }
      payments {
        id
        status
        method
        flow
        createdAt
        succeededAt
        nextCheckAt
        providerPaymentId
        card {
          brand
          last4
        }
        amount {
          amountMinor
          currency
        }
        captured {
          amountMinor
          currency
        }
        captureRequested {
          amountMinor
          currency
        }
        refundable {
          amountMinor
          currency
        }
        evidence {
          source
          receivedAt
          providerTime
        }
        failure {
          reason
          message
          providerCode
        }
      }
      refunds {
        id
        status
        approval
        origin
        reason
        createdAt
        succeededAt
        nextCheckAt
        providerRefundId
        payment {
          id
          method
        }
        amount {
          amountMinor
          currency
        }
        requestedBy {
          kind
          id
        }
        decidedBy {
          kind
          id
        }
        evidence {
          source
          receivedAt
          providerTime
        }
        failure {
          reason
          message
          providerCode
        }
      }
      deliveries(first: 50) {
        nodes {
          id
          provider
          eventType
          eventId
          receivedAt
          verdict
          reason
          attempts
          nextAttemptAt
          body
        }
      }
      events(first: 100) {
        nodes {
          id
          sequence
          type
          occurredAt
          note
          paymentId
          refundId
          amount {
            amountMinor
            currency
          }
          failure {
            reason
            message
            providerCode
          }
          actor {
            kind
            id
          }
        }
        pageInfo {
          hasNextPage
        }
      }
    }
  }
`);

export type OrderShown = NonNullable<OrderPageQuery['order']>;
export type PaymentShown = OrderShown['payments'][number];
export type RefundShown = OrderShown['refunds'][number];
export type DeliveryShown = NonNullable<OrderShown['deliveries']>['nodes'][number];
export type EventShown = OrderShown['events']['nodes'][number];
