import Stripe from 'stripe';
import type { StripeConfig } from './config.ts';
import { createBoundedClient } from './http-client.ts';
import { type Answering, createAnswering } from './outcome.ts';

const apiVersion = '2026-10-28.endive';
const requestTimeoutMs = 15_000;

/** Stripe's SDK, and what runs calls of it until their signal ends. */
export type StripeClient = { readonly stripe: Stripe; readonly answered: Answering };

export function openStripe({ apiBase, secretKey, httpClient }: StripeConfig): StripeClient {
  const base = new URL(apiBase);
  const bounded = createBoundedClient(httpClient ?? null);
  const stripe = new Stripe(secretKey, {
    apiVersion,
    host: base.hostname,
    port: base.port === '' ? (base.protocol === 'https:' ? 443 : 80) : Number(base.port),
    protocol: base.protocol === 'https:' ? 'https' : 'http',
    timeout: requestTimeoutMs,
    maxNetworkRetries: 0, // whoever calls asks again by its own schedule, having committed what it knows
    telemetry: false,
    httpClient: bounded.client,
  });
  return { stripe, answered: createAnswering(bounded) };
}
