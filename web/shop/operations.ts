import type {
  PlaceOrderMutation,
  PlaceOrderMutationVariables,
  ShopOrdersQuery,
  ShopOrdersQueryVariables,
  ShopQuery,
  ShopQueryVariables,
} from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';

export const shopOperation = operation<ShopQuery, ShopQueryVariables>(/* GraphQL */ `
  query Shop {
    viewer { merchant { name brandColor } }
    products(first: 100) {
      nodes { sku name unitPrice { amountMinor currency } }
    }
  }
`);

export const ordersOperation = operation<ShopOrdersQuery, ShopOrdersQueryVariables>(/* GraphQL */ `
  query ShopOrders {
    orders(first: 5) {
      nodes {
        id
        number
        version
        status
        paymentStatus
        clientToken
        eventCursor
        total { amountMinor currency }
        lines { name quantity }
      }
    }
  }
`);

export const placeOrderOperation = operation<PlaceOrderMutation, PlaceOrderMutationVariables>(/* GraphQL */ `
  mutation PlaceOrder($input: CreateOrderInput!) {
    createOrder(input: $input) {
      __typename
      ... on Order { id clientToken }
      ... on InvalidInputError { issues { path message } }
      ... on Error { message }
    }
  }
`);

export type Product = NonNullable<ShopQuery['products']>['nodes'][number];
export type ShopOrder = NonNullable<ShopOrdersQuery['orders']>['nodes'][number];
export type ShopMerchant = NonNullable<ShopQuery['viewer']>['merchant'];
