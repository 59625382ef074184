import {
  ControlError,
  optionalNumber,
  optionalText,
  readJson,
  readRules,
  refuseUnknown,
  textPairs,
} from './control-input.ts';
import type { Deliveries } from './deliveries.ts';
import { rulesMax } from './faults.ts';
import { type HttpAnswer, type HttpRequest, jsonAnswer } from './http.ts';
import type { Table } from './ledger.ts';
import type { Books, PlannedAct } from './stripe-books.ts';
import { expireSession } from './stripe-checkout.ts';
import { sessionObject } from './stripe-checkout-objects.ts';
import { StripeRefusal } from './stripe-errors.ts';
import { chargeOfIntent } from './stripe-money-endpoints.ts';
import { eventObject, intentObject, refundObject } from './stripe-objects.ts';
import { type StripeLedger, stripeOracle } from './stripe-oracle.ts';
import { carryOut } from './stripe-plans.ts';
import { createRefund } from './stripe-refunds.ts';

export type ClockRow = { readonly id: 'clock'; readonly offsetMs: number };
export type Control = { readonly stripe: Books; readonly deliveries: Deliveries; readonly clockRows: Table<ClockRow> };

export type ProviderLedgers = { readonly stripe: StripeLedger };

type Action = (control: Control, request: HttpRequest, id: string) => unknown;

const yearMs = 366 * 24 * 3_600_000;

/** Method and path, with `:id` for one piece; GET /control lists them. */
const actions: Readonly<Record<string, Action>> = {
  'GET /control': () => ({ actions: Object.keys(actions) }),
  'GET /control/ledger': (control, request) =>
    readLedger(control, new URLSearchParams(request.query).get('payment_id')),
  'GET /control/events': ({ stripe }) => ({ events: Array.from(stripe.events.all(), eventObject) }),
  'GET /control/deliveries': ({ deliveries }) => ({ deliveries: [...deliveries.rows.all()] }),
  'POST /control/deliveries/:id/redeliver': redeliver,
  'GET /control/faults': ({ stripe }) => ({ faults: stripe.faults.all() }),
  'POST /control/faults': addFaults,
  'DELETE /control/faults': ({ stripe }) => ({ cleared: stripe.faults.clear() }),
  'DELETE /control/faults/:id': ({ stripe }, _request, id) => ({ cleared: stripe.faults.clear(id) }),
  'GET /control/clock': showClock,
  'POST /control/clock': advanceClock,
  'GET /control/webhooks': ({ deliveries }) => deliveries.settings,
  'POST /control/webhooks': setWebhooks,
  'POST /control/stripe/refunds': refundInConsole,
  'POST /control/stripe/refunds/:id/succeed': decideRefund('refund_succeeded'),
  'POST /control/stripe/refunds/:id/fail': decideRefund('refund_failed'),
  'POST /control/stripe/payment_intents/:id/lapse': decideIntent('lapse_authorization'),
  'POST /control/stripe/payment_intents/:id/succeed': decideIntent('succeed_anyway'),
  'POST /control/stripe/payment_intents/:id/finish': finishProcessing,
  'POST /control/stripe/checkout/sessions/:id/expire': expireInConsole,
};

/** Answers one request under /control. Never rejects. */
export async function serveControl(control: Control, request: HttpRequest): Promise<HttpAnswer> {
  try {
    const found = findAction(request);
    return jsonAnswer(200, await found.action(control, request, found.id));
  } catch (error) {
    if (error instanceof ControlError || error instanceof StripeRefusal) {
      return jsonAnswer(error.status, { error: { message: error.message } });
    }
    console.error('sandbox: a control request failed', error);
    return jsonAnswer(500, { error: { message: 'The sandbox failed; its own log says why.' } });
  }
}

function findAction(request: HttpRequest): { action: Action; id: string } {
  const steps = request.path.replace(/\/$/, '').split('/');
  let isKnownPath = false;
  for (const [name, action] of Object.entries(actions)) {
    const [method, path = ''] = name.split(' ');
    const pattern = path.split('/');
    if (pattern.length !== steps.length || !pattern.every((step, at) => step === ':id' || step === steps[at])) continue;
    isKnownPath = true;
    if (method === request.method) return { action, id: steps[pattern.indexOf(':id')] ?? '' };
  }
  if (isKnownPath) throw new ControlError(405, `${request.method} is not for ${request.path.slice(0, 200)}.`);
  throw new ControlError(404, `There is nothing at ${request.path.slice(0, 200)}; GET /control lists what there is.`);
}

