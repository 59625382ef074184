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
import { type HttpRequest, type HttpResponse, jsonResponse } from './http.ts';
import type { Table } from './ledger.ts';
import { type ProviderKey, providerKeys, type SandboxContext, type SimulatedProvider } from './provider.ts';

export type ClockRow = { readonly id: 'clock'; readonly offsetMs: number };
export type Control = {
  readonly context: SandboxContext;
  readonly providers: readonly SimulatedProvider[];
  readonly clockRows: Table<ClockRow>;
};

const yearMs = 366 * 24 * 3_600_000;

/** Method and path, with `:id` for one piece; GET /control lists them. */
function actionsOf(control: Control): Readonly<Record<string, Action>> {
  const { context, providers } = control;
  const actions: Record<string, Action> = {
    'GET /control': () => ({ actions: Object.keys(actions) }),
    'GET /control/ledger': (request) => readLedger(control, new URLSearchParams(request.query).get('payment_id')),
    'GET /control/events': () => ({ events: providers.flatMap((provider) => provider.events()) }),
    'GET /control/deliveries': () => ({
      deliveries: providers.flatMap((provider) => [...provider.deliveries.rows.all()]),
    }),
    'POST /control/deliveries/:id/redeliver': (_request, id) => redeliver(control, id),
    'GET /control/faults': () => ({ faults: context.faults.all() }),
    'POST /control/faults': (request) => addFaults(control, request),
    'DELETE /control/faults': () => ({ cleared: context.faults.clear() }),
    'DELETE /control/faults/:id': (_request, id) => ({ cleared: context.faults.clear(id) }),
    'GET /control/clock': () => showClock(control),
    'POST /control/clock': (request) => advanceClock(control, request),
    'GET /control/webhooks': () => webhooksOf(control),
    'POST /control/webhooks': (request) => setWebhooks(control, request),
  };
  return Object.assign(actions, ...providers.map((provider) => provider.actions));
}

/** Answers one request under /control. Never rejects. */
export async function serveControl(control: Control, request: HttpRequest): Promise<HttpResponse> {
  try {
    const found = findAction(actionsOf(control), request);
    return jsonResponse(200, await found.action(request, found.id));
  } catch (error) {
    if (error instanceof ControlError) {
      return jsonResponse(error.status, { error: { message: error.message } });
    }
    console.error('sandbox: a control request failed', error);
    return jsonResponse(500, { error: { message: 'The sandbox failed; its own log says why.' } });
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

async function redeliver({ providers }: Control, id: string): Promise<DeliveryRow> {
  for (const { deliveries } of providers) {
    const row = await deliveries.redeliver(id);
    if (row) return row;
  }
  throw new ControlError(404, 'There is no such delivery.');
}

function addFaults({ context: { faults } }: Control, request: HttpRequest): unknown {
  const rules = readRules(request);
  if (faults.all().length + rules.length > rulesMax) {
    throw new ControlError(400, `At most ${rulesMax} rules are kept; clear some first.`);
  }
  return { faults: rules.map((rule) => faults.add(rule)) };
}

function showClock({ context: { clock } }: Control): unknown {
  return { now: new Date(clock.nowMs()).toISOString(), nowMs: clock.nowMs(), offsetMs: clock.offsetMs };
}

/** The truth of every provider; with a payment's id, what concerns that one. */
export function readLedger(
  { providers }: Control,
  paymentId: string | null,
): Readonly<Partial<Record<ProviderKey, object>>> {
  return Object.fromEntries(providers.map((provider) => [provider.provider, provider.readLedger(paymentId)]));
}

/** Moves time and keeps where it stands. Resolves when everything that became due on the way is done. */
export async function advance({ context: { clock, ledger }, clockRows }: Control, byMs: number): Promise<void> {
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

function webhooksOf({ providers }: Control): Readonly<Partial<Record<ProviderKey, WebhookSettings>>> {
  return Object.fromEntries(providers.map((provider) => [provider.provider, provider.deliveries.settings]));
}

function setWebhooks({ providers }: Control, request: HttpRequest): unknown {
  const json = readJson(request);
  refuseUnknown(json, ['provider', 'url', 'retryDelaysMs']);
  const key = optionalText(json, 'provider') ?? 'stripe';
  const provider = providers.find((candidate) => candidate.provider === key);
  if (provider === undefined) throw new ControlError(400, `provider must be one of ${providerKeys.join(', ')}.`);
  const { deliveries } = provider;
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
