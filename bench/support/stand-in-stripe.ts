import { createHmac, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * The part of Stripe that card payments of a shop use, in the form of Stripe's API. The sandbox keeps a ledger on disk, checks every parameter and
 * schedules tasks; on a machine with few cores that would take a good part of the CPU time that is measured. Correctness is tested against
 * the sandbox, not here.
 */
export type StandInStripe = {
  readonly url: string;
  /** Everybody has paid the intent: from now on Stripe reports its success. */
  pay(intentId: string): void;
  close(): Promise<void>;
};

export type Intent = {
  readonly id: string;
  readonly amount: number;
  readonly currency: string;
  readonly paymentId: string;
};

/** The merchant's account at the stand-in belongs to its secret key. */
export function stripeAccountOf(name: string) {
  return {
    accountId: `acct_${name}`,
    secretKey: `sk_test_${name}`,
    publishableKey: `pk_test_${name}`,
    webhookSecret: `whsec_bench_${name}`,
  };
}

/** The name of the account that `environmentOf` configures. */
export const environmentAccount = 'bench';

/** The variables of the product for the first merchant's account at the stand-in. */
export function environmentOf(stripeUrl: string): Readonly<Record<string, string>> {
  const { accountId, secretKey, publishableKey, webhookSecret } = stripeAccountOf(environmentAccount);
  return {
    STRIPE_SECRET_KEY: secretKey,
    STRIPE_PUBLISHABLE_KEY: publishableKey,
    STRIPE_WEBHOOK_SECRETS: webhookSecret,
    STRIPE_ACCOUNT: accountId,
    STRIPE_API_BASE: stripeUrl,
  };
}

/** The id of the intent follows from that of the payment, so that a buyer knows it without asking. */
export function intentIdOf(paymentId: string): string {
  return `pi_${paymentId.slice('pay_'.length)}`;
}

export async function startStandInStripe(): Promise<StandInStripe> {
  const intents = new Map<string, Intent>();
  const paid = new Set<string>();
  const server = createServer((request, response) => {
    let received = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      received += text;
    });
    request.on('end', () => {
      const [path = '/'] = (request.url ?? '/').split('?', 1);
      const answer = answerOf(path, request.method ?? 'GET', received);
      const body = answer ?? '{"error":{"type":"invalid_request_error","message":"No such object"}}';
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      response.writeHead(answer === null ? 404 : 200, headers).end(body);
    });

    function answerOf(path: string, method: string, body: string): string | null {
      if (path === '/v1/account') return accountJson(request.headers.authorization ?? '');
      if (path === '/v1/payment_intents' && method === 'POST') {
        const intent = readIntent(body);
        intents.set(intent.id, intent);
        return filled(intentTexts.requires_payment_method, intent);
      }
      const [, id] = /^\/v1\/payment_intents\/(pi_\w+)$/.exec(path) ?? [];
      const intent = id === undefined ? undefined : intents.get(id);
      if (intent !== undefined)
        return filled(intentTexts[paid.has(intent.id) ? 'succeeded' : 'requires_payment_method'], intent);
      const isList = method === 'GET' && id === undefined;
      return isList ? JSON.stringify({ object: 'list', data: [], has_more: false, url: path }) : null;
    }
  });
  server.keepAliveTimeout = 620_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 1024, resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pay: (intentId) => void paid.add(intentId),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function accountJson(authorization: string): string {
  const [, name = ''] = /^Bearer sk_test_(\w+)$/.exec(authorization) ?? [];
  return JSON.stringify({ object: 'account', id: `acct_${name}` });
}

function readIntent(body: string): Intent {
  const form = new URLSearchParams(body);
  const paymentId = form.get('metadata[payment_id]') ?? '';
  return {
    id: intentIdOf(paymentId),
    amount: Number(form.get('amount')),
    currency: form.get('currency') ?? '',
    paymentId,
  };
}

/** A callback of Stripe: the headers and the body of the event that reports the payment's success, signed. */
export function signedSuccess(intent: Intent, webhookSecret: string) {
  const body = filled(successText, intent).replace('@event', randomBytes(12).toString('hex'));
  return { headers: callbackHeadersOf(body, webhookSecret), body };
}

export function callbackHeadersOf(body: string, webhookSecret: string): Readonly<Record<string, string>> {
  const seconds = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', webhookSecret).update(`${seconds}.${body}`).digest('hex');
  return {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
    'stripe-signature': `t=${seconds},v1=${signature}`,
  };
}

type IntentStatus = 'requires_payment_method' | 'succeeded';

/** As many fields as Stripe sends, with places for those of one intent. */
function intentObject(status: IntentStatus) {
  const isPaid = status === 'succeeded';
  return {
    ...{ id: 'pi_@id', object: 'payment_intent', amount: '@amount', amount_capturable: 0 },
    ...{ amount_received: isPaid ? '@amount' : 0, application: null, application_fee_amount: null },
    ...{ automatic_payment_methods: null, canceled_at: null, cancellation_reason: null, capture_method: 'automatic' },
    ...{ client_secret: 'pi_@id_secret_bench', confirmation_method: 'automatic', created: '@created' },
    ...{ currency: '@currency', customer: null, description: null, last_payment_error: null },
    ...{ latest_charge: isPaid ? 'ch_@id' : null, livemode: false },
    ...{ metadata: { payment_id: '@payment', order_number: 'bench' }, next_action: null, on_behalf_of: null },
    ...{ payment_method: isPaid ? 'pm_@id' : null, payment_method_types: ['card'] },
    payment_method_options: { card: { installments: null, network: null, request_three_d_secure: 'automatic' } },
    ...{ processing: null, receipt_email: null, review: null, setup_future_usage: null, shipping: null, source: null },
    ...{ statement_descriptor: null, statement_descriptor_suffix: null, status, transfer_data: null },
    transfer_group: null,
  };
}

function successObject() {
  return {
    ...{ id: 'evt_@event', object: 'event', api_version: '2026-10-28.endive', created: '@created' },
    ...{ data: { object: intentObject('succeeded') }, livemode: false, pending_webhooks: 1 },
    ...{ request: { id: null, idempotency_key: null }, type: 'payment_intent.succeeded' },
  };
}

/** Written once: to write all fields for each payment would take a good part of the CPU time of a lifecycle. */
const intentTexts: Readonly<Record<IntentStatus, string>> = {
  requires_payment_method: JSON.stringify(intentObject('requires_payment_method')),
  succeeded: JSON.stringify(intentObject('succeeded')),
};
const successText = JSON.stringify(successObject(), null, 2);

function filled(text: string, { id, amount, currency, paymentId }: Intent): string {
  return text
    .replaceAll('@id', id.slice('pi_'.length))
    .replaceAll('"@amount"', String(amount))
    .replaceAll('"@created"', String(Math.floor(Date.now() / 1000)))
    .replace('@currency', currency)
    .replace('@payment', paymentId);
}
