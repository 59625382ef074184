import type { PaystreamClient } from '@paystream/client';
import type {
  AskProviderMutation,
  AskProviderMutationVariables,
  CheckoutQuery,
  CheckoutQueryVariables,
} from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';

export const checkoutOperation = operation<CheckoutQuery, CheckoutQueryVariables>(/* GraphQL */ `
  query Checkout($orderId: ID!, $returnUrl: String!) {
    order(id: $orderId) {
      id
      version
      eventCursor
      number
      status
      paymentStatus
      expiresAt
      total { amountMinor currency }
      lines {
        name
        quantity
        unitPrice { amountMinor currency }
        total { amountMinor currency }
      }
      payments {
        id
        method
        flow
        status
        succeededAt
        failure { reason }
        nextAction {
          __typename
          ... on RedirectAction { url expiresAt }
          ... on QrCodeAction { content expiresAt }
          ... on ConfirmCardAction { clientSecret publishableKey formUrl }
          ... on WeChatPayBridgeAction { appId timeStamp nonceStr package signType paySign }
        }
      }
      merchant { name brandColor allowsReturnTo(url: $returnUrl) }
    }
    paymentMethods(orderId: $orderId) { method flows }
  }
`);

const refreshOperation = operation<AskProviderMutation, AskProviderMutationVariables>(/* GraphQL */ `
  mutation AskProvider($paymentId: ID!) {
    refreshPayment(paymentId: $paymentId) { __typename }
  }
`);

export type CheckoutOrder = NonNullable<CheckoutQuery['order']>;
export type CheckoutPayment = CheckoutOrder['payments'][number];
export type CheckoutAction = NonNullable<CheckoutPayment['nextAction']>;
export type ActionOf<Name extends CheckoutAction['__typename']> = Extract<CheckoutAction, { __typename: Name }>;
export type CheckoutOption = NonNullable<CheckoutQuery['paymentMethods']>[number];
export type PaymentMethod = CheckoutPayment['method'];
export type PaymentFlow = CheckoutPayment['flow'];

/** The order with the ways to pay it. */
export type Checkout = { readonly order: CheckoutOrder; readonly options: readonly CheckoutOption[] };

/** Null when there is no such order for this token. @throws {PaystreamError} */
export async function readCheckout(
  client: PaystreamClient,
  variables: CheckoutQueryVariables,
  signal: AbortSignal,
): Promise<Checkout | null> {
  const { order, paymentMethods } = await client.request(checkoutOperation, variables, { signal });
  return order === null ? null : { order, options: paymentMethods ?? [] };
}

/** Lets the server ask the provider about a payment now. What comes of it arrives as events of the order. */
export async function refreshPayment(client: PaystreamClient, paymentId: string): Promise<void> {
  // A provider that does not answer is asked again by the server, whatever happens here.
  await client.request(refreshOperation, { paymentId }).catch(() => undefined);
}
