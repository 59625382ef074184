import { isWebUrl } from '../http.ts';
import { checkChargeAmount, currencyCode } from './amounts.ts';
import { createSession, expireSession, sessionSecondsMax, sessionSecondsMin } from './checkout.ts';
import { lineItemObject, sessionObject } from './checkout-objects.ts';
import { type Endpoint, echoedFields, echoedOf, endpoint, ok } from './endpoints.ts';
import { invalid, missing } from './errors.ts';
import { expanded, listPage, listParams } from './lists.ts';
import {
  anything,
  expand,
  hash,
  integer,
  list,
  metadata,
  methodTypes,
  notInSandbox,
  oneOf,
  required,
  text,
} from './params.ts';
import type { SessionRow, StripeState } from './state.ts';

const lineItem = hash({
  price: notInSandbox(),
  price_data: required(
    hash({
      currency: required(currencyCode()),
      unit_amount: required(integer()),
      product: notInSandbox(),
      product_data: required(
        hash({ name: required(text(250)), description: text(500), images: list(text(2048), 8), metadata: metadata() }),
      ),
      tax_behavior: oneOf('exclusive', 'inclusive', 'unspecified'),
    }),
  ),
  quantity: integer(),
});

const intentData = hash({
  ...echoedFields,
  capture_method: oneOf('automatic', 'automatic_async', 'manual'),
  description: text(1000),
  metadata: metadata(),
  receipt_email: text(800),
});

/** Without `payment_method_types`: the pinned API version has removed it. */
const createFields = {
  mode: required(oneOf('payment', 'setup', 'subscription')),
  ui_mode: oneOf('hosted_page', 'embedded_page', 'elements', 'form'),
  line_items: required(list(lineItem, 100)),
  success_url: text(5000),
  cancel_url: text(5000),
  client_reference_id: text(200),
  customer: notInSandbox(),
  customer_email: text(800),
  currency: currencyCode(),
  expires_at: integer(),
  locale: text(10),
  metadata: metadata(),
  allowed_payment_method_types: methodTypes(),
  payment_intent_data: intentData,
  payment_method_options: anything(),
  submit_type: oneOf('auto', 'book', 'donate', 'pay', 'subscribe'),
  billing_address_collection: oneOf('auto', 'required'),
  custom_text: anything(),
  adaptive_pricing: hash({ enabled: oneOf('false') }),
  expand,
};

