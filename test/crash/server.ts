import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DeathAt } from '../../src/failpoints.ts';

const projectRoot = fileURLToPath(new URL('../..', import.meta.url));

export const stripeKeys = {
  secretKey: 'sk_test_crash',
  publishableKey: 'pk_test_crash',
  webhookSecret: 'whsec_crash_crash_crash',
} as const;
const askAgainMs = 20;
const startsMax = 5;
export const serverToken = 'token_of_the_crash_test';

/** The settings that survive a restart: the data, the port, and the provider's address. */
export type Place = {
  readonly databaseUrl: string | null;
  readonly dataDir: string;
  readonly port: number;
  readonly sandboxUrl: string;
  readonly redisUrl?: string;
  /** Where it serves its metrics; without a port it has none. */
  readonly metricsPort?: number;
};

/** The product as a separate process. It dies at a failpoint and is restarted with the same settings. */
export class MortalServer {
  readonly url: string;
  deaths = 0;
  #place: Place;
  #child: ChildProcess | null = null;
  #up = deferred();
  #isUp = false;

  constructor(place: Place) {
    this.#place = place;
    this.url = `http://127.0.0.1:${place.port}/graphql`;
  }

  /**
   * Resolves when it listens. It dies when it passes the failpoint for the time that is given. A start that gives up because the database of a
   * busy machine does not answer in time is repeated, as a supervisor would.
   */
  async start(death: DeathAt | null): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const complaint = await this.#tryToStart(death);
      if (complaint === null) return;
      if (attempt === startsMax || !complaint.includes('connection timeout'))
        throw new Error(`The server did not start: ${complaint}`);
    }
  }

  /** Null, or what the server said when it gave up. */
  async #tryToStart(death: DeathAt | null): Promise<string | null> {
    const { databaseUrl, dataDir, port, sandboxUrl, redisUrl, metricsPort } = this.#place;
    const { DATABASE_URL: _ours, REDIS_URL: _wakes, NODE_ENV: _test, ...env } = process.env;
    const child = spawn(process.execPath, ['scripts/start.mjs'], {
      cwd: projectRoot,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...env,
        ...(databaseUrl !== null && { DATABASE_URL: databaseUrl }),
        ...(death !== null && { FAILPOINTS: `${death.name}@${death.passing}` }),
        ...(redisUrl !== undefined && { REDIS_URL: redisUrl }),
        ...(metricsPort !== undefined && { METRICS_PORT: String(metricsPort) }),
        ...{ DATA_DIR: dataDir, PORT: String(port), DEV_API_KEY: serverToken, LOG_LEVEL: 'fatal' },
        ...{ RATE_LIMIT_MUTATIONS: '100000', RATE_LIMIT_QUERIES: '100000', WEBHOOK_LOOPBACK: 'on' },
        ...{ STRIPE_SECRET_KEY: stripeKeys.secretKey, STRIPE_PUBLISHABLE_KEY: stripeKeys.publishableKey },
        ...{ STRIPE_WEBHOOK_SECRETS: stripeKeys.webhookSecret, STRIPE_API_BASE: sandboxUrl },
      },
    });
    this.#child = child;
    let complaint = '';
    child.stderr.on('data', (chunk) => {
      complaint += String(chunk);
    });
    child.once('exit', (_code, signal) => {
      // Callers that wait for a server which died before it was up wait for the next one.
      if (this.#isUp) this.#up = deferred();
      this.#isUp = false;
      if (signal === 'SIGKILL') this.deaths += 1;
    });
    const lines = createInterface({ input: child.stdout });
    const [line] = (await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => [''])])) as [string];
    if (child.signalCode === 'SIGKILL') return null; // shops call as soon as it listens: it died before it reported that
    if (!line.includes(new URL(this.url).origin)) return `${line} ${complaint}`;
    this.#isUp = true;
    this.#up.resolve();
    return null;
  }

  /** Resolves when the process has ended: true if by SIGKILL. */
  async ended(): Promise<boolean> {
    const child = this.#child;
    if (child === null) return false;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.signalCode === 'SIGKILL';
  }

  /** Rejects the callers that wait for the next start. */
  release(): void {
    this.#up.resolve();
  }

  /** Ends it as a power cut does. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.ended();
  }

  async stop(): Promise<void> {
    this.#child?.kill('SIGTERM');
    await this.ended();
  }

  /** Repeats the request until it is answered: after a broken connection its outcome is unknown. */
  async ask<T>(query: string, variables: Record<string, unknown>, signal: AbortSignal): Promise<T> {
    for (;;) {
      await this.#up.promise;
      signal.throwIfAborted();
      try {
        const response = await fetch(this.url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${serverToken}` },
          body: JSON.stringify({ query, variables }),
          signal,
        });
        const { data, errors } = (await response.json()) as { data?: T; errors?: { message: string }[] };
        if (data == null || errors !== undefined) throw new RefusedError(JSON.stringify(errors));
        return data;
      } catch (error) {
        if (error instanceof RefusedError || signal.aborted) throw error;
        await delay(askAgainMs, undefined, { signal });
      }
    }
  }
}

/** The server answered with an error that no correct client should get. */
export class RefusedError extends Error {}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((proceed) => {
    resolve = proceed;
  });
  return { promise, resolve };
}
