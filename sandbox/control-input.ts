import { dayMs } from './durations.ts';
import { callbackFaults, type FaultTarget, type Match, type NewRule, outcomeFaults, requestFaults } from './faults.ts';
import type { HttpRequest } from './http.ts';

/** The control API refuses a request; `message` says why. */
export class ControlError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Json = Readonly<Record<string, unknown>>;

/** Handles one path of the control API. `id` is the segment for `:id`. The return value is the response. */
export type Action = (request: HttpRequest, id: string) => unknown;

/** Wraps each action, so that a refusal of the provider becomes the error that `toControlError` returns; null rethrows the original error. */
export function refusingActions(
  actions: Readonly<Record<string, Action>>,
  toControlError: (error: unknown) => ControlError | null,
): Readonly<Record<string, Action>> {
  const wrapped = (action: Action): Action => {
    return (request, id) => {
      try {
        return action(request, id);
      } catch (error) {
        throw toControlError(error) ?? error;
      }
    };
  };
  return Object.fromEntries(Object.entries(actions).map(([name, action]) => [name, wrapped(action)]));
}

/** The body as an object; an empty body is an empty object. @throws {ControlError} */
export function readJson(request: HttpRequest): Json {
  const value = parse(request.body.trim() === '' ? '{}' : request.body);
  if (!isJson(value)) throw new ControlError(400, 'The body must be a JSON object.');
  return value;
}

/** One rule or a list of rules. @throws {ControlError} that names the invalid field. */
export function readRules(request: HttpRequest): NewRule[] {
  const value = parse(request.body);
  const rules: unknown[] = Array.isArray(value) ? value : [value];
  return rules.map((rule) => {
    if (!isJson(rule)) throw new ControlError(400, 'A rule must be a JSON object.');
    return readRule(rule);
  });
}

export function optionalText(json: Json, name: string): string | undefined {
  const value = json[name];
  if (value !== undefined && typeof value !== 'string') throw new ControlError(400, `${name} must be a string.`);
  return value;
}

export function optionalNumber(json: Json, name: string, min: number, max: number): number | undefined {
  const value = json[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    throw new ControlError(400, `${name} must be a number from ${min} to ${max}.`);
  }
  return value;
}

/** A whole number; undefined when it is absent or null. */
export function optionalWholeNumber(json: Json, name: string, min: number, max: number): number | undefined {
  const value = optionalNumber(json, name, min, max);
  if (value !== undefined && !Number.isInteger(value)) throw new ControlError(400, `${name} must be a whole number.`);
  return value;
}

export function textPairs(json: Json, name: string): Readonly<Record<string, string>> {
  const value = json[name] ?? {};
  if (!isJson(value)) throw new ControlError(400, `${name} must be an object of strings.`);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, String(inner)]));
}

export function refuseUnknown(json: Json, known: readonly string[]): void {
  const unknown = Object.keys(json).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new ControlError(400, `${unknown} is unknown. The known fields are ${known.join(', ')}.`);
}

/** The longest delay and the furthest move of the clock that the control API accepts: one year. */
export const delayMsMax = 366 * dayMs;
const faultsOf = { request: requestFaults, callback: callbackFaults, outcome: outcomeFaults } as const;
const targets = ['request', 'callback', 'outcome'] as const satisfies readonly FaultTarget[];

function readRule(json: Json): NewRule {
  refuseUnknown(json, ['target', 'fault', 'match', 'times', 'probability', 'ms', 'count']);
  const match = readMatch(json.match ?? {});
  const name = optionalText(json, 'fault');
  const wanted = optionalText(json, 'target') ?? (match.type === undefined ? undefined : 'callback');
  for (const target of targets) {
    const fault = faultsOf[target].find((known) => known === name);
    if (fault === undefined || (wanted !== undefined && wanted !== target)) continue;
    return {
      target,
      fault,
      match,
      times: optionalWholeNumber(json, 'times', 1, 1_000_000) ?? 1,
      probability: optionalNumber(json, 'probability', 0, 1) ?? 1,
      ms: optionalNumber(json, 'ms', 0, delayMsMax) ?? null,
      count: optionalWholeNumber(json, 'count', 1, 1000) ?? 1,
    };
  }
  const known = targets.map((target) => `${target}: ${faultsOf[target].join(', ')}`).join('; ');
  throw new ControlError(400, `fault must be one of these (${known}).`);
}

function readMatch(value: unknown): Match {
  if (!isJson(value)) throw new ControlError(400, 'match must be an object.');
  const conditions = ['method', 'path', 'operation', 'type', 'contains'];
  refuseUnknown(value, conditions);
  return Object.fromEntries(conditions.map((name) => [name, optionalText(value, name)]));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ControlError(400, `The body is not JSON: ${cause instanceof Error ? cause.message : ''}`);
  }
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
