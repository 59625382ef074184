/** Operations as the clients of a shop send them. */
export const createOrderText = `mutation Create($input: CreateOrderInput!) {
  createOrder(input: $input) { __typename ... on Order { id number status paymentStatus version total { amountMinor currency } createdAt } ... on Error { code message } }
}`;
export const payOrderText = `mutation Pay($input: PayOrderInput!) {
  payOrder(input: $input) { __typename ... on Payment { id status nextAction { __typename ... on ConfirmCardAction { clientSecret } } } ... on Error { code message } }
}`;
export const orderText = `query Order($id: ID!) {
  order(id: $id) { id number status paymentStatus version total { amountMinor currency } createdAt expiresAt }
}`;
export const merchantEventsText = `subscription Events($after: EventCursor) {
  merchantEvents(after: $after) { id cursor type occurredAt orderId orderNumber orderStatus orderPaymentStatus paymentId paymentStatus amount { amountMinor currency } }
}`;

/** The variables of `createOrder` for an order with this number. */
export function orderInputOf(number: string) {
  const line = { name: 'Espresso cup', quantity: 2, unitAmountMinor: 1250 };
  return { input: { idempotencyKey: number, number, currency: 'EUR', lines: [line] } };
}

/** @throws {Error} for an answer with errors. */
export async function askGraphql<T>(url: string, token: string, query: string, variables: object = {}): Promise<T> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: T; errors?: readonly { message: string }[] };
  if (errors !== undefined || data === undefined) throw new Error(`${response.status}: ${JSON.stringify(errors)}`);
  return data;
}

/** The end of the merchant's log: who subscribes after it misses nothing that happens from now on. */
export async function logEndOf(url: string, token: string): Promise<string> {
  const { orders } = await askGraphql<{ orders: { eventCursor: string } }>(
    url,
    token,
    '{ orders(first: 1) { eventCursor } }',
  );
  return orders.eventCursor;
}
