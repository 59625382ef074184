import type { CallbackTransport } from '../callback-post.ts';
import type { SandboxContext } from '../context.ts';
import { Deliveries } from '../deliveries.ts';
import type { SimulatedProvider } from '../provider.ts';
import { ScheduledTasks } from '../scheduled-tasks.ts';
import { accountIdOf } from './account.ts';
import { serveStripeApi } from './api.ts';
import { cardFormKind } from './card-form-page.ts';
import { pendingStripePayments, serveStripePage } from './cashier.ts';
import { stripeConsole } from './console.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { readStripeLedger, type StripeLedger } from './ledger-report.ts';
import { eventObject } from './objects.ts';
import type { StripeState, TaskAct } from './state.ts';
import { runTask } from './tasks.ts';
import { stripeCallbackProtocol, webhookRetryDelaysMs } from './webhooks.ts';

export type StripeOptions = {
  readonly secretKey: string;
  readonly publishableKey: string;
  /** Two secrets separated by a comma during a rotation: both sign. */
  readonly webhookSecret: string;
  readonly webhookUrl: string | null;
};

export type StripeProvider = SimulatedProvider & { readonly readLedger: (paymentId: string | null) => StripeLedger };

/** Simulates Stripe: `/v1`. */
export function createStripeProvider(
  context: SandboxContext,
  options: StripeOptions,
  transport: CallbackTransport,
): StripeProvider {
  const { ledger, clock, newId } = context;
  const events: StripeState['events'] = ledger.table('stripe_events');
  const deliveries = new Deliveries(
    context,
    stripeCallbackProtocol(options.webhookSecret.split(',')),
    transport,
    { url: options.webhookUrl, retryDelaysMs: webhookRetryDelaysMs },
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
    deliver: ({ id, type, body }) => deliveries.enqueue({ eventId: id, type, content: body }),
    schedule: (delayMs, act, subject) => tasks.schedule(delayMs, act, subject),
    cause: null,
  };
  const tasks = new ScheduledTasks<TaskAct>(context, 'stripe_plans', (act, subject) => runTask(stripe, act, subject));
  const idempotency = new IdempotencyKeys(ledger, clock);
  return {
    key: 'stripe',
    isApi: (path) => path === '/v1' || path.startsWith('/v1/'),
    serveApi: (request) => serveStripeApi(stripe, options, idempotency, request),
    pageKinds: ['checkout', '3ds', 'card', cardFormKind],
    servePage: (request) => serveStripePage(stripe, request),
    pendingPayments: () => pendingStripePayments(stripe),
    actions: stripeConsole(stripe),
    readLedger: (paymentId) => readStripeLedger(stripe, paymentId),
    events: () => Array.from(events.all(), eventObject),
    deliveries,
    resume: () => {
      tasks.resume();
      deliveries.resume();
    },
  };
}
