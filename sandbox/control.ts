import {
  type Action,
  ControlError,
  delayMsMax,
  optionalNumber,
  optionalText,
  readJson,
  readRules,
  refuseUnknown,
} from './control-input.ts';
import type { DeliveryRow, WebhookSettings } from './deliveries.ts';
import { rulesMax } from './faults.ts';
import { type HttpRequest, type HttpResponse, isWebUrl, jsonResponse } from './http.ts';
import { matchPath } from './path-pattern.ts';
import type { SandboxParts } from './provider.ts';
import { type ProviderKey, providerKeys } from './provider-key.ts';

/** The actions by method and path; `:id` stands for one segment. `GET /control` lists them. */
function actionsOf(parts: SandboxParts): Readonly<Record<string, Action>> {
  const { context, providers } = parts;
  const actions: Record<string, Action> = {
    'GET /control': () => ({ actions: Object.keys(actions) }),
    'GET /control/ledger': (request) => readLedger(parts, new URLSearchParams(request.query).get('payment_id')),
    'GET /control/events': () => ({ events: providers.flatMap((provider) => provider.events()) }),
    'GET /control/deliveries': () => ({
      deliveries: providers.flatMap((provider) => [...provider.deliveries.rows.all()]),
    }),
    'POST /control/deliveries/:id/redeliver': (_request, id) => redeliver(parts, id),
    'GET /control/faults': () => ({ faults: context.faults.all() }),
    'POST /control/faults': (request) => addFaults(parts, request),
    'DELETE /control/faults': () => ({ cleared: context.faults.clear() }),
    'DELETE /control/faults/:id': (_request, id) => ({ cleared: context.faults.clear(id) }),
    'GET /control/clock': () => showClock(parts),
    'POST /control/clock': (request) => advanceClock(parts, request),
    'GET /control/webhooks': () => webhooksOf(parts),
    'POST /control/webhooks': (request) => setWebhooks(parts, request),
  };
  return Object.assign(actions, ...providers.map((provider) => provider.actions));
}

/** Serves one request under /control. Never rejects. */
export async function serveControl(parts: SandboxParts, request: HttpRequest): Promise<HttpResponse> {
  try {
    const found = findAction(actionsOf(parts), request);
    return jsonResponse(200, await found.action(request, found.id));
  } catch (error) {
    if (error instanceof ControlError) {
      return jsonResponse(error.status, { error: { message: error.message } });
    }
    console.error('sandbox: a control request failed', error);
    return jsonResponse(500, { error: { message: 'The sandbox failed. Its log has the error.' } });
  }
}

function findAction(actions: Readonly<Record<string, Action>>, request: HttpRequest): { action: Action; id: string } {
  let isKnownPath = false;
  for (const [name, action] of Object.entries(actions)) {
    const [method, pattern = ''] = name.split(' ');
    const id = matchPath(pattern, request.path.replace(/\/$/, ''));
    if (id === null) continue;
    isKnownPath = true;
    if (method === request.method) return { action, id };
  }
  if (isKnownPath) throw new ControlError(405, `${request.path.slice(0, 200)} does not support ${request.method}.`);
  throw new ControlError(404, `${request.path.slice(0, 200)} does not exist. GET /control lists all actions.`);
}

async function redeliver({ providers }: SandboxParts, id: string): Promise<DeliveryRow> {
  for (const { deliveries } of providers) {
    const row = await deliveries.redeliver(id);
    if (row) return row;
  }
  throw new ControlError(404, 'There is no such delivery.');
}

function addFaults({ context: { faults } }: SandboxParts, request: HttpRequest): unknown {
  const rules = readRules(request);
  if (faults.all().length + rules.length > rulesMax) {
    throw new ControlError(400, `There may be at most ${rulesMax} rules. Clear some first.`);
  }
  return { faults: rules.map((rule) => faults.add(rule)) };
}

function showClock({ context: { clock } }: SandboxParts): unknown {
  return { now: new Date(clock.nowMs()).toISOString(), nowMs: clock.nowMs(), offsetMs: clock.offsetMs };
}

/** The true state of every provider; with a payment's id, only of that payment. */
export function readLedger(
  { providers }: SandboxParts,
  paymentId: string | null,
): Readonly<Partial<Record<ProviderKey, object>>> {
  return Object.fromEntries(providers.map((provider) => [provider.key, provider.readLedger(paymentId)]));
}

/** Moves the clock forward and stores its offset. Resolves when all tasks that became due have finished. */
export async function advance({ context: { clock, ledger }, clockRows }: SandboxParts, byMs: number): Promise<void> {
  await clock.advance(byMs);
  ledger.transact(() => clockRows.put({ id: 'clock', offsetMs: clock.offsetMs }));
}

async function advanceClock(parts: SandboxParts, request: HttpRequest): Promise<unknown> {
  const json = readJson(request);
  refuseUnknown(json, ['advanceMs']);
  const advanceMs = optionalNumber(json, 'advanceMs', 0, delayMsMax);
  if (advanceMs === undefined) throw new ControlError(400, 'advanceMs is missing.');
  await advance(parts, advanceMs);
  return showClock(parts);
}

function webhooksOf({ providers }: SandboxParts): Readonly<Partial<Record<ProviderKey, WebhookSettings>>> {
  return Object.fromEntries(providers.map((provider) => [provider.key, provider.deliveries.settings]));
}

function setWebhooks({ providers }: SandboxParts, request: HttpRequest): unknown {
  const json = readJson(request);
  refuseUnknown(json, ['provider', 'url', 'retryDelaysMs']);
  const key = optionalText(json, 'provider') ?? 'stripe';
  const provider = providers.find((candidate) => candidate.key === key);
  if (provider === undefined) throw new ControlError(400, `provider must be one of ${providerKeys.join(', ')}.`);
  const { deliveries } = provider;
  const url = json.url === null ? null : optionalText(json, 'url');
  if (typeof url === 'string' && !isWebUrl(url)) {
    throw new ControlError(400, 'url must be an http(s) URL, or null to use the URL of each callback.');
  }
  const { retryDelaysMs } = json;
  if (retryDelaysMs !== undefined) deliveries.settings.retryDelaysMs = readDelays(retryDelaysMs);
  if (url !== undefined) deliveries.settings.url = url;
  deliveries.resume();
  return deliveries.settings;
}

function readDelays(value: unknown): readonly number[] {
  const delays: unknown[] = Array.isArray(value) ? value : [null];
  const isDelay = (delay: unknown): delay is number => typeof delay === 'number' && delay >= 0 && delay <= delayMsMax;
  if (delays.length > 100 || !delays.every(isDelay)) {
    throw new ControlError(400, 'retryDelaysMs must be a list of at most 100 numbers of milliseconds.');
  }
  return delays;
}
