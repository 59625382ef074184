import {
  type Action,
  ControlError,
  optionalNumber,
  optionalText,
  readJson,
  readRules,
  refuseUnknown,
} from './control-input.ts';
import type { DeliveryRow, WebhookSettings } from './deliveries.ts';
import { rulesMax } from './faults.ts';
import { type HttpAnswer, type HttpRequest, jsonAnswer } from './http.ts';
import type { Table } from './ledger.ts';
import { type ProviderKey, providerKeys, type Shared, type Side } from './provider.ts';

export type ClockRow = { readonly id: 'clock'; readonly offsetMs: number };
export type Control = {
  readonly shared: Shared;
  readonly sides: readonly Side[];
  readonly clockRows: Table<ClockRow>;
};

const yearMs = 366 * 24 * 3_600_000;

/** Method and path, with `:id` for one piece; GET /control lists them. */
function actionsOf(control: Control): Readonly<Record<string, Action>> {
  const { shared, sides } = control;
  const actions: Record<string, Action> = {
    'GET /control': () => ({ actions: Object.keys(actions) }),
    'GET /control/ledger': (request) => readLedger(control, new URLSearchParams(request.query).get('payment_id')),
    'GET /control/events': () => ({ events: sides.flatMap((side) => side.events()) }),
    'GET /control/deliveries': () => ({ deliveries: sides.flatMap((side) => [...side.deliveries.rows.all()]) }),
    'POST /control/deliveries/:id/redeliver': (_request, id) => redeliver(control, id),
    'GET /control/faults': () => ({ faults: shared.faults.all() }),
    'POST /control/faults': (request) => addFaults(control, request),
    'DELETE /control/faults': () => ({ cleared: shared.faults.clear() }),
    'DELETE /control/faults/:id': (_request, id) => ({ cleared: shared.faults.clear(id) }),
    'GET /control/clock': () => showClock(control),
    'POST /control/clock': (request) => advanceClock(control, request),
    'GET /control/webhooks': () => webhooksOf(control),
    'POST /control/webhooks': (request) => setWebhooks(control, request),
  };
  return Object.assign(actions, ...sides.map((side) => side.actions));
}

/** Answers one request under /control. Never rejects. */
export async function serveControl(control: Control, request: HttpRequest): Promise<HttpAnswer> {
  try {
    const found = findAction(actionsOf(control), request);
    return jsonAnswer(200, await found.action(request, found.id));
  } catch (error) {
    if (error instanceof ControlError) {
      return jsonAnswer(error.status, { error: { message: error.message } });
    }
    console.error('sandbox: a control request failed', error);
    return jsonAnswer(500, { error: { message: 'The sandbox failed; its own log says why.' } });
  }
}

function findAction(actions: Readonly<Record<string, Action>>, request: HttpRequest): { action: Action; id: string } {
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

async function redeliver({ sides }: Control, id: string): Promise<DeliveryRow> {
  for (const { deliveries } of sides) {
    const row = await deliveries.redeliver(id);
    if (row) return row;
  }
  throw new ControlError(404, 'There is no such delivery.');
}

function addFaults({ shared: { faults } }: Control, request: HttpRequest): unknown {
  const rules = readRules(request);
  if (faults.all().length + rules.length > rulesMax) {
    throw new ControlError(400, `At most ${rulesMax} rules are kept; clear some first.`);
  }
  return { faults: rules.map((rule) => faults.add(rule)) };
}

function showClock({ shared: { clock } }: Control): unknown {
  return { now: new Date(clock.nowMs()).toISOString(), nowMs: clock.nowMs(), offsetMs: clock.offsetMs };
}

/** The truth of every provider; with a payment's id, what concerns that one. */
export function readLedger(
  { sides }: Control,
  paymentId: string | null,
): Readonly<Partial<Record<ProviderKey, object>>> {
  return Object.fromEntries(sides.map((side) => [side.provider, side.ledgerOf(paymentId)]));
}

/** Moves time and keeps where it stands. Resolves when everything that became due on the way is done. */
export async function advance({ shared: { clock, ledger }, clockRows }: Control, byMs: number): Promise<void> {
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

function webhooksOf({ sides }: Control): Readonly<Partial<Record<ProviderKey, WebhookSettings>>> {
  return Object.fromEntries(sides.map((side) => [side.provider, side.deliveries.settings]));
}

function setWebhooks({ sides }: Control, request: HttpRequest): unknown {
  const json = readJson(request);
  refuseUnknown(json, ['provider', 'url', 'retryDelaysMs']);
  const provider = optionalText(json, 'provider') ?? 'stripe';
  const side = sides.find((candidate) => candidate.provider === provider);
  if (side === undefined) throw new ControlError(400, `provider must be one of ${providerKeys.join(', ')}.`);
  const { deliveries } = side;
  const url = json.url === null ? null : optionalText(json, 'url');
  if (typeof url === 'string' && !(/^https?:\/\//.test(url) && URL.canParse(url))) {
    throw new ControlError(400, 'url must be an http(s) URL, or null for no place of its own.');
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
