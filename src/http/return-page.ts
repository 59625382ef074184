import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { Answer } from './answer.ts';
import { reply } from './reply.ts';

/** The `returnUrl` of the operations in GraphiQL and in the README, which have no shop. Not served in production. */
export const returnPath = '/return';

export type ReturnPageParts = {
  /** Executes a query as the first merchant and resolves to the body of the answer; null when the page must not have the merchant's access. */
  readonly ask: ((query: string, variables: object, requestId: string) => Promise<unknown>) | null;
  readonly isLoopback: (hostname: string) => boolean;
};

export type ReturnPage = (request: IncomingMessage, response: Answer, requestId: string) => Promise<void>;

/**
 * The page that the buyer returns to. It shows the state of the order in the address (`order=ord_…`, or the `out_trade_no` that Alipay
 * adds), or of the newest order, and reloads while a payment is in progress. Like GraphiQL's token, the state is shown only for requests to
 * a loopback address.
 */
export function createReturnPage({ ask, isLoopback }: ReturnPageParts): ReturnPage {
  return async (request, response, requestId) => {
    const lookup = lookupOf(new URLSearchParams(request.url?.split('?')[1]));
    const isOwnMachine = isLoopback(hostnameOf(request));
    const body =
      ask === null || !isOwnMachine
        ? page(
            false,
            `${heading}<p>This page shows the state of an order only on the machine that the server runs on.</p>`,
          )
        : found(lookup, answerSchema.parse(await ask(lookup.query, lookup.variables, requestId)));
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    reply(response, 200, 'text/html; charset=utf-8', body);
  };
}

const fields = `{
  id number status paymentStatus total { decimal currency }
  payments { id method status failure { message } evidence { source receivedAt } }
}`;

const orderSchema = z.object({
  id: z.string(),
  number: z.string(),
  status: z.string(),
  paymentStatus: z.string(),
  total: z.object({ decimal: z.string(), currency: z.string() }),
  payments: z.array(
    z.object({
      id: z.string(),
      method: z.string(),
      status: z.string(),
      failure: z.object({ message: z.string() }).nullable(),
      evidence: z.object({ source: z.string(), receivedAt: z.string() }).nullable(),
    }),
  ),
});
type Order = z.infer<typeof orderSchema>;

const answerSchema = z.object({
  data: z
    .object({
      order: orderSchema.nullish(),
      node: z.object({ order: orderSchema.optional() }).nullish(),
      orders: z.object({ nodes: z.array(orderSchema) }).nullish(),
    })
    .nullish(),
  errors: z.array(z.object({ message: z.string() })).optional(),
});

type Lookup = { readonly query: string; readonly variables: object; readonly named: string | null };

function lookupOf(parameters: URLSearchParams): Lookup {
  const orderId = parameters.get('order');
  if (orderId)
    return { query: `query ($id: ID!) { order(id: $id) ${fields} }`, variables: { id: orderId }, named: orderId };
  const paymentId = parameters.get('out_trade_no');
  if (paymentId) {
    const query = `query ($id: ID!) { node(id: $id) { ... on Payment { order ${fields} } } }`;
    return { query, variables: { id: paymentId }, named: paymentId };
  }
  return { query: `{ orders(first: 1) { nodes ${fields} } }`, variables: {}, named: null };
}

function found({ named }: Lookup, { data, errors }: z.infer<typeof answerSchema>): string {
  const order = data?.order ?? data?.node?.order ?? data?.orders?.nodes[0];
  if (order) return page(isInProgress(order), heading + orderSection(order, named));
  if (errors?.[0]) return page(false, `${heading}<p>The API answers: ${escaped(errors[0].message)}</p>`);
  return page(
    false,
    `${heading}<p>${named === null ? 'There is no order yet.' : `There is no order for ${code(named)}.`}</p>`,
  );
}

function isInProgress({ paymentStatus }: Order): boolean {
  return paymentStatus === 'PENDING';
}

const verdicts: Readonly<Record<string, string>> = {
  PAID: 'Paid',
  OVERPAID: 'Paid, with a surplus that is being refunded',
  PARTIALLY_PAID: 'Partially paid',
  AUTHORIZED: 'Authorized, not captured yet',
  PARTIALLY_REFUNDED: 'Partially refunded',
  REFUNDED: 'Refunded',
  PENDING: 'Not paid yet: a payment is in progress',
  UNPAID: 'Not paid',
};

function orderSection(order: Order, named: string | null): string {
  const { id, number, status, paymentStatus, total, payments } = order;
  const rows = payments.map(
    (payment) =>
      `<li><b>${escaped(payment.method)} ${escaped(payment.status)}</b>${reason(payment)}<br>${code(payment.id)}</li>`,
  );
  return `<h2 role="status">${verdicts[paymentStatus] ?? escaped(paymentStatus)}</h2>
<p>${named === null ? 'The address names no order, so this page shows the newest. ' : ''}Order ${escaped(number)}
(<span class="price">${escaped(total.decimal)} ${escaped(total.currency)}</span>) is ${escaped(status)} and ${escaped(paymentStatus)}.<br>${code(id)}</p>
${rows.length > 0 ? `<ul>${rows.join('')}</ul>` : '<p>No payment was started.</p>'}
${isInProgress(order) ? '<p>This page reloads every two seconds until the outcome is known.</p>' : ''}`;
}

function reason({ failure, evidence }: Order['payments'][number]): string {
  const because = failure === null ? '' : `: ${escaped(failure.message)}`;
  return evidence === null
    ? because
    : `${because}, source ${escaped(evidence.source)}, at ${escaped(evidence.receivedAt)}`;
}

const heading = `<h1>The buyer is back</h1>
<p>The provider sent the browser to the <code>returnUrl</code>. That does not prove a payment: anyone can open this address. The status
comes from the provider’s callback, or from a query to the provider.</p>`;

const style = `
body{margin:0 auto;max-width:34rem;padding:1.5rem 1rem;font:1rem/1.5 system-ui,sans-serif;color:#1a1f36;background:#fff;overflow-wrap:anywhere}
h1{font-size:1.25rem}h2{font-size:1.5rem;line-height:1.25;margin:1.5rem 0 .5rem}
ul{padding:0;list-style:none}li{padding:.5rem 0;border-top:1px solid #e3e8ee}
code{font-size:.875rem;color:#5b6478}.price{white-space:nowrap}a{color:#4f46e5}`;

const headers: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ].join('; '),
  // The provider may have added a signature or a secret of the payment to the address.
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

function page(reloads: boolean, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
${reloads ? '<meta http-equiv="refresh" content="2">' : ''}
<title>The buyer is back</title>
<style>${style}</style>
</head>
<body>
${body}
<p><a href="/graphql">GraphiQL</a></p>
</body>
</html>
`;
}

function code(text: string): string {
  return `<code>${escaped(text)}</code>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** Empty when the header names no host. */
function hostnameOf({ headers: { host = '' } }: IncomingMessage): string {
  const address = `http://${host}`;
  return URL.canParse(address) ? new URL(address).hostname : '';
}