async function redeliver({ deliveries }: Control, _request: HttpRequest, id: string): Promise<unknown> {
  const row = await deliveries.redeliver(id);
  if (!row) throw new ControlError(404, 'There is no such delivery.');
  return row;
}

function addFaults({ stripe }: Control, request: HttpRequest): unknown {
  const rules = readRules(request);
  if (stripe.faults.all().length + rules.length > rulesMax) {
    throw new ControlError(400, `At most ${rulesMax} rules are kept; clear some first.`);
  }
  return { faults: rules.map((rule) => stripe.faults.add(rule)) };
}

function showClock({ stripe }: Control): unknown {
  const { clock } = stripe;
  return { now: new Date(clock.nowMs()).toISOString(), nowMs: clock.nowMs(), offsetMs: clock.offsetMs };
}

/** The truth of every provider; with a payment's id, what concerns that one. */
export function readLedger({ stripe }: Control, paymentId: string | null): ProviderLedgers {
  return { stripe: stripeOracle(stripe, paymentId) };
}

/** Moves time and keeps where it stands. Resolves when everything that became due on the way is done. */
export async function advance({ stripe: { clock, ledger }, clockRows }: Control, byMs: number): Promise<void> {
  await clock.advance(byMs);
  ledger.transact(() => clockRows.put({ id: 'clock', offsetMs: clock.offsetMs }));
}

async function advanceClock(control: Control, request: HttpRequest): Promise<unknown> {
  const json = readJson(request);
  refuseUnknown(json, ['advanceMs']);
  const advanceMs = optionalNumber(json, 'advanceMs', 0, yearMs);
  if (advanceMs === undefined) throw new ControlError(400, 'advanceMs is missing.');
  await advance(control, advanceMs);
  return showClock(control);
}

function setWebhooks({ deliveries }: Control, request: HttpRequest): unknown {
  const json = readJson(request);
  refuseUnknown(json, ['url', 'retryDelaysMs']);
  const url = json.url === null ? null : optionalText(json, 'url');
  if (typeof url === 'string' && !(/^https?:\/\//.test(url) && URL.canParse(url))) {
    throw new ControlError(400, 'url must be an http(s) URL, or null for no webhooks.');
  }
  const { retryDelaysMs } = json;
  if (retryDelaysMs !== undefined) deliveries.settings.retryDelaysMs = readDelays(retryDelaysMs);
  if (url !== undefined) deliveries.settings.url = url;
  deliveries.resume();
  return deliveries.settings;
}

function readDelays(value: unknown): readonly number[] {
  const delays: unknown[] = Array.isArray(value) ? value : [null];
  const isDelay = (delay: unknown): delay is number => typeof delay === 'number' && delay >= 0 && delay <= yearMs;
  if (delays.length > 100 || !delays.every(isDelay)) {
    throw new ControlError(400, 'retryDelaysMs must be a list of at most 100 numbers of milliseconds.');
  }
  return delays;
}

/** A refund made by hand at the provider: no id of the merchant's, and nobody asked the merchant. */
function refundInConsole({ stripe }: Control, request: HttpRequest): unknown {
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

function decideRefund(act: PlannedAct): Action {
  return ({ stripe }, _request, id) => {
    if (!stripe.refunds.get(id)) throw new ControlError(404, 'There is no such refund.');
    stripe.ledger.transact(() => carryOut(stripe, act, id));
    const refund = stripe.refunds.get(id);
    return refund && refundObject(refund);
  };
}

function decideIntent(act: PlannedAct): Action {
  return ({ stripe }, _request, id) => {
    if (!stripe.intents.get(id)) throw new ControlError(404, 'There is no such PaymentIntent.');
    stripe.ledger.transact(() => carryOut(stripe, act, id));
    const intent = stripe.intents.get(id);
    return intent && intentObject(stripe, intent);
  };
}

function finishProcessing(control: Control, request: HttpRequest, id: string): unknown {
  const outcome = optionalText(readJson(request), 'outcome') ?? 'succeeded';
  if (outcome !== 'succeeded' && outcome !== 'failed') {
    throw new ControlError(400, 'outcome must be succeeded or failed.');
  }
  return decideIntent(`finish_${outcome}`)(control, request, id);
}

function expireInConsole({ stripe }: Control, _request: HttpRequest, id: string): unknown {
  const session = stripe.sessions.get(id);
  if (!session) throw new ControlError(404, 'There is no such Checkout Session.');
  return stripe.ledger.transact(() => sessionObject(stripe, expireSession(stripe, session)));
}
