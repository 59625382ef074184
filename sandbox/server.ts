import { randomInt } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AlipayLedger } from './alipay/ledger-report.ts';
import { type AlipayOptions, createAlipayProvider } from './alipay/provider.ts';
import { type CallbackPost, type CallbackTransport, defaultAttemptTimeoutMs, postByHttp } from './callback-post.ts';
import { Clock } from './clock.ts';
import type { SandboxContext } from './context.ts';
import { advance, readLedger } from './control.ts';
import type { Json } from './control-input.ts';
import { Faults } from './faults.ts';
import { BodyTooLargeError, readRequest, sendResponse } from './http.ts';
import { type InProcessRequest, type InProcessResponse, postToControl, serveInProcess } from './in-process.ts';
import { Ledger } from './ledger.ts';
import type { ClockRow, SandboxParts, SimulatedProvider } from './provider.ts';
import { seededRandom, seededToken } from './random.ts';
import { problem, serve } from './routes.ts';
import type { StripeLedger } from './stripe/ledger-report.ts';
import { createStripeProvider, type StripeOptions } from './stripe/provider.ts';
import { createWechatpayProvider, type WechatpayLedger, type WechatpayOptions } from './wechatpay/provider.ts';

/** The true state of each simulated provider. */
export type ProviderLedgers = {
  readonly stripe: StripeLedger;
  readonly alipay?: AlipayLedger;
  readonly wechatpay?: WechatpayLedger;
};

export type SandboxOptions = {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 takes any free port. Null opens no port: requests come only through `Sandbox.request`. */
  readonly port: number | null;
  /** The directory of the ledger; null keeps it in memory. */
  readonly dataDir: string | null;
  readonly stripe: StripeOptions;
  /** Default: Alipay is not simulated, and its paths do not exist. */
  readonly alipay?: AlipayOptions | null;
  /** Default: WeChat Pay is not simulated, and its paths do not exist. */
  readonly wechatpay?: WechatpayOptions | null;
  /** The seed for ids and for the probability of faults. Default: random. */
  readonly seed?: number;
  /**
   * The clock stands still at this instant until `advance`. All times come from it, including those in objects and signatures. All
   * tasks wait for `advance`, so a task that is due at once waits for `advance(0)`.
   */
  readonly virtualTime?: { readonly startsAt: Date };
  /** In real time: the merchant's clock, when a test moves it. The times in objects and signatures come from it. */
  readonly merchantNow?: () => Date;
  /**
   * The treatment of requests whose response is missing or late (`timeout_before`, `timeout_after`, `delay`). `hold` keeps the
   * connection open; `status-599` responds at once with status 599 and `x-sandbox-unanswered: timeout`. Default: `hold`.
   */
  readonly unansweredRequests?: 'hold' | 'status-599';
  /** How callbacks reach their receiver. Default: by HTTP. */
  readonly post?: CallbackPost;
  /** The time limit of one delivery attempt: real time, also in virtual time. Default: 10 s. */
  readonly attemptTimeoutMs?: number;
};

/** Longer than clients keep idle connections, so that no client sends a request on a connection that is closing. */
const keepAliveMs = 65_000;
/** The base of the links of a sandbox without a port. RFC 2606 reserves the domain. */
const portlessUrl = 'http://sandbox.invalid';

/** A running sandbox. Calls of this process and requests by HTTP work on the same ledger. */
export type Sandbox = {
  readonly url: string;
  /** Serves a request without a connection. With `unansweredRequests: 'hold'`, a delayed response resolves when the clock reaches it. */
  request(request: InProcessRequest): Promise<InProcessResponse | 'unanswered' | 'reset'>;
  /** POSTs to the control API: `control('/control/stripe/refunds', { … })`. @throws {ControlError} */
  control(path: string, body?: object): Promise<Json>;
  /** The response of `GET /control/ledger`. */
  ledger(paymentId?: string): ProviderLedgers;
  /** The time of the sandbox's clock. */
  now(): Date;
  /** Moves the clock forward. Resolves when all due tasks have finished. `post` must not await it: that would be a deadlock. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
};

/**
 * Starts the sandbox. It opens the ledger after it has bound the port, so that two processes with one port and one directory never
 * write the same file.
 *
 * @throws {Error} with `code: 'EADDRINUSE'` when the port is in use; also when the ledger cannot be read.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  if (options.port === null) {
    const parts = openParts(options, portlessUrl);
    return inProcess(parts, portlessUrl, async () => {
      stopTasks(parts);
      parts.context.ledger.close();
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

function inProcess(parts: SandboxParts, url: string, close: () => Promise<void>): Sandbox {
  return {
    url,
    request: (request) => serveInProcess(parts, request),
    control: (path, body = {}) => postToControl(parts, path, body),
    ledger: (paymentId) => readLedger(parts, paymentId ?? null) as ProviderLedgers,
    now: () => new Date(parts.context.clock.nowMs()),
    advance: (ms) => advance(parts, ms),
    close,
  };
}

function openParts(options: SandboxOptions, url: string): SandboxParts {
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
    holdsRequests: options.unansweredRequests !== 'status-599',
  };
  const transport: CallbackTransport = {
    post: options.post ?? postByHttp,
    attemptTimeoutMs: options.attemptTimeoutMs ?? defaultAttemptTimeoutMs,
  };
  const providers: SimulatedProvider[] = [
    createStripeProvider(context, options.stripe, transport),
    ...(options.alipay ? [createAlipayProvider(context, options.alipay, transport)] : []),
    ...(options.wechatpay ? [createWechatpayProvider(context, options.wechatpay, transport)] : []),
  ];
  for (const provider of providers) provider.resume();
  return { context, providers, clockRows };
}

async function serveHttp(parts: SandboxParts, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const result = await serve(parts, await readRequest(incoming));
    if (result === 'reset') response.destroy();
    else if (result !== 'unanswered') sendResponse(response, result);
  } catch (error) {
    if (error instanceof BodyTooLargeError) {
      response.shouldKeepAlive = false; // the rest of the body is not read
      return sendResponse(response, problem(413, error.message));
    }
    if (incoming.destroyed && !incoming.complete) return; // the client disconnected while it sent the request
    console.error('sandbox: a request failed', error);
    sendResponse(response, problem(500, 'The sandbox failed. Its log has the error.'));
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

/** Aborts the deliveries in flight and cancels all scheduled tasks. */
function stopTasks({ providers, context }: SandboxParts): void {
  for (const { deliveries } of providers) deliveries.stop();
  context.clock.close();
}

function close(server: Server, parts: SandboxParts): Promise<void> {
  stopTasks(parts);
  return new Promise((resolve) => {
    server.close(() => {
      parts.context.ledger.close();
      resolve();
    });
    server.closeAllConnections();
  });
}
