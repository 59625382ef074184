import { callbackFaults, type FaultTarget, type Match, type NewRule, outcomeFaults, requestFaults } from './faults.ts';
import type { HttpRequest } from './http.ts';

/** What was asked of the control API cannot be done as asked; `message` says why. */
export class ControlError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Json = Readonly<Record<string, unknown>>;

/** Does what one path of the control API is for; `id` is its `:id`. What it returns is the answer. */
export type Action = (request: HttpRequest, id: string) => unknown;

/** The body as an object; none is an empty one. @throws {ControlError} */
export function readJson(request: HttpRequest): Json {
  const value = parse(request.body.trim() === '' ? '{}' : request.body);
  if (!isJson(value)) throw new ControlError(400, 'The body must be a JSON object.');
  return value;
}

/** One rule or a list of them. @throws {ControlError} naming the field that is wrong. */
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

export function textPairs(json: Json, name: string): Readonly<Record<string, string>> {
  const value = json[name] ?? {};
  if (!isJson(value)) throw new ControlError(400, `${name} must be an object of strings.`);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, String(inner)]));
}

export function refuseUnknown(json: Json, known: readonly string[]): void {
  const unknown = Object.keys(json).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new ControlError(400, `${unknown} is unknown here; known: ${known.join(', ')}.`);
}

const yearMs = 366 * 24 * 3_600_000;
const faultsOf = { request: requestFaults, callback: callbackFaults, outcome: outcomeFaults } as const;
const targets = ['request', 'callback', 'outcome'] as const satisfies readonly FaultTarget[];

function readRule(json: Json): NewRule {
  refuseUnknown(json, ['target', 'fault', 'match', 'times', 'probability', 'ms', 'count']);
  const match = readMatch(json.match ?? {});
  const name = optionalText(json, 'fault');
  const asked = optionalText(json, 'target') ?? (match.type === undefined ? undefined : 'callback');
  for (const target of targets) {
    const fault = faultsOf[target].find((known) => known === name);
    if (fault === undefined || (asked !== undefined && asked !== target)) continue;
    return {
      target,
      fault,
      match,
      times: wholeNumber(json, 'times', 1_000_000) ?? 1,
      probability: optionalNumber(json, 'probability', 0, 1) ?? 1,
      ms: optionalNumber(json, 'ms', 0, yearMs) ?? null,
      count: wholeNumber(json, 'count', 1000) ?? 1,
    };
  }
  const known = targets.map((target) => `${target}: ${faultsOf[target].join(', ')}`).join('; ');
  throw new ControlError(400, `fault must be one of these (${known}).`);
}

function readMatch(value: unknown): Match {
  if (!isJson(value)) throw new ControlError(400, 'match must be an object.');
  const parts = ['method', 'path', 'operation', 'type', 'contains'];
  refuseUnknown(value, parts);
  return Object.fromEntries(parts.map((part) => [part, optionalText(value, part)]));
}

function wholeNumber(json: Json, name: string, max: number): number | undefined {
  const value = optionalNumber(json, name, 1, max);
  if (value !== undefined && !Number.isInteger(value)) throw new ControlError(400, `${name} must be a whole number.`);
  return value;
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
