import { randomInt } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveCashier } from './cashier.ts';
import { seededChance, seededToken } from './chance.ts';
import { Clock } from './clock.ts';
import { type ClockRow, type Control, serveControl } from './control.ts';
import { Deliveries, defaultRetryDelaysMs } from './deliveries.ts';
import { Faults } from './faults.ts';
import { BodyTooLargeError, type HttpRequest, jsonAnswer, readRequest, redirectAnswer, sendAnswer } from './http.ts';
import { Ledger } from './ledger.ts';
import { type ApiKeys, serveStripeApi } from './stripe-api.ts';
import type { Books } from './stripe-books.ts';
import { IdempotencyKeys } from './stripe-idempotency.ts';
import { keepPlan, resumePlans } from './stripe-plans.ts';
import { stripeSender } from './stripe-webhooks.ts';

export type SandboxOptions = {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Where the ledger is kept; null keeps it in memory only. */
  readonly dataDir: string | null;
  readonly stripe: {
    readonly secretKey: string;
    readonly publishableKey: string;
    /** Two, separated by a comma, while one replaces the other: then both sign. */
    readonly webhookSecret: string;
    readonly webhookUrl: string | null;
  };
  /** Randomness for faults and ids. */
  readonly seed?: number;
};

/** Longer than clients keep an idle connection, so that none of them sends into one that is just being closed. */
const keepAliveMs = 65_000;

export type Sandbox = { readonly url: string; close(): Promise<void> };

/**
 * Starts the sandbox. The ledger is opened only once the port is held, so that two processes on one port and one directory
 * can never write the same file.
 *
 * @throws {Error} with `code: 'EADDRINUSE'` when the port is taken, or when the ledger cannot be read.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const host = options.host ?? '127.0.0.1';
  const server = createServer();
  server.keepAliveTimeout = keepAliveMs;
  await listen(server, options.port, host);
  const { port } = server.address() as AddressInfo; // a TCP server's address, once it listens
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  try {
    const sandbox = openSandbox(options, url);
    server.on('request', (incoming, response) => void serve(sandbox, incoming, response));
    return { url, close: () => close(server, sandbox) };
  } catch (error) {
    server.close();
    throw error;
  }
}

type Parts = {
  readonly stripe: Books;
  readonly keys: ApiKeys;
  readonly idempotency: IdempotencyKeys;
  readonly control: Control;
};

function openSandbox(options: SandboxOptions, url: string): Parts {
  const seed = options.seed ?? randomInt(2 ** 32);
  const ledger = new Ledger(options.dataDir);
  const clockRows = ledger.table<ClockRow>('clock');
  const clock = new Clock(clockRows.get('clock')?.offsetMs ?? 0);
  const faults = new Faults(seededChance(seed));
  const newId: Books['newId'] = (prefix, length = 24) => `${prefix}${seededToken(seed, ledger.nextNumber(), length)}`;
  const events: Books['events'] = ledger.table('stripe_events');
  const deliveries = new Deliveries(
    { ledger, clock, faults },
    stripeSender(options.stripe.webhookSecret.split(',')),
    { url: options.stripe.webhookUrl, retryDelaysMs: defaultRetryDelaysMs },
    { bodyOf: (eventId) => events.get(eventId)?.body, newId: () => newId('dlv_') },
  );
  const stripe: Books = {
    ledger,
    clock,
    faults,
    intents: ledger.table('stripe_payment_intents'),
    charges: ledger.table('stripe_charges'),
    refunds: ledger.table('stripe_refunds'),
    sessions: ledger.table('stripe_checkout_sessions'),
    balanceTransactions: ledger.table('stripe_balance_transactions'),
    events,
    plans: ledger.table('stripe_plans'),
    baseUrl: () => url,
    newId,
    deliver: ({ id, type, body }) => deliveries.announce({ eventId: id, type, body }),
    plan: (inMs, act, subject) => keepPlan(stripe, inMs, act, subject),
    cause: null,
  };
  resumePlans(stripe);
  deliveries.resume();
  return {
    stripe,
    keys: options.stripe,
    idempotency: new IdempotencyKeys(ledger, clock),
    control: { stripe, deliveries, clockRows },
  };
}

async function serve(sandbox: Parts, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const request = await readRequest(incoming);
    if (isUnder(request, '/v1')) {
      return await serveStripeApi(sandbox.stripe, sandbox.keys, sandbox.idempotency, request, response);
    }
    if (isUnder(request, '/cashier')) return sendAnswer(response, serveCashier(sandbox.stripe, request));
    if (isUnder(request, '/control') && isFromElsewhere(request)) {
      return sendAnswer(response, problem(403, 'A page of another site may not control the sandbox.'));
    }
    if (isUnder(request, '/control')) return sendAnswer(response, await serveControl(sandbox.control, request));
    if (request.path === '/') return sendAnswer(response, redirectAnswer('/cashier'));
    sendAnswer(response, problem(404, `There is nothing at ${request.path.slice(0, 200)}.`));
  } catch (error) {
    if (error instanceof BodyTooLargeError) {
      response.shouldKeepAlive = false; // the rest of the body is not read
      return sendAnswer(response, problem(413, error.message));
    }
    if (incoming.destroyed && !incoming.complete) return; // the client went away while it was sending
    console.error('sandbox: a request failed', error);
    sendAnswer(response, problem(500, 'The sandbox failed; its own log says why.'));
  }
}

/** Browsers say whose page sends a request; nothing else does. */
function isFromElsewhere({ headers }: HttpRequest): boolean {
  return headers.origin !== undefined && headers.origin !== `http://${headers.host}`;
}

function problem(status: number, message: string) {
  return jsonAnswer(status, { error: { type: 'invalid_request_error', message } });
}

function isUnder(request: HttpRequest, prefix: string): boolean {
  return request.path === prefix || request.path.startsWith(`${prefix}/`);
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server, { control, stripe }: Parts): Promise<void> {
  control.deliveries.stop();
  stripe.clock.close();
  return new Promise((resolve) => {
    server.close(() => {
      stripe.ledger.close();
      resolve();
    });
    server.closeAllConnections();
  });
}
