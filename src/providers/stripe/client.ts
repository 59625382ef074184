import Stripe from 'stripe';
import type { StripeConfig } from './config.ts';
import { createBoundedClient } from './http-client.ts';
import { createRunCall, type RunCall } from './outcome.ts';

const apiVersion = '2026-10-28.endive';
const requestTimeoutMs = 15_000;

/** Stripe's SDK, and the function that runs its calls until their signal is aborted. */
export type StripeClient = { readonly stripe: Stripe; readonly runCall: RunCall };

export function openStripe({ apiBase, secretKey, httpClient }: StripeConfig): StripeClient {
  const base = new URL(apiBase);
  const bounded = createBoundedClient(secretKey, httpClient ?? null);
  const stripe = new Stripe(secretKey, {
    apiVersion,
    host: base.hostname,
    port: base.port === '' ? (base.protocol === 'https:' ? 443 : 80) : Number(base.port),
    protocol: base.protocol === 'https:' ? 'https' : 'http',
    timeout: requestTimeoutMs,
    maxNetworkRetries: 0, // the caller commits what it knows and retries on its own schedule
    telemetry: false,
    httpClient: bounded.client,
  });
  return { stripe, runCall: createRunCall(bounded) };
}
