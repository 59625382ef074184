import { randomInt } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AlipayLedger } from './alipay/ground-truth.ts';
import { type AlipayOptions, createAlipayProvider } from './alipay/provider.ts';
import { type CallbackPost, postByHttp } from './callback-post.ts';
import { Clock } from './clock.ts';
import { advance, type ClockRow, type Control, readLedger } from './control.ts';
import type { Json } from './control-input.ts';
import { defaultAttemptTimeoutMs } from './deliveries.ts';
import { Faults } from './faults.ts';
import { BodyTooLargeError, readRequest, sendResponse } from './http.ts';
import { type InProcessRequest, type InProcessResponse, postToControl, serveInProcess } from './in-process.ts';
import { Ledger } from './ledger.ts';
import type { SandboxContext, SimulatedProvider } from './provider.ts';
import { seededRandom, seededToken } from './random.ts';
import { problem, serve } from './routes.ts';
import type { StripeLedger } from './stripe/ground-truth.ts';
import { createStripeProvider, type StripeOptions } from './stripe/provider.ts';
import { createWechatpayProvider, type WechatpayLedger, type WechatpayOptions } from './wechatpay/provider.ts';

/** The truth of each provider that the sandbox stands in for. */
export type ProviderLedgers = {
  readonly stripe: StripeLedger;
  readonly alipay?: AlipayLedger;
  readonly wechatpay?: WechatpayLedger;
};

export type SandboxOptions = {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 takes any free port; null none: then there is only the door, `Sandbox.request`. */
  readonly port: number | null;
  /** Where the ledger is kept; null keeps it in memory only. */
  readonly dataDir: string | null;
  readonly stripe: StripeOptions;
  /** Default: the sandbox does not stand in for Alipay; there is nothing at its paths. */
  readonly alipay?: AlipayOptions | null;
  /** Default: the sandbox does not stand in for WeChat Pay; there is nothing at its paths. */
  readonly wechatpay?: WechatpayOptions | null;
  /** Randomness for faults and ids. */
  readonly seed?: number;
  /**
   * The clock stands still at this instant and moves only when told. Everything is by it, also what is written into objects and
   * signatures; nothing is done by itself, so also what is due at once waits for `advance(0)`.
   */
  readonly virtualTime?: { readonly startsAt: Date };
  /** In real time: the clock of whoever is tested, when that is moved. What is written into objects and signatures is by it. */
  readonly merchantNow?: () => Date;
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
  request(request: InProcessRequest): Promise<InProcessResponse | 'unanswered' | 'reset'>;
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
    const control = openParts(options, nowhereUrl);
    return inProcess(control, nowhereUrl, async () => {
      stopActing(control);
      control.context.ledger.close();
    });
  }
  const host = options.host ?? '127.0.0.1';
  const server = createServer();
  server.keepAliveTimeout = keepAliveMs;
  await listen(server, options.port, host);
  const { port } = server.address() as AddressInfo; // a TCP server's address, once it listens
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  try {
    const control = openParts(options, url);
    server.on('request', (incoming, response) => void serveHttp(control, incoming, response));
    return inProcess(control, url, () => close(server, control));
  } catch (error) {
    server.close();
    throw error;
  }
}

function inProcess(control: Control, url: string, close: () => Promise<void>): Sandbox {
  return {
    url,
    request: (request) => serveInProcess(control, request),
    control: (path, body = {}) => postToControl(control, path, body),
    ledger: (paymentId) => readLedger(control, paymentId ?? null) as ProviderLedgers,
    now: () => new Date(control.context.clock.nowMs()),
    advance: (ms) => advance(control, ms),
    close,
  };
}

function openParts(options: SandboxOptions, url: string): Control {
  const seed = options.seed ?? randomInt(2 ** 32);
  const ledger = new Ledger(options.dataDir);
  const clockRows = ledger.table<ClockRow>('clock');
  const clock = new Clock({
    offsetMs: clockRows.get('clock')?.offsetMs ?? 0,
    standsAt: options.virtualTime?.startsAt,
    merchantNow: options.merchantNow,
  });
  const context: SandboxContext = {
    ...{ ledger, clock, faults: new Faults(seededRandom(seed)) },
    baseUrl: () => url,
    newId: (prefix, length = 24) => `${prefix}${seededToken(seed, ledger.nextNumber(), length)}`,
    holdsRequests: options.neverAnswers !== 'told',
  };
  const posting = {
    post: options.post ?? postByHttp,
    attemptTimeoutMs: options.attemptTimeoutMs ?? defaultAttemptTimeoutMs,
  };
  const providers: SimulatedProvider[] = [
    createStripeProvider(context, options.stripe, posting),
    ...(options.alipay ? [createAlipayProvider(context, options.alipay, posting)] : []),
    ...(options.wechatpay ? [createWechatpayProvider(context, options.wechatpay, posting)] : []),
  ];
  for (const provider of providers) provider.resume();
  return { context, providers, clockRows };
}

async function serveHttp(control: Control, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const outcome = await serve(control, await readRequest(incoming));
    if (outcome === 'reset') response.destroy();
    else if (outcome !== 'unanswered') sendResponse(response, outcome);
  } catch (error) {
    if (error instanceof BodyTooLargeError) {
      response.shouldKeepAlive = false; // the rest of the body is not read
      return sendResponse(response, problem(413, error.message));
    }
    if (incoming.destroyed && !incoming.complete) return; // the client went away while it was sending
    console.error('sandbox: a request failed', error);
    sendResponse(response, problem(500, 'The sandbox failed; its own log says why.'));
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
function stopActing({ providers, context }: Control): void {
  for (const { deliveries } of providers) deliveries.stop();
  context.clock.close();
}

function close(server: Server, control: Control): Promise<void> {
  stopActing(control);
  return new Promise((resolve) => {
    server.close(() => {
      control.context.ledger.close();
      resolve();
    });
    server.closeAllConnections();
  });
}
