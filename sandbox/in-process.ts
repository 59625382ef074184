import type { Control } from './control.ts';
import { ControlError, type Json } from './control-input.ts';
import { bodyOf, type HttpMethod, type HttpOutcome, splitTarget } from './http.ts';
import { serve } from './routes.ts';

/** A request handed in without a connection. `path` carries the query; header names may be in any case. */
export type InProcessRequest = {
  readonly method: HttpMethod;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** Header names are lower case. A file's bytes come as text of one character a byte (latin1). */
export type InProcessResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** Serves a request of this process as if it had come by HTTP. */
export async function serveInProcess(
  control: Control,
  request: InProcessRequest,
): Promise<InProcessResponse | 'unanswered' | 'reset'> {
  const { method, path, headers = {}, body = '' } = request;
  const outcome: HttpOutcome = await serve(control, {
    method,
    ...splitTarget(path),
    headers: lowerCased(headers),
    body,
  });
  if (typeof outcome === 'string') return outcome;
  const whole = await bodyOf(outcome);
  const text = typeof whole === 'string' ? whole : whole.toString('latin1');
  return { status: outcome.status, headers: lowerCased(outcome.headers), body: text };
}

/** POSTs to the control API. @throws {ControlError} with what it answered, when it refuses. */
export async function postToControl(control: Control, path: string, body: object): Promise<Json> {
  const answer = await serveInProcess(control, { method: 'POST', path, body: JSON.stringify(body) });
  if (typeof answer === 'string') throw new ControlError(500, `${path} was not answered: ${answer}.`);
  const json: Json = JSON.parse(answer.body);
  if (answer.status !== 200) throw new ControlError(answer.status, `${path}: ${answer.body}`);
  return json;
}

function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
