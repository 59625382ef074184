import type { AnsweredError, PaystreamError } from './errors.ts';

export type Transport = 'websocket' | 'sse';

/** One result of a subscription, as it comes. */
export type Result = { readonly data?: unknown; readonly errors?: readonly AnsweredError[] };

/** One connection's subscription. `closed` is called once, last, with the error, or with null when the server ended it without one. */
export type Sink = {
  opened(): void;
  received(result: Result): void;
  closed(error: PaystreamError | null): void;
};

/** Starts a subscription and returns the function that ends it, after which the sink is called no more. */
export type Source = (operation: { readonly query: string; readonly variables: object }, sink: Sink) => () => void;

/** Nothing came for this time, in milliseconds, although the server sends a sign of life every 12 seconds: the connection is dead. */
export const silenceMsMax = 40_000;
