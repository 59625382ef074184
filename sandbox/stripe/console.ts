import {
  type Action,
  ControlError,
  optionalNumber,
  optionalText,
  readJson,
  refuseUnknown,
  textPairs,
} from '../control-input.ts';
import type { HttpRequest } from '../http.ts';
import { expireSession } from './checkout.ts';
import { sessionObject } from './checkout-objects.ts';
import { StripeRefusal } from './errors.ts';
import { chargeOfIntent } from './money-endpoints.ts';
import { intentObject, refundObject } from './objects.ts';
import { createRefund } from './refunds.ts';
import { carryOut } from './scheduled.ts';
import type { PlannedAct, StripeState } from './state.ts';

/** What can be done at Stripe behind the merchant's back. */
export function stripeConsole(stripe: StripeState): Readonly<Record<string, Action>> {
  return refusing({
    'POST /control/stripe/refunds': (request) => refundInConsole(stripe, request),
    'POST /control/stripe/refunds/:id/succeed': decideRefund(stripe, 'refund_succeeded'),
    'POST /control/stripe/refunds/:id/fail': decideRefund(stripe, 'refund_failed'),
    'POST /control/stripe/payment_intents/:id/lapse': decideIntent(stripe, 'lapse_authorization'),
    'POST /control/stripe/payment_intents/:id/succeed': decideIntent(stripe, 'succeed_anyway'),
    'POST /control/stripe/payment_intents/:id/finish': (request, id) => finishProcessing(stripe, request, id),
    'POST /control/stripe/checkout/sessions/:id/expire': (_request, id) => expireInConsole(stripe, id),
  });
}

/** What Stripe refuses, the control API refuses alike. */
function refusing(actions: Readonly<Record<string, Action>>): Readonly<Record<string, Action>> {
  const guarded = (action: Action): Action => {
    return (request, id) => {
      try {
        return action(request, id);
      } catch (error) {
        if (error instanceof StripeRefusal) throw new ControlError(error.status, error.message);
        throw error;
      }
    };
  };
  return Object.fromEntries(Object.entries(actions).map(([name, action]) => [name, guarded(action)]));
}

/** A refund made by hand at the provider: no id of the merchant's, and nobody asked the merchant. */
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

function decideRefund(stripe: StripeState, act: PlannedAct): Action {
  return (_request, id) => {
    if (!stripe.refunds.get(id)) throw new ControlError(404, 'There is no such refund.');
    stripe.ledger.transact(() => carryOut(stripe, act, id));
    const refund = stripe.refunds.get(id);
    return refund && refundObject(refund);
  };
}

function decideIntent(stripe: StripeState, act: PlannedAct): Action {
  return (_request, id) => {
    if (!stripe.intents.get(id)) throw new ControlError(404, 'There is no such PaymentIntent.');
    stripe.ledger.transact(() => carryOut(stripe, act, id));
    const intent = stripe.intents.get(id);
    return intent && intentObject(stripe, intent);
  };
}

function finishProcessing(stripe: StripeState, request: HttpRequest, id: string): unknown {
  const outcome = optionalText(readJson(request), 'outcome') ?? 'succeeded';
  if (outcome !== 'succeeded' && outcome !== 'failed') {
    throw new ControlError(400, 'outcome must be succeeded or failed.');
  }
  return decideIntent(stripe, `finish_${outcome}`)(request, id);
}

function expireInConsole(stripe: StripeState, id: string): unknown {
  const session = stripe.sessions.get(id);
  if (!session) throw new ControlError(404, 'There is no such Checkout Session.');
  return stripe.ledger.transact(() => sessionObject(stripe, expireSession(stripe, session)));
}
