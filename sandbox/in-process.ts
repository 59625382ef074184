import { ControlError, type Json } from './control-input.ts';
import { bodyOf, type HttpMethod, type HttpResult, splitTarget } from './http.ts';
import type { SandboxParts } from './provider.ts';
import { serve } from './routes.ts';

/** A request of the same process, without a connection. `path` includes the query; header names are case-insensitive. */
export type InProcessRequest = {
  readonly method: HttpMethod;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** Header names are lower case. The body of a file is latin1: one character for each byte. */
export type InProcessResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** Serves a request of this process as if it had arrived by HTTP. */
export async function serveInProcess(
  parts: SandboxParts,
  request: InProcessRequest,
): Promise<InProcessResponse | 'unanswered' | 'reset'> {
  const { method, path, headers = {}, body = '' } = request;
  const result: HttpResult = await serve(parts, {
    method,
    ...splitTarget(path),
    headers: lowerCased(headers),
    body,
  });
  if (typeof result === 'string') return result;
  const whole = await bodyOf(result);
  const text = typeof whole === 'string' ? whole : whole.toString('latin1');
  return { status: result.status, headers: lowerCased(result.headers), body: text };
}

/** POSTs to the control API. @throws {ControlError} with the response when it is not 200. */
export async function postToControl(parts: SandboxParts, path: string, body: object): Promise<Json> {
  const response = await serveInProcess(parts, { method: 'POST', path, body: JSON.stringify(body) });
  if (typeof response === 'string') throw new ControlError(500, `${path} got no response: ${response}.`);
  const json: Json = JSON.parse(response.body);
  if (response.status !== 200) throw new ControlError(response.status, `${path}: ${response.body}`);
  return json;
}

function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
