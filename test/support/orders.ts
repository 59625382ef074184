import { randomUUID } from 'node:crypto';
import { graphql } from '../../generated/graphql/gql.ts';
import type {
  CreateOrderInput,
  OrderPartsFragment,
  PaymentPartsFragment,
  PayOrderInput,
} from '../../generated/graphql/graphql.ts';
import type { TestApp } from './test-app.ts';

graphql(`
  fragment OrderParts on Order {
    id
    number
    status
    paymentStatus
    version
    eventCursor
    allowedActions
    needsReview
    total { amountMinor currency decimal }
    captured { amountMinor }
    refundable { amountMinor }
    payments { id status }
  }
`);
graphql(`
  fragment PaymentParts on Payment {
    id
    status
    flow
    providerPaymentId
    nextCheckAt
    amount { amountMinor }
    captured { amountMinor }
    failure { reason message providerCode }
    evidence { source providerTime receivedAt }
    nextAction {
      __typename
      ... on ConfirmCardAction { clientSecret publishableKey }
      ... on RedirectAction { url expiresAt }
    }
  }
`);
export const createOrderDocument = graphql(`
  mutation CreateTestOrder($input: CreateOrderInput!) {
    createOrder(input: $input) {
      __typename
      ... on Order { ...OrderParts }
      ... on Error { code message }
      ... on InvalidInputError { issues { path message } }
    }
  }
`);
export const payOrderDocument = graphql(`
  mutation PayTestOrder($input: PayOrderInput!) {
    payOrder(input: $input) {
      __typename
      ... on Payment { ...PaymentParts }
      ... on Error { code message }
      ... on InvalidInputError { issues { path message } }
      ... on PaymentInProgressError { payment { id status } }
      ... on OrderNotPayableError { order { id status } }
      ... on ProviderRejectedError { payment { id status failure { reason providerCode } } }
      ... on ProviderUnavailableError { retryAfterMs }
      ... on MethodNotAvailableError { available { method flows } }
    }
  }
`);
const orderDocument = graphql(`
  query TestOrder($id: ID!) {
    order(id: $id) {
      ...OrderParts
      events(first: 100) { nodes { sequence type } }
      payments { ...PaymentParts }
    }
  }
`);

export function orderInput(input: Partial<CreateOrderInput> = {}): CreateOrderInput {
  return {
    idempotencyKey: randomUUID(),
    currency: 'EUR',
    lines: [{ name: 'Cup', quantity: 2, unitAmountMinor: 1250 }],
    ...input,
  };
}

/** Creates an order, or fails the test with what the API answered instead. */
export async function createOrder(
  { client }: TestApp,
  input: Partial<CreateOrderInput> = {},
): Promise<OrderPartsFragment> {
  const { createOrder: order } = await client.request(createOrderDocument, { input: orderInput(input) });
  if (order?.__typename !== 'Order') throw new Error(`No order: ${JSON.stringify(order)}`);
  return order;
}

export async function payOrder(
  { client }: TestApp,
  orderId: string,
  input: Partial<PayOrderInput> = {},
): Promise<PaymentPartsFragment> {
  const { payOrder: payment } = await client.request(payOrderDocument, {
    input: { idempotencyKey: randomUUID(), orderId, method: 'CARD', flow: 'EMBEDDED', ...input },
  });
  if (payment?.__typename !== 'Payment') throw new Error(`No payment: ${JSON.stringify(payment)}`);
  return payment;
}

export async function readOrder({ client }: TestApp, id: string) {
  const { order } = await client.request(orderDocument, { id });
  if (!order) throw new Error(`Order ${id} is not there.`);
  return { ...order, types: order.events.nodes.map(({ type }) => type) };
}

/** The buyer's part: confirms an embedded payment with one of Stripe's test cards. Returns Stripe's answer, 402 included. */
export async function confirmCard(
  { sandboxUrl }: TestApp,
  { nextAction }: PaymentPartsFragment,
  card = 'pm_card_visa',
): Promise<{ status: number; body: Record<string, unknown> }> {
  if (nextAction?.__typename !== 'ConfirmCardAction') throw new Error('The payment has no card to confirm.');
  const { clientSecret, publishableKey } = nextAction;
  const [intentId] = clientSecret.split('_secret_');
  const response = await fetch(`${sandboxUrl}/v1/payment_intents/${intentId}/confirm`, {
    method: 'POST',
    headers: { authorization: `Bearer ${publishableKey}` },
    body: new URLSearchParams({ client_secret: clientSecret, payment_method: card }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
