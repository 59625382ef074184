import { latestCharge } from './charges.ts';
import { type Endpoint, endpoint, ok } from './endpoints.ts';
import { invalid, missing } from './errors.ts';
import { expanded, listPage, listParams } from './lists.ts';
import { chargeObject, refundObject } from './objects.ts';
import { expand, integer, metadata, notInSandbox, oneOf, text } from './params.ts';
import { createRefund } from './refunds.ts';
import type { ChargeRow, RefundRow, StripeState } from './state.ts';

export const refundEndpoints: readonly Endpoint[] = [
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
      return (stripe) => {
        const charge =
          params.payment_intent === undefined
            ? findCharge(stripe, params.charge ?? '')
            : chargeOfIntent(stripe, params.payment_intent);
        const refund = createRefund(stripe, charge, {
          amount: params.amount,
          reason: params.reason ?? null,
          metadata: params.metadata ?? {},
          origin: 'API',
        });
        return ok(expanded(stripe, refundObject(refund), params.expand));
      };
    },
  ),

  endpoint(
    { method: 'GET', path: '/v1/refunds', operation: 'refunds.list' },
    { ...listParams, payment_intent: text(), charge: text() },
    (params) => (stripe) => {
      const fits = (row: RefundRow): boolean =>
        (params.payment_intent === undefined || row.intent === params.payment_intent) &&
        (params.charge === undefined || row.charge === params.charge);
      return ok(
        expanded(stripe, listPage('/v1/refunds', stripe.refunds.all(), params, fits, refundObject), params.expand),
      );
    },
  ),

  endpoint(
    { method: 'GET', path: '/v1/refunds/:id', operation: 'refunds.retrieve' },
    { expand },
    (params, { id }) =>
      (stripe) => {
        const refund = stripe.refunds.get(id);
        if (!refund) throw missing('refund', id, 'id');
        return ok(expanded(stripe, refundObject(refund), params.expand));
      },
  ),
];

export const chargeEndpoints: readonly Endpoint[] = [
  endpoint(
    { method: 'GET', path: '/v1/charges', operation: 'charges.list' },
    { ...listParams, payment_intent: text(), customer: notInSandbox() },
    (params) => (stripe) => {
      const fits = (row: ChargeRow): boolean =>
        params.payment_intent === undefined || row.intent === params.payment_intent;
      const page = listPage('/v1/charges', stripe.charges.all(), params, fits, (row) => chargeObject(stripe, row));
      return ok(expanded(stripe, page, params.expand));
    },
  ),
  endpoint(
    { method: 'GET', path: '/v1/charges/:id', operation: 'charges.retrieve' },
    { expand },
    (params, { id }) =>
      (stripe) =>
        ok(expanded(stripe, chargeObject(stripe, findCharge(stripe, id)), params.expand)),
  ),
];

/** The captured charge of an intent. @throws {StripeRefusal} when there is none. */
export function chargeOfIntent(stripe: StripeState, intentId: string): ChargeRow {
  const intent = stripe.intents.get(intentId);
  if (!intent) throw missing('payment_intent', intentId, 'payment_intent');
  const charge = latestCharge(stripe, intent);
  if (!charge?.captured) {
    throw invalid(`This PaymentIntent (${intentId}) does not have a successful charge to refund.`);
  }
  return charge;
}

function findCharge(stripe: StripeState, id: string): ChargeRow {
  const charge = stripe.charges.get(id);
  if (!charge) throw missing('charge', id, 'id');
  return charge;
}