export const checkoutEndpoints: readonly Endpoint[] = [
  endpoint(
    { method: 'POST', path: '/v1/checkout/sessions', operation: 'checkout.sessions.create' },
    createFields,
    (params, { nowSeconds }) => {
      if (params.mode !== 'payment') throw invalid('The sandbox implements only the mode payment.', 'mode');
      if ((params.ui_mode ?? 'hosted_page') !== 'hosted_page') {
        throw invalid('The sandbox implements only the ui_mode hosted_page.', 'ui_mode');
      }
      if (params.success_url === undefined) {
        throw invalid('Missing required param: success_url.', 'success_url', 'parameter_missing');
      }
      const { success_url: successUrl, payment_intent_data: data } = params;
      checkUrl(successUrl, 'success_url');
      if (params.cancel_url !== undefined) checkUrl(params.cancel_url, 'cancel_url');
      const total = totalOf(params.line_items);
      const expiresAt = checkedExpiry(params.expires_at, nowSeconds);
      return (stripe) => {
        const session = createSession(stripe, {
          ...total,
          expiresAt,
          successUrl,
          cancelUrl: params.cancel_url ?? null,
          clientReferenceId: params.client_reference_id ?? null,
          customerEmail: params.customer_email ?? null,
          metadata: params.metadata ?? {},
          allowedTypes: params.allowed_payment_method_types ?? null,
          captureMethod: data?.capture_method ?? 'automatic',
          intentDescription: data?.description ?? null,
          intentMetadata: data?.metadata ?? {},
          intentEchoed: echoedOf(data ?? {}),
        });
        return ok(expanded(stripe, sessionObject(stripe, session), params.expand));
      };
    },
  ),

  endpoint(
    { method: 'GET', path: '/v1/checkout/sessions', operation: 'checkout.sessions.list' },
    { ...listParams, payment_intent: text(), status: oneOf('open', 'complete', 'expired'), customer: notInSandbox() },
    (params) => (stripe) => {
      const fits = (row: SessionRow): boolean =>
        (params.payment_intent === undefined || row.intent === params.payment_intent) &&
        (params.status === undefined || row.status === params.status);
      const page = listPage('/v1/checkout/sessions', stripe.sessions.all(), params, fits, (row) =>
        sessionObject(stripe, row),
      );
      return ok(expanded(stripe, page, params.expand));
    },
  ),

  endpoint(
    { method: 'GET', path: '/v1/checkout/sessions/:id', operation: 'checkout.sessions.retrieve' },
    { expand },
    (params, { id }) =>
      (stripe) =>
        ok(expanded(stripe, sessionObject(stripe, findSession(stripe, id)), params.expand)),
  ),

  endpoint(
    { method: 'GET', path: '/v1/checkout/sessions/:id/line_items', operation: 'checkout.sessions.list_line_items' },
    { limit: integer(), expand },
    (params, { id }) =>
      (stripe) => {
        const session = findSession(stripe, id);
        const lines = session.lines.slice(0, params.limit ?? 10);
        return ok({
          object: 'list',
          data: lines.map((line) => lineItemObject(session, line)),
          has_more: lines.length < session.lines.length,
          url: `/v1/checkout/sessions/${session.id}/line_items`,
        });
      },
  ),

  endpoint(
    { method: 'POST', path: '/v1/checkout/sessions/:id/expire', operation: 'checkout.sessions.expire' },
    { expand },
    (params, { id }) =>
      (stripe) =>
        ok(expanded(stripe, sessionObject(stripe, expireSession(stripe, findSession(stripe, id))), params.expand)),
  ),
];

type LineItem = ReturnType<(typeof lineItem)['read']>;

function totalOf(
  items: readonly LineItem[],
): Pick<SessionRow, 'amount' | 'currency'> & { lines: Omit<SessionRow['lines'][number], 'id'>[] } {
  const currency = items[0]?.price_data.currency;
  if (currency === undefined) {
    throw invalid('You must provide at least one line item.', 'line_items', 'parameter_missing');
  }
  const lines = items.map(({ price_data: price, quantity = 1 }, index) => {
    const name = `line_items[${index}]`;
    if (price.currency !== currency) {
      throw invalid('All line items must have the same currency.', `${name}[price_data][currency]`);
    }
    if (price.unit_amount < 0) {
      throw invalid(
        'This value must be greater than or equal to 0.',
        `${name}[price_data][unit_amount]`,
        'parameter_invalid_integer',
      );
    }
    if (quantity < 1) {
      throw invalid('This value must be greater than or equal to 1.', `${name}[quantity]`, 'parameter_invalid_integer');
    }
    const { name: title, description } = price.product_data;
    return { name: title, description: description ?? null, unitAmount: price.unit_amount, quantity };
  });
  const amount = lines.reduce((sum, line) => sum + line.unitAmount * line.quantity, 0);
  checkChargeAmount(amount, currency, 'line_items');
  return { amount, currency, lines };
}

function checkedExpiry(expiresAt: number | undefined, nowSeconds: number): number {
  if (expiresAt === undefined) return nowSeconds + sessionSecondsMax;
  if (expiresAt < nowSeconds + sessionSecondsMin) {
    throw invalid(
      'The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.',
      'expires_at',
    );
  }
  if (expiresAt > nowSeconds + sessionSecondsMax) {
    throw invalid(
      'The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.',
      'expires_at',
    );
  }
  return expiresAt;
}

function checkUrl(url: string, param: string): void {
  if (!isWebUrl(url)) throw invalid('Not a valid URL', param, 'url_invalid');
}

function findSession(stripe: StripeState, id: string): SessionRow {
  const session = stripe.sessions.get(id);
  if (!session) throw missing('checkout.session', id, 'session');
  return session;
}
