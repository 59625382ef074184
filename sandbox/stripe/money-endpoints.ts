import { latestCharge } from './charges.ts';
import { type Endpoint, endpoint, ok } from './endpoints.ts';
import { invalid, missing } from './errors.ts';
import { expanded, listPage, listParams } from './lists.ts';
import { balanceTransactionObject, chargeObject, eventObject, refundObject } from './objects.ts';
import { expand, integer, list, metadata, notInSandbox, oneOf, text } from './params.ts';
import { createRefund } from './refunds.ts';
import type { Books, ChargeRow, RefundRow } from './state.ts';

const refundEndpoints: readonly Endpoint[] = [
  endpoint(
    { method: 'POST', path: '/v1/refunds', operation: 'refunds.create' },
    {
      payment_intent: text(),
      charge: text(),
      amount: integer(),
      reason: oneOf('duplicate', 'fraudulent', 'requested_by_customer'),
      metadata: metadata(),
      currency: notInSandbox(),
      expand,
    },
    (params) => {
      if ((params.payment_intent === undefined) === (params.charge === undefined)) {
        throw invalid('One of the following params should be provided for this request: payment_intent or charge.');
      }
      if (params.amount !== undefined && params.amount < 1) {
        throw invalid('This value must be greater than or equal to 1.', 'amount', 'parameter_invalid_integer');
      }
      return (books) => {
        const charge =
          params.payment_intent === undefined
            ? findCharge(books, params.charge ?? '')
            : chargeOfIntent(books, params.payment_intent);
        const refund = createRefund(books, charge, {
          amount: params.amount,
          reason: params.reason ?? null,
          metadata: params.metadata ?? {},
          origin: 'API',
        });
        return ok(expanded(books, refundObject(refund), params.expand));
      };
    },
  ),

  endpoint(
    { method: 'GET', path: '/v1/refunds', operation: 'refunds.list' },
    { ...listParams, payment_intent: text(), charge: text() },
    (params) => (books) => {
      const fits = (row: RefundRow): boolean =>
        (params.payment_intent === undefined || row.intent === params.payment_intent) &&
        (params.charge === undefined || row.charge === params.charge);
      return ok(
        expanded(books, listPage('/v1/refunds', books.refunds.all(), params, fits, refundObject), params.expand),
      );
    },
  ),

  endpoint(
    { method: 'GET', path: '/v1/refunds/:id', operation: 'refunds.retrieve' },
    { expand },
    (params, { id }) =>
      (books) => {
        const refund = books.refunds.get(id);
        if (!refund) throw missing('refund', id, 'id');
        return ok(expanded(books, refundObject(refund), params.expand));
      },
  ),
];

const chargeEndpoints: readonly Endpoint[] = [
  endpoint(
    { method: 'GET', path: '/v1/charges', operation: 'charges.list' },
    { ...listParams, payment_intent: text(), customer: notInSandbox() },
    (params) => (books) => {
      const fits = (row: ChargeRow): boolean =>
        params.payment_intent === undefined || row.intent === params.payment_intent;
      const page = listPage('/v1/charges', books.charges.all(), params, fits, (row) => chargeObject(books, row));
      return ok(expanded(books, page, params.expand));
    },
  ),
  endpoint(
    { method: 'GET', path: '/v1/charges/:id', operation: 'charges.retrieve' },
    { expand },
    (params, { id }) =>
      (books) =>
        ok(expanded(books, chargeObject(books, findCharge(books, id)), params.expand)),
  ),
];

const eventEndpoints: readonly Endpoint[] = [
  endpoint(
    { method: 'GET', path: '/v1/events', operation: 'events.list' },
    { ...listParams, type: text(), types: list(text(), 20) },
    (params) => (books) => {
      const fits = (row: { readonly type: string }): boolean =>
        (params.type === undefined || fitsType(params.type, row.type)) &&
        (params.types === undefined || params.types.some((type) => fitsType(type, row.type)));
      return ok(expanded(books, listPage('/v1/events', books.events.all(), params, fits, eventObject), params.expand));
    },
  ),
  endpoint(
    { method: 'GET', path: '/v1/events/:id', operation: 'events.retrieve' },
    { expand },
    (_params, { id }) =>
      (books) => {
        const event = books.events.get(id);
        if (!event) throw missing('event', id, 'id');
        return ok(eventObject(event));
      },
  ),
];

const balanceEndpoints: readonly Endpoint[] = [
  endpoint(
    { method: 'GET', path: '/v1/balance_transactions', operation: 'balance_transactions.list' },
    { ...listParams, type: text(), source: text(), currency: text(3), payout: notInSandbox() },
    (params) => (books) => {
      const page = listPage(
        '/v1/balance_transactions',
        books.balanceTransactions.all(),
        params,
        (row) =>
          (params.type === undefined || row.type === params.type) &&
          (params.source === undefined || row.source === params.source) &&
          (params.currency === undefined || row.currency === params.currency),
        balanceTransactionObject,
      );
      return ok(expanded(books, page, params.expand));
    },
  ),
  endpoint(
    { method: 'GET', path: '/v1/balance_transactions/:id', operation: 'balance_transactions.retrieve' },
    { expand },
    (params, { id }) =>
      (books) => {
        const row = books.balanceTransactions.get(id);
        if (!row) throw missing('balance transaction', id, 'id');
        return ok(expanded(books, balanceTransactionObject(row), params.expand));
      },
  ),
];

/** Everything that looks at money after it was paid. */
export const moneyEndpoints: readonly Endpoint[] = [
  ...refundEndpoints,
  ...chargeEndpoints,
  ...eventEndpoints,
  ...balanceEndpoints,
];

/** The charge of an intent that took money. @throws {StripeRefusal} when there is none. */
export function chargeOfIntent(books: Books, intentId: string): ChargeRow {
  const intent = books.intents.get(intentId);
  if (!intent) throw missing('payment_intent', intentId, 'payment_intent');
  const charge = latestCharge(books, intent);
  if (!charge?.captured) {
    throw invalid(`This PaymentIntent (${intentId}) does not have a successful charge to refund.`);
  }
  return charge;
}

function findCharge(books: Books, id: string): ChargeRow {
  const charge = books.charges.get(id);
  if (!charge) throw missing('charge', id, 'id');
  return charge;
}

function fitsType(wanted: string, type: string): boolean {
  return wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : wanted === type;
}
