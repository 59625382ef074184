import type { Posting } from '../deliveries.ts';
import { Deliveries, defaultRetryDelaysMs } from '../deliveries.ts';
import type { Shared, Side } from '../provider.ts';
import { accountIdOf } from './account.ts';
import { serveStripeApi } from './api.ts';
import { serveStripePage, waitingAtStripe } from './cashier.ts';
import { stripeConsole } from './console.ts';
import { type StripeLedger, stripeOracle } from './ground-truth.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { eventObject } from './objects.ts';
import { keepPlan, resumePlans } from './scheduled.ts';
import type { Books } from './state.ts';
import { stripeSender } from './webhooks.ts';

export type StripeOptions = {
  readonly secretKey: string;
  readonly publishableKey: string;
  /** Two, separated by a comma, while one replaces the other: then both sign. */
  readonly webhookSecret: string;
  readonly webhookUrl: string | null;
};

export type StripeSide = Side & { readonly ledgerOf: (paymentId: string | null) => StripeLedger };

/** Stripe: `/v1`. */
export function createStripeSide(shared: Shared, options: StripeOptions, posting: Posting): StripeSide {
  const { ledger, clock, newId } = shared;
  const events: Books['events'] = ledger.table('stripe_events');
  const deliveries = new Deliveries(
    shared,
    stripeSender(options.webhookSecret.split(',')),
    posting,
    { url: options.webhookUrl, retryDelaysMs: defaultRetryDelaysMs },
    { contentOf: (eventId) => events.get(eventId)?.body, newId: () => newId('dlv_') },
  );
  const books: Books = {
    ...shared,
    accountId: accountIdOf(options.secretKey),
    intents: ledger.table('stripe_payment_intents'),
    charges: ledger.table('stripe_charges'),
    refunds: ledger.table('stripe_refunds'),
    sessions: ledger.table('stripe_checkout_sessions'),
    balanceTransactions: ledger.table('stripe_balance_transactions'),
    events,
    plans: ledger.table('stripe_plans'),
    deliver: ({ id, type, body }) => deliveries.announce({ eventId: id, type, content: body }),
    plan: (inMs, act, subject) => keepPlan(books, inMs, act, subject),
    cause: null,
  };
  const idempotency = new IdempotencyKeys(ledger, clock);
  return {
    provider: 'stripe',
    isApi: (path) => path === '/v1' || path.startsWith('/v1/'),
    serveApi: (request) => serveStripeApi(books, options, idempotency, request),
    pages: ['checkout', '3ds', 'card'],
    servePage: (request) => serveStripePage(books, request),
    waiting: () => waitingAtStripe(books),
    actions: stripeConsole(books),
    ledgerOf: (paymentId) => stripeOracle(books, paymentId),
    events: () => Array.from(events.all(), eventObject),
    deliveries,
    resume: () => {
      resumePlans(books);
      deliveries.resume();
    },
  };
}
