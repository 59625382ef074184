import {
  type Action,
  ControlError,
  optionalNumber,
  optionalText,
  readJson,
  refuseUnknown,
  refusingActions,
  textPairs,
} from '../control-input.ts';
import type { HttpRequest } from '../http.ts';
import { expireSession } from './checkout.ts';
import { sessionObject } from './checkout-objects.ts';
import { StripeRefusal } from './errors.ts';
import { intentObject, refundObject } from './objects.ts';
import { chargeOfIntent } from './refund-endpoints.ts';
import { createRefund } from './refunds.ts';
import type { StripeState, TaskAct } from './state.ts';
import { runTask } from './tasks.ts';

/** The control actions of Stripe: changes that the merchant did not request. */
export function stripeConsole(stripe: StripeState): Readonly<Record<string, Action>> {
  const actions: Record<string, Action> = {
    'POST /control/stripe/refunds': (request) => refundInConsole(stripe, request),
    'POST /control/stripe/refunds/:id/succeed': refundAction(stripe, 'refund_succeeded'),
    'POST /control/stripe/refunds/:id/fail': refundAction(stripe, 'refund_failed'),
    'POST /control/stripe/payment_intents/:id/lapse': intentAction(stripe, 'lapse_authorization'),
    'POST /control/stripe/payment_intents/:id/succeed': intentAction(stripe, 'succeed_anyway'),
    'POST /control/stripe/payment_intents/:id/finish': (request, id) => finishProcessing(stripe, request, id),
    'POST /control/stripe/checkout/sessions/:id/expire': (_request, id) => expireInConsole(stripe, id),
  };
  return refusingActions(actions, (error) =>
    error instanceof StripeRefusal ? new ControlError(error.status, error.message) : null,
  );
}

/** A refund made in the console, without an id of the merchant. */
function refundInConsole(stripe: StripeState, request: HttpRequest): unknown {
  const json = readJson(request);
  refuseUnknown(json, ['payment_intent', 'amount', 'reason', 'metadata']);
  const input = {
    amount: optionalNumber(json, 'amount', 1, Number.MAX_SAFE_INTEGER),
    reason: optionalText(json, 'reason') ?? null,
    metadata: textPairs(json, 'metadata'),
    origin: 'PROVIDER' as const,
  };
  return stripe.ledger.transact(() => {
    const charge = chargeOfIntent(stripe, optionalText(json, 'payment_intent') ?? '');
    return refundObject(createRefund(stripe, charge, input));
  });
}

function refundAction(stripe: StripeState, act: TaskAct): Action {
  return (_request, id) => {
    if (!stripe.refunds.get(id)) throw new ControlError(404, 'The refund does not exist.');
    stripe.ledger.transact(() => runTask(stripe, act, id));
    const refund = stripe.refunds.get(id);
    return refund && refundObject(refund);
  };
}

function intentAction(stripe: StripeState, act: TaskAct): Action {
  return (_request, id) => {
    if (!stripe.intents.get(id)) throw new ControlError(404, 'The PaymentIntent does not exist.');
    stripe.ledger.transact(() => runTask(stripe, act, id));
    const intent = stripe.intents.get(id);
    return intent && intentObject(stripe, intent);
  };
}

function finishProcessing(stripe: StripeState, request: HttpRequest, id: string): unknown {
  const outcome = optionalText(readJson(request), 'outcome') ?? 'succeeded';
  if (outcome !== 'succeeded' && outcome !== 'failed') {
    throw new ControlError(400, 'outcome must be succeeded or failed.');
  }
  return intentAction(stripe, `finish_${outcome}`)(request, id);
}

function expireInConsole(stripe: StripeState, id: string): unknown {
  const session = stripe.sessions.get(id);
  if (!session) throw new ControlError(404, 'The Checkout Session does not exist.');
  return stripe.ledger.transact(() => sessionObject(stripe, expireSession(stripe, session)));
}
