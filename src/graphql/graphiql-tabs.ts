/**
 * The default tabs of GraphiQL, in the order in which to try them. `graphiql-page.ts` gives their idempotency keys a new suffix on each page
 * load.
 * @param returnUrl the page that shows the state of an order after the buyer comes back.
 * @param cashierUrl the sandbox's list of payments that wait for a buyer; null without a sandbox.
 */
export function graphiqlTabs(returnUrl: string, cashierUrl: string | null): { readonly query: string }[] {
  return tabs(returnUrl, cashierUrl).map((query) => ({ query: `${query.trim()}\n` }));
}

// Inputs are written into the operations: GraphiQL does not show the variables of a default tab.
const tabs = (returnUrl: string, cashierUrl: string | null) => [
  `
# 1. Create an order: press play, then copy its id.
# Press play again: the same key returns the same order.
# For a new order, reload this page: it sets new keys.
# (This page sends your development token.)
mutation CreateOrder {
  createOrder(
    input: {
      idempotencyKey: "my-first-order"
      currency: "CNY"
      lines: [
        { name: "Cup", quantity: 2, unitAmountMinor: 1250 }
      ]
      description: "Two cups"
      expiresInSeconds: 86400
    }
  ) {
    ... on Order {
      id
      number
      status
      paymentStatus
      total { decimal currency }
      expiresAt
      eventCursor
    }
    ... on Error { code message }
    ... on InvalidInputError { issues { path message } }
  }
}`,
  `
# 2. Follow the order: open this page in a second browser
# window, insert the order id here, and press play.
# (Switching to another tab here stops the subscription.)
# Add after: "<cursor>" to get all events since a cursor.
subscription FollowOrder {
  orderEvents(orderId: "ord_…") {
    sequence
    type
    orderStatus
    orderPaymentStatus
    paymentStatus
    amount { decimal currency }
    cursor
  }
}`,
  `
# 3. Pay the order: insert its id, press play, and open
# nextAction.url in a browser: the cashier page.
# After you pay, it opens returnUrl, which shows the order.
# For another order, reload this page first.
# method: ALIPAY leads to Alipay's page instead.
mutation PayOrder {
  payOrder(
    input: {
      idempotencyKey: "my-first-payment"
      orderId: "ord_…"
      method: CARD
      flow: REDIRECT
      returnUrl: "${returnUrl}"
    }
  ) {
    ... on Payment {
      id
      status
      nextAction {
        ... on RedirectAction { url expiresAt }
        ... on ConfirmCardAction { clientSecret }
      }
      nextCheckAt
    }
    ... on Error { code message }
    ... on InvalidInputError { issues { path message } }
    ... on PaymentInProgressError { payment { id status } }
  }
}`,
  `
# 3b. Or pay by a QR code of WECHAT_PAY or ALIPAY.
${cashierUrl === null ? '# imageUri holds the code as an image.' : `# Without a phone, pay it at ${cashierUrl}`}
mutation PayByCode {
  payOrder(
    input: {
      idempotencyKey: "my-first-code"
      orderId: "ord_…"
      method: WECHAT_PAY
      flow: QR_CODE
    }
  ) {
    ... on Payment {
      id
      status
      nextAction {
        ... on QrCodeAction { content expiresAt }
      }
      nextCheckAt
    }
    ... on Error { code message }
    ... on MethodNotAvailableError { available { method flows } }
    ... on PaymentInProgressError { payment { id status } }
  }
}`,
  `
# 4. Read the order and its history.
query Order {
  order(id: "ord_…") {
    number
    status
    paymentStatus
    total { decimal }
    captured { decimal }
    allowedActions
    needsReview
    payments {
      id
      method
      status
      failure { reason message }
      evidence { source providerTime receivedAt }
      nextCheckAt
    }
    refunds { id status origin amount { decimal } failure { message } }
    events { nodes { sequence type occurredAt note } }
  }
}`,
  `
# 5. Refund a part: insert the payment's id, press play.
# Press play again: the same key returns the same refund.
# A new key makes another refund, up to the refundable
# amount.
mutation RequestRefund {
  requestRefund(
    input: {
      idempotencyKey: "my-first-refund"
      paymentId: "pay_…"
      amountMinor: 1000
      reason: "One cup was broken"
    }
  ) {
    ... on Refund {
      id
      status
      amount { decimal currency }
      payment { refundable { decimal } }
    }
    ... on Error { code message }
    ... on RefundExceedsPaymentError { refundable { decimal } }
  }
}`,
  `
# 6. Follow all orders, as a dashboard does.
subscription FollowAll {
  merchantEvents {
    type
    orderNumber
    orderStatus
    orderPaymentStatus
    paymentStatus
    refundStatus
    amount { decimal currency }
    cursor
  }
}`,
];
