import type { FormHash } from './form.ts';
import type { Wire } from './objects.ts';
import { anything, oneOf, readParams, text } from './params.ts';
import type { Echoed, StripeState } from './state.ts';

/** What an endpoint answers: mostly 200 and an object; a declined card is 402, kept like any other result. */
export type EndpointResponse = { readonly status: number; readonly body: Wire };

/** Whoever asks: the merchant, or a page with the publishable key. */
export type KeyKind = 'secret' | 'publishable';

/** What a call is about besides its parameters: the `:id` of its path, who asks, and when. */
export type Asked = { readonly id: string; readonly key: KeyKind; readonly nowSeconds: number };

/** A call with its parameters read; running it may change the books. */
export type Call = (stripe: StripeState) => EndpointResponse;

export type Endpoint = {
  readonly method: 'GET' | 'POST';
  /** `:id` stands for one piece of the path. */
  readonly path: string;
  readonly operation: string;
  readonly publishable?: true;
  /** Reads and checks the parameters; what it throws is answered without being kept under the idempotency key. */
  readonly read: (form: FormHash, asked: Asked) => Call;
};

type Fields = Parameters<typeof readParams>[0];

/** Describes one endpoint; the types of its parameters follow from their readers. */
export function endpoint<F extends Fields>(
  name: { method: 'GET' | 'POST'; path: string; operation: string; publishable?: true },
  fields: F,
  prepare: (params: ReturnType<typeof readParams<F>>, asked: Asked) => Call,
): Endpoint {
  return { ...name, read: (form, asked) => prepare(readParams(fields, form), asked) };
}

export function ok(body: Wire): EndpointResponse {
  return { status: 200, body };
}

/** Parameters of a payment that Stripe knows and the sandbox only gives back as they came. */
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
