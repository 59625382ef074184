import type { GraphQLClient } from 'graphql-request';
import { inject } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/server.ts';
import { type App, openApp } from '../../src/app.ts';
import type { Config } from '../../src/config.ts';
import type { Database } from '../../src/database/database.ts';
import type { Clock } from '../../src/domain/clock.ts';
import type { Log } from '../../src/domain/log.ts';
import type { HttpLimits } from '../../src/http/limits.ts';
import { defaultLimits, type Limits } from '../../src/limits/limits.ts';
import type { StripeConfig } from '../../src/providers/stripe/config.ts';
import { stripeSetup } from '../../src/providers/stripe/setup.ts';
import { chineseSetups, chineseSides } from './chinese-providers.ts';
import { openTestDatabase } from './database.ts';
import { settledClient } from './settled.ts';

export const testStripe = {
  secretKey: 'sk_test_paystream',
  publishableKey: 'pk_test_paystream',
  webhookSecret: 'whsec_paystream_one',
  /** Active as well, as while a secret is being replaced. */
  otherWebhookSecret: 'whsec_paystream_two',
} as const;

/** Real time, and what a test adds to it. Stopped, it moves by what a test adds alone, however long the machine takes. */
export type TestClock = Clock & { advance(ms: number): void; stop(): void; goOn(): void };

export function createTestClock(): TestClock {
  let aheadMs = 0;
  let stoppedAtMs: number | null = null;
  return {
    now: () => new Date((stoppedAtMs ?? Date.now()) + aheadMs),
    advance(ms) {
      aheadMs += ms;
    },
    stop() {
      stoppedAtMs ??= Date.now();
    },
    goOn() {
      stoppedAtMs = null;
    },
  };
}

export type LogEntry = { readonly level: 'info' | 'warn' | 'error'; readonly fields: object; readonly message: string };

/** The real server on a real port, on a database of its own, with a sandbox of its own for its providers. */
export type TestApp = {
  readonly app: App;
  readonly database: Database;
  readonly clock: TestClock;
  readonly sandboxUrl: string;
  readonly token: string;
  readonly client: GraphQLClient;
  readonly logged: LogEntry[];
  close(): Promise<void>;
};

const often = { perSecond: 100_000, burst: 1_000_000 };

/** Tests call as often as they can. */
export const unlimited: Limits = {
  ...defaultLimits,
  ...{ mutations: often, queries: often, personMutations: often, personQueries: often },
  ...{ unauthenticated: often, refusedCallbacks: often },
};

const token = 'test_token_of_the_first_merchant';

export const testConfig: Config = {
  isProduction: false,
  limits: unlimited,
  trustedProxies: 0,
  hasGraphiql: true,
  hasIntrospection: true,
  trustedDocuments: null,
  host: '127.0.0.1',
  port: 0,
  publicUrl: null,
  databaseUrl: null,
  redisUrl: null,
  dataDir: '',
  migrateOnStart: true,
  callbackRetentionDays: 90,
  idempotencyRetentionDays: 30,
  webhookLogRetentionDays: 30,
  allowsWebhookLoopback: true,
  logLevel: 'silent',
  telemetry: { tracing: null, metrics: null },
  devApiKey: token,
  providers: [],
  masterKeys: null,
  failpoints: [],
  sandbox: null,
};

export async function startTestApp(
  parts: {
    readonly config?: Partial<Config>;
    /** One that the caller closes. */
    readonly database?: Database;
    readonly clock?: TestClock;
    readonly httpLimits?: HttpLimits;
    /** As in `AppParts`. */
    readonly hasShortWay?: boolean;
    /** As in `AppParts`. */
    readonly pagesDirectory?: string;
    /** In place of the one that is read from `logged`. */
    readonly log?: Log;
    /** A key of another account than the other tests' has. */
    readonly stripeKey?: string;
    /** True: cards are entered into the sandbox's form, as after `npm start`. */
    readonly hasCardForm?: boolean;
  } = {},
): Promise<TestApp> {
  const { publishableKey, webhookSecret, otherWebhookSecret } = testStripe;
  const secretKey = parts.stripeKey ?? testStripe.secretKey;
  const clock = parts.clock ?? createTestClock();
  const sandbox: Sandbox = await startSandbox({
    port: 0,
    dataDir: null,
    merchantNow: () => clock.now(),
    stripe: { secretKey, publishableKey, webhookSecret, webhookUrl: null },
    ...chineseSides(),
  });
  const database = parts.database ? { ...parts.database, close: async () => {} } : await openTestDatabase();
  const logged: LogEntry[] = [];
  const log = (level: LogEntry['level']) => (fields: object, message: string) => {
    logged.push({ level, fields, message });
  };
  const app = await openApp(
    {
      ...testConfig,
      ...(parts.config?.isProduction && { hasGraphiql: false, hasIntrospection: false }),
      dataDir: inject('testRun').keysDir,
      providers: [
        stripeSetup({
          ...stripeAt(sandbox.url, secretKey),
          webhookSecrets: [webhookSecret, otherWebhookSecret],
          ...(parts.hasCardForm && { cardFormUrl: `${sandbox.url}/cashier/card-form` }),
        }),
        ...chineseSetups(sandbox.url),
      ],
      ...parts.config,
    },
    {
      ...{
        database,
        clock,
        httpLimits: parts.httpLimits,
        hasShortWay: parts.hasShortWay,
        pagesDirectory: parts.pagesDirectory,
      },
      log: parts.log ?? { info: log('info'), warn: log('warn'), error: log('error') },
    },
  );
  await control(sandbox.url, 'webhooks', { url: `${app.url}/webhooks/stripe`, retryDelaysMs: [100, 200, 400] });
  return {
    ...{ app, database, clock, token, logged, sandboxUrl: sandbox.url },
    client: settledClient(app.url, token, database.pool),
    async close() {
      await sandbox.close();
      await app.close();
    },
  };
}

/** The same node, called with another token. */
export function withToken(node: TestApp, token: string): TestApp {
  const client = settledClient(node.app.url, token, node.database.pool);
  return { ...node, client, token };
}

/** How a node is configured for the Stripe of a sandbox. */
export function stripeAt(apiBase: string, secretKey: string = testStripe.secretKey): StripeConfig {
  const { publishableKey, webhookSecret } = testStripe;
  return { secretKey, publishableKey, apiBase, webhookSecrets: [webhookSecret] };
}

/** Tells the sandbox what to do. */
export async function control(sandboxUrl: string, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${sandboxUrl}/control/${path}`, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`The sandbox refused ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

export async function askControl<T>(sandboxUrl: string, path: string): Promise<T> {
  const response = await fetch(`${sandboxUrl}/control/${path}`);
  if (!response.ok) throw new Error(`The sandbox refused ${path}: ${response.status}`);
  return (await response.json()) as T;
}

/** Lets the sandbox’s time pass and what it has planned until then happen. The clock of the server does not move with it. */
export async function advanceSandbox({ app, sandboxUrl }: TestApp, advanceMs: number): Promise<void> {
  await control(sandboxUrl, 'clock', { advanceMs });
  await app.idle();
}

/** Resolves when every callback that the sandbox has to send by now has been taken, or refused, and acted on. */
export function untilCallbacksCame(app: TestApp): Promise<void> {
  return advanceSandbox(app, 0);
}

/** From now on the sandbox behaves. */
export async function clearFaults({ sandboxUrl }: TestApp): Promise<void> {
  const response = await fetch(`${sandboxUrl}/control/faults`, { method: 'DELETE' });
  if (!response.ok) throw new Error(`The sandbox keeps its faults: ${response.status}`);
}
