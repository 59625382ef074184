export type GraphiqlTab = { readonly query: string; readonly variables: string; readonly headers: string };

/** The operations that GraphiQL opens with, in the order in which one would try them. */
export function graphiqlTabs(token: string | null, returnUrl: string): GraphiqlTab[] {
  const headers = JSON.stringify({ authorization: `Bearer ${token ?? '<token>'}` }, null, 2);
  return tabs(returnUrl).map(({ query, variables }) => ({
    query: `${query.trim()}\n`,
    variables: JSON.stringify(variables, null, 2),
    headers,
  }));
}

const orderId = 'ord_… (from createOrder)';

const tabs = (returnUrl: string) => [
  {
    query: `
# 1. Create an order. The same key with the same input always gives the same order.
# Copy its id into the variables of the next tabs.
mutation CreateOrder($input: CreateOrderInput!) {
  createOrder(input: $input) {
    ... on Order { id number status paymentStatus total { decimal currency } expiresAt eventCursor }
    ... on Error { code message }
    ... on InvalidInputError { issues { path message } }
  }
}`,
    variables: {
      input: {
        idempotencyKey: 'my-first-order',
        currency: 'EUR',
        lines: [{ name: 'Espresso cup', quantity: 2, unitAmountMinor: 1250 }],
        description: 'Two cups',
      },
    },
  },
  {
    query: `
# 2. Follow the order: press play, leave this tab open, and go on with the next one.
# \`after\` may be any cursor that you have; without it, the events start now.
subscription FollowOrder($orderId: ID!, $after: EventCursor) {
  orderEvents(orderId: $orderId, after: $after) {
    sequence type occurredAt orderStatus orderPaymentStatus paymentStatus amount { decimal currency } cursor
  }
}`,
    variables: { orderId },
  },
  {
    query: `
# 3. Pay it by card. Open nextAction.url in another browser tab: the sandbox's cashier page, where you are the buyer.
mutation PayOrder($input: PayOrderInput!) {
  payOrder(input: $input) {
    ... on Payment {
      id status nextCheckAt
      nextAction { __typename ... on RedirectAction { url expiresAt } ... on ConfirmCardAction { clientSecret publishableKey } }
    }
    ... on Error { code message }
    ... on InvalidInputError { issues { path message } }
    ... on PaymentInProgressError { payment { id status } }
  }
}`,
    variables: {
      input: { idempotencyKey: 'my-first-payment', orderId, method: 'CARD', flow: 'REDIRECT', returnUrl },
    },
  },
  {
    query: `
# 4. Look at the order, its payments and its whole history.
query Order($orderId: ID!) {
  order(id: $orderId) {
    number status paymentStatus total { decimal } captured { decimal } allowedActions needsReview
    payments { id method status failure { reason message } evidence { source providerTime receivedAt } nextCheckAt }
    events { nodes { sequence type occurredAt } }
  }
}`,
    variables: { orderId },
  },
  {
    query: `
# 5. Follow everything that happens to all orders, as a dashboard would.
subscription FollowAll($after: EventCursor) {
  merchantEvents(after: $after) {
    type orderNumber orderStatus orderPaymentStatus paymentStatus amount { decimal currency } cursor
  }
}`,
    variables: {},
  },
];
