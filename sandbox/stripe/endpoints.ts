import type { FormHash } from './form.ts';
import type { StripeObject } from './objects.ts';
import { anything, oneOf, readParams, text } from './params.ts';
import type { Echoed, StripeState } from './state.ts';

/** The response of an endpoint: 200, or 402 for a declined card, which is stored under the idempotency key like any result. */
export type EndpointResponse = { readonly status: number; readonly body: StripeObject };

/** The caller: the merchant's server, or a page with the publishable key. */
export type KeyKind = 'secret' | 'publishable';

/** The inputs of a call besides its parameters: the segment for `:id`, the kind of key, the time. */
export type EndpointRequest = { readonly id: string; readonly key: KeyKind; readonly nowSeconds: number };

/** A call with parsed parameters. It runs inside a ledger transaction. */
export type Call = (stripe: StripeState) => EndpointResponse;

export type Endpoint = {
  readonly method: 'GET' | 'POST';
  /** `:id` stands for one segment. */
  readonly path: string;
  readonly operation: string;
  readonly publishable?: true;
  /** Parses the parameters. A refusal that it throws is not stored under the idempotency key. */
  readonly read: (form: FormHash, request: EndpointRequest) => Call;
};

type Fields = Parameters<typeof readParams>[0];

/** Describes one endpoint. The types of its parameters derive from `fields`. */
export function endpoint<F extends Fields>(
  name: { method: 'GET' | 'POST'; path: string; operation: string; publishable?: true },
  fields: F,
  prepare: (params: ReturnType<typeof readParams<F>>, request: EndpointRequest) => Call,
): Endpoint {
  return { ...name, read: (form, request) => prepare(readParams(fields, form), request) };
}

export function ok(body: StripeObject): EndpointResponse {
  return { status: 200, body };
}

/** Parameters of a payment that the sandbox returns as they were sent and does not use. */
export const echoedFields = {
  setup_future_usage: oneOf('off_session', 'on_session'),
  shipping: anything(),
  statement_descriptor: text(22),
  statement_descriptor_suffix: text(22),
  transfer_group: text(),
};

export function echoedOf(params: Readonly<Record<string, unknown>>): Echoed {
  const given = Object.keys(echoedFields).filter((field) => params[field] !== undefined);
  return Object.fromEntries(given.map((field) => [field, params[field]]));
}
