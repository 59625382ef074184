import type { Posting } from '../deliveries.ts';
import { Deliveries, defaultRetryDelaysMs } from '../deliveries.ts';
import type { SandboxContext, SimulatedProvider } from '../provider.ts';
import { accountIdOf } from './account.ts';
import { serveStripeApi } from './api.ts';
import { pendingStripePayments, serveStripePage } from './cashier.ts';
import { stripeConsole } from './console.ts';
import { readStripeLedger, type StripeLedger } from './ground-truth.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { eventObject } from './objects.ts';
import { keepPlan, resumePlans } from './scheduled.ts';
import type { StripeState } from './state.ts';
import { stripeSender } from './webhooks.ts';

export type StripeOptions = {
  readonly secretKey: string;
  readonly publishableKey: string;
  /** Two, separated by a comma, while one replaces the other: then both sign. */
  readonly webhookSecret: string;
  readonly webhookUrl: string | null;
};

export type StripeProvider = SimulatedProvider & { readonly readLedger: (paymentId: string | null) => StripeLedger };

/** Stripe: `/v1`. */
export function createStripeProvider(
  context: SandboxContext,
  options: StripeOptions,
  posting: Posting,
): StripeProvider {
  const { ledger, clock, newId } = context;
  const events: StripeState['events'] = ledger.table('stripe_events');
  const deliveries = new Deliveries(
    context,
    stripeSender(options.webhookSecret.split(',')),
    posting,
    { url: options.webhookUrl, retryDelaysMs: defaultRetryDelaysMs },
    { contentOf: (eventId) => events.get(eventId)?.body, newId: () => newId('dlv_') },
  );
  const stripe: StripeState = {
    ...context,
    accountId: accountIdOf(options.secretKey),
    intents: ledger.table('stripe_payment_intents'),
    charges: ledger.table('stripe_charges'),
    refunds: ledger.table('stripe_refunds'),
    sessions: ledger.table('stripe_checkout_sessions'),
    balanceTransactions: ledger.table('stripe_balance_transactions'),
    events,
    plans: ledger.table('stripe_plans'),
    deliver: ({ id, type, body }) => deliveries.announce({ eventId: id, type, content: body }),
    plan: (inMs, act, subject) => keepPlan(stripe, inMs, act, subject),
    cause: null,
  };
  const idempotency = new IdempotencyKeys(ledger, clock);
  return {
    provider: 'stripe',
    isApi: (path) => path === '/v1' || path.startsWith('/v1/'),
    serveApi: (request) => serveStripeApi(stripe, options, idempotency, request),
    pageKinds: ['checkout', '3ds', 'card'],
    servePage: (request) => serveStripePage(stripe, request),
    pendingPayments: () => pendingStripePayments(stripe),
    actions: stripeConsole(stripe),
    readLedger: (paymentId) => readStripeLedger(stripe, paymentId),
    events: () => Array.from(events.all(), eventObject),
    deliveries,
    resume: () => {
      resumePlans(stripe);
      deliveries.resume();
    },
  };
}
