import { randomInt } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CallbackPost, postByHttp } from './callback-post.ts';
import { seededChance, seededToken } from './chance.ts';
import { Clock } from './clock.ts';
import { advance, type ClockRow, type ProviderLedgers, readLedger } from './control.ts';
import type { Json } from './control-input.ts';
import { Deliveries, defaultAttemptTimeoutMs, defaultRetryDelaysMs } from './deliveries.ts';
import { actByControl, type DoorAnswer, type DoorRequest, enter } from './door.ts';
import { Faults } from './faults.ts';
import { BodyTooLargeError, readRequest, sendAnswer } from './http.ts';
import { Ledger } from './ledger.ts';
import { type Parts, problem, serve } from './routes.ts';
import type { Books } from './stripe-books.ts';
import { IdempotencyKeys } from './stripe-idempotency.ts';
import { keepPlan, resumePlans } from './stripe-plans.ts';
import { stripeSender } from './stripe-webhooks.ts';

export type SandboxOptions = {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 takes any free port; null none: then there is only the door, `Sandbox.request`. */
  readonly port: number | null;
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
  /**
   * The clock stands still at this instant and moves only when told. Everything is by it, also what is written into objects and
   * signatures; nothing is done by itself, so also what is due at once waits for `advance(0)`.
   */
  readonly virtualTime?: { readonly startsAt: Date };
  /**
   * What a client gets where no answer comes or a late one (`timeout_before`, `timeout_after`, `delay`): a connection that is
   * held, or at once status 599 with `x-sandbox-unanswered: timeout`. Default: held.
   */
  readonly neverAnswers?: 'held' | 'told';
  /** How callbacks reach their receiver. Default: by HTTP. */
  readonly post?: CallbackPost;
  /** Real time that a receiver has to answer a callback, also in virtual time. Default: 10 s. */
  readonly attemptTimeoutMs?: number;
};

/** Longer than clients keep an idle connection, so that none of them sends into one that is just being closed. */
const keepAliveMs = 65_000;
/** Where a sandbox without a port seems to be, for the links it writes; a name that RFC 2606 gives to nobody. */
const nowhereUrl = 'http://sandbox.invalid';

/** A running sandbox. Calls from inside this process and requests by HTTP meet the same books. */
export type Sandbox = {
  readonly url: string;
  /** Serves a request without a connection. In the `held` mode a delayed answer comes when the clock says. */
  request(request: DoorRequest): Promise<DoorAnswer | 'unanswered' | 'reset'>;
  /** POSTs to the control API, as `control('/control/stripe/refunds', { … })`. @throws {ControlError} when it refuses. */
  control(path: string, body?: object): Promise<Json>;
  /** What `GET /control/ledger` answers. */
  ledger(paymentId?: string): ProviderLedgers;
  /** The sandbox's own time. */
  now(): Date;
  /** Moves time on. Resolves when everything that is due by then was done; `post` must not wait for it. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
};

/**
 * Starts the sandbox. The ledger is opened only once the port is held, so that two processes on one port and one directory
 * can never write the same file.
 *
 * @throws {Error} with `code: 'EADDRINUSE'` when the port is taken, or when the ledger cannot be read.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  if (options.port === null) {
    const parts = openParts(options, nowhereUrl);
    return inProcess(parts, nowhereUrl, async () => {
      stopActing(parts);
      parts.stripe.ledger.close();
    });
  }
  const host = options.host ?? '127.0.0.1';
  const server = createServer();
  server.keepAliveTimeout = keepAliveMs;
  await listen(server, options.port, host);
  const { port } = server.address() as AddressInfo; // a TCP server's address, once it listens
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  try {
    const parts = openParts(options, url);
    server.on('request', (incoming, response) => void serveHttp(parts, incoming, response));
    return inProcess(parts, url, () => close(server, parts));
  } catch (error) {
    server.close();
    throw error;
  }
}

function inProcess(parts: Parts, url: string, close: () => Promise<void>): Sandbox {
  return {
    url,
    request: (request) => enter(parts, request),
    control: (path, body = {}) => actByControl(parts, path, body),
    ledger: (paymentId) => readLedger(parts.control, paymentId ?? null),
    now: () => new Date(parts.stripe.clock.nowMs()),
    advance: (ms) => advance(parts.control, ms),
    close,
  };
}

function openParts(options: SandboxOptions, url: string): Parts {
  const seed = options.seed ?? randomInt(2 ** 32);
  const ledger = new Ledger(options.dataDir);
  const clockRows = ledger.table<ClockRow>('clock');
  const clock = new Clock({
    offsetMs: clockRows.get('clock')?.offsetMs ?? 0,
    standsAt: options.virtualTime?.startsAt,
  });
  const faults = new Faults(seededChance(seed));
  const newId: Books['newId'] = (prefix, length = 24) => `${prefix}${seededToken(seed, ledger.nextNumber(), length)}`;
  const events: Books['events'] = ledger.table('stripe_events');
  const deliveries = new Deliveries(
    { ledger, clock, faults },
    stripeSender(options.stripe.webhookSecret.split(',')),
    { post: options.post ?? postByHttp, attemptTimeoutMs: options.attemptTimeoutMs ?? defaultAttemptTimeoutMs },
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
    holdsRequests: options.neverAnswers !== 'told',
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

async function serveHttp(parts: Parts, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const outcome = await serve(parts, await readRequest(incoming));
    if (outcome === 'reset') response.destroy();
    else if (outcome !== 'unanswered') sendAnswer(response, outcome);
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

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Lets attempts under way fail, and has nothing happen any more. */
function stopActing({ control, stripe }: Parts): void {
  control.deliveries.stop();
  stripe.clock.close();
}

function close(server: Server, parts: Parts): Promise<void> {
  stopActing(parts);
  return new Promise((resolve) => {
    server.close(() => {
      parts.stripe.ledger.close();
      resolve();
    });
    server.closeAllConnections();
  });
}
