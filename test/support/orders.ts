import { randomUUID } from 'node:crypto';
import { graphql } from '../../generated/graphql/gql.ts';
import type {
  CapturePaymentInput,
  CreateOrderInput,
  OrderPartsFragment,
  PaymentPartsFragment,
  PayOrderInput,
  RequestRefundInput,
  ResolveReviewInput,
} from '../../generated/graphql/graphql.ts';
import { askControl, type TestApp } from './test-app.ts';

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
    refunded { amountMinor }
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
      ... on QrCodeAction { content imageUri expiresAt }
      ... on WeChatPayBridgeAction { appId timeStamp nonceStr package signType paySign expiresAt }
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
graphql(`
  fragment RefundParts on Refund {
    id
    status
    origin
    reason
    providerRefundId
    nextCheckAt
    amount { amountMinor }
    failure { reason message providerCode }
    evidence { source }
    payment { id refunded { amountMinor } refundable { amountMinor } }
  }
`);
export const requestRefundDocument = graphql(`
  mutation RequestTestRefund($input: RequestRefundInput!) {
    requestRefund(input: $input) {
      __typename
      ... on Refund { ...RefundParts }
      ... on Error { code message }
      ... on InvalidInputError { issues { path message } }
      ... on RefundExceedsPaymentError { refundable { amountMinor currency } }
    }
  }
`);
export const capturePaymentDocument = graphql(`
  mutation CaptureTestPayment($input: CapturePaymentInput!) {
    capturePayment(input: $input) {
      __typename
      ... on Payment { ...PaymentParts captureRequested { amountMinor } }
      ... on Error { code message }
      ... on InvalidInputError { issues { path message } }
      ... on PaymentNotCapturableError { payment { id status } }
      ... on ProviderRejectedError { payment { id status } }
      ... on ProviderUnavailableError { retryAfterMs }
    }
  }
`);
export const resolveReviewDocument = graphql(`
  mutation ResolveTestReview($input: ResolveReviewInput!) {
    resolveReview(input: $input) {
      __typename
      ... on Order { ...OrderParts }
      ... on Error { code message }
      ... on InvalidInputError { issues { path message } }
    }
  }
`);
const orderDocument = graphql(`
  query TestOrder($id: ID!) {
    order(id: $id) {
      ...OrderParts
      events(first: 100) { nodes { sequence type note resolvedBy failure { reason message providerCode } } }
      payments { ...PaymentParts captureRequested { amountMinor } }
      refunds { ...RefundParts }
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
  { client }: Pick<TestApp, 'client'>,
  input: Partial<CreateOrderInput> = {},
): Promise<OrderPartsFragment> {
  const { createOrder: order } = await client.request(createOrderDocument, { input: orderInput(input) });
  if (order?.__typename !== 'Order') throw new Error(`No order: ${JSON.stringify(order)}`);
  return order;
}

export async function payOrder(
  { client }: Pick<TestApp, 'client'>,
  orderId: string,
  input: Partial<PayOrderInput> = {},
): Promise<PaymentPartsFragment> {
  const { payOrder: payment } = await client.request(payOrderDocument, {
    input: { idempotencyKey: randomUUID(), orderId, method: 'CARD', flow: 'EMBEDDED', ...input },
  });
  if (payment?.__typename !== 'Payment') throw new Error(`No payment: ${JSON.stringify(payment)}`);
  return payment;
}

export async function readOrder({ client }: Pick<TestApp, 'client'>, id: string) {
  const { order } = await client.request(orderDocument, { id });
  if (!order) throw new Error(`Order ${id} is not there.`);
  return { ...order, types: order.events.nodes.map(({ type }) => type) };
}

/** An order that its buyer has paid, or authorized, and whose callbacks have been applied. */
export async function paidOrder(
  app: TestApp,
  input: Partial<CreateOrderInput> = {},
): Promise<{ readonly orderId: string; readonly payment: PaymentPartsFragment }> {
  const { id: orderId } = await createOrder(app, input);
  const started = await payOrder(app, orderId);
  await confirmCard(app, started);
  // Its callback may still be on its way: asking comes to the same.
  app.clock.advance(1100);
  await refreshPayment(app, started.id);
  const [payment] = (await readOrder(app, orderId)).payments;
  if (payment === undefined) throw new Error(`Order ${orderId} has no payment.`);
  return { orderId, payment };
}

export async function requestRefund(
  { client }: Pick<TestApp, 'client'>,
  input: Partial<RequestRefundInput> & { paymentId: string },
) {
  const wanted = { idempotencyKey: randomUUID(), amountMinor: 1000, ...input };
  const { requestRefund: refund } = await client.request(requestRefundDocument, { input: wanted });
  if (!refund) throw new Error('No answer.');
  return refund;
}

export async function capturePayment(
  { client }: Pick<TestApp, 'client'>,
  input: Partial<CapturePaymentInput> & { paymentId: string },
) {
  const wanted = { idempotencyKey: randomUUID(), ...input };
  const { capturePayment: payment } = await client.request(capturePaymentDocument, { input: wanted });
  if (!payment) throw new Error('No answer.');
  return payment;
}

export async function resolveReview(
  { client }: Pick<TestApp, 'client'>,
  input: Omit<ResolveReviewInput, 'note'> & Partial<ResolveReviewInput>,
) {
  const wanted = { note: 'Seen in the console.', ...input };
  const { resolveReview: order } = await client.request(resolveReviewDocument, { input: wanted });
  if (!order) throw new Error('No answer.');
  return order;
}

export async function refreshPayment({ client }: Pick<TestApp, 'client'>, paymentId: string): Promise<void> {
  await client.request('mutation($id: ID!) { refreshPayment(paymentId: $id) { __typename } }', { id: paymentId });
}

/** Lets time pass in steps and takes up whatever is due, until the order fits; fails when it does not within so many steps. */
export async function sweepUntil(
  app: TestApp,
  orderId: string,
  fits: (order: Awaited<ReturnType<typeof readOrder>>) => boolean,
  stepMs = 60_000,
) {
  for (let step = 0; step < 100; step += 1) {
    await app.app.rounds.sweep();
    await app.app.idle();
    const order = await readOrder(app, orderId);
    if (fits(order)) return order;
    app.clock.advance(stepMs);
  }
  throw new Error(`It does not come to that: ${JSON.stringify(await readOrder(app, orderId))}`);
}

/** What the provider has of a payment. */
export type Books = {
  readonly totals: {
    readonly paymentIntents: number;
    readonly charges: number;
    readonly authorized: number;
    readonly captured: number;
    readonly refunded: number;
  };
  readonly paymentIntents: readonly { readonly id: string; readonly status: string }[];
  readonly refunds: readonly { readonly id: string; readonly amount: number; readonly status: string }[];
};

export async function booksOf({ sandboxUrl }: Pick<TestApp, 'sandboxUrl'>, paymentId: string): Promise<Books> {
  const { stripe } = await askControl<{
    stripe: Omit<Books, 'totals'> & { readonly totals: Record<string, Books['totals']> };
  }>(sandboxUrl, `ledger?payment_id=${paymentId}`);
  const totals = stripe.totals[paymentId];
  if (totals === undefined) throw new Error(`The provider has no payment ${paymentId}.`);
  return { ...stripe, totals };
}

/** The buyer's part: confirms an embedded payment with one of Stripe's test cards. Returns Stripe's answer, 402 included. */
export async function confirmCard(
  { sandboxUrl }: Pick<TestApp, 'sandboxUrl'>,
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
