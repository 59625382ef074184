/**
 * The operations that GraphiQL opens with, in the order in which one would try them. The page gives their idempotency keys a fresh ending
 * each time it is loaded (`graphiql-page.ts`).
 * @param returnUrl the page that says what became of a payment once the buyer is back.
 * @param cashierUrl where the sandbox lists what waits to be paid; null where there is no sandbox.
 */
export function graphiqlTabs(returnUrl: string, cashierUrl: string | null): { readonly query: string }[] {
  return tabs(returnUrl, cashierUrl).map((query) => ({ query: `${query.trim()}\n` }));
}

// Inputs stand in the operations themselves: GraphiQL does not show the variables of a tab that it is given.
const tabs = (returnUrl: string, cashierUrl: string | null) => [
  `
# 1. Create an order: press play, and copy its id.
# Press again: the same key gives the same order.
# For a new order, reload this page: it brings new
# keys. (It sends your development token along.)
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
# 2. Follow the order: put its id in and press play, in a
# second window of this page (another tab here stops it).
# With after: "<cursor>" you get all since that cursor.
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
# 3. Pay it: put the id in, press play, and open
# nextAction.url beside: the cashier, where you pay.
# Then the browser comes to returnUrl, which shows the
# order. For another order, reload this page first.
# method: ALIPAY sends you to Alipay's page.
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
# 3b. Or by a code to scan, of WECHAT_PAY or ALIPAY.
${cashierUrl === null ? '# imageUri is the same content as an image, to be shown.' : `# With nothing to scan it, pay at ${cashierUrl}`}
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
# 4. Look at the order and its whole history.
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
# 5. Send a part of it back: put the payment's id in.
# Press again: the same refund. Another key asks for
# another refund, refused if it is more than what is left.
mutation RequestRefund {
  requestRefund(
    input: {
      idempotencyKey: "my-first-refund"
      paymentId: "pay_…"
      amountMinor: 1000
      reason: "One cup came broken"
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
# 6. Follow all orders, as a dashboard would.
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
