import { ControlError, type Json } from './control-input.ts';
import { type HttpMethod, type HttpOutcome, splitTarget } from './http.ts';
import { type Parts, serve } from './routes.ts';

/** A request handed in without a connection. `path` carries the query; header names may be in any case. */
export type DoorRequest = {
  readonly method: HttpMethod;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** Header names are lower case. */
export type DoorAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** Serves a request of this process as if it had come by HTTP. */
export async function enter(parts: Parts, request: DoorRequest): Promise<DoorAnswer | 'unanswered' | 'reset'> {
  const { method, path, headers = {}, body = '' } = request;
  const outcome: HttpOutcome = await serve(parts, { method, ...splitTarget(path), headers: lowerCased(headers), body });
  return typeof outcome === 'string' ? outcome : { ...outcome, headers: lowerCased(outcome.headers) };
}

/** POSTs to the control API. @throws {ControlError} with what it answered, when it refuses. */
export async function actByControl(parts: Parts, path: string, body: object): Promise<Json> {
  const answer = await enter(parts, { method: 'POST', path, body: JSON.stringify(body) });
  if (typeof answer === 'string') throw new ControlError(500, `${path} was not answered: ${answer}.`);
  const json: Json = JSON.parse(answer.body);
  if (answer.status !== 200) throw new ControlError(answer.status, `${path}: ${answer.body}`);
  return json;
}

function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
