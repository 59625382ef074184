import type { MasterKeys } from './accounts/master-key.ts';
import type { ProviderAccounts } from './accounts/provider-accounts.ts';
import type { ClosingList } from './closing-list.ts';
import { createTokenVerifier } from './commands/verify-token.ts';
import { type Config, readProviders } from './config.ts';
import type { Database } from './database/database.ts';
import { gatherLookups } from './database/gathered-lookups.ts';
import { shareReads } from './database/shared-read.ts';
import { createDemoShop } from './demo-shop.ts';
import { type SandboxProcess, startSandboxProcess } from './development.ts';
import { type DevelopmentKeys, sandboxEnvironment } from './development-keys.ts';
import type { Clock } from './domain/clock.ts';
import type { Log } from './domain/log.ts';
import type { Feeds } from './events/feeds.ts';
import { type Notifier, relayTo } from './events/notifications.ts';
import { type AuthenticationParts, createAuthentication } from './graphql/authentication.ts';
import { checkoutSources } from './http/checkout-policy.ts';
import { openPages, type Pages } from './http/pages.ts';
import type { ShopSession } from './http/shop-session.ts';
import type { Gate } from './limits/gate.ts';
import type { CommandContext } from './provider-calls/context.ts';
import type { ProviderSetup } from './providers/provider.ts';
import { findKeyHolders, findRevoked, recordKeyUse } from './store/api-key-store.ts';
import { readBacklog } from './store/gauge-store.ts';
import { findTokenOrders } from './store/order-store.ts';
import { findActiveSigningKeys } from './store/signing-key-store.ts';
import type { Gauges, PoolGauges } from './telemetry/metrics.ts';
import { openSiblings, type Siblings } from './workers.ts';

/** What API keys, tokens and order tokens are looked up in. Concurrent lookups share a statement. */
export function openAuthentication(
  { isProduction }: Config,
  { db, clock, log }: Pick<CommandContext, 'db' | 'clock' | 'log'>,
  tokens: Pick<AuthenticationParts, 'development' | 'clientTokens' | 'ownOrigin'> & {
    readonly masterKeys: MasterKeys | null;
  },
): ReturnType<typeof createAuthentication> {
  const { development, clientTokens, ownOrigin, masterKeys } = tokens;
  const findKeys = shareReads(
    (merchantId: string) => findActiveSigningKeys(db.pool, merchantId),
    (merchantId) => merchantId,
  );
  return createAuthentication({
    ...{ development, clientTokens, ownOrigin, clock, log },
    keys: {
      findHolder: gatherLookups((hashes) => findKeyHolders(db.writes, hashes)),
      findRevoked: (keyIds) => findRevoked(db.pool, keyIds),
      recordUse: (keyId) => recordKeyUse(db.pool, keyId, clock.now()),
    },
    verifyToken: createTokenVerifier({ findKeys, masterKeys, clock, log }),
    findOrder: gatherLookups((orderIds) => findTokenOrders(db.writes, orderIds)),
    mode: isProduction ? 'live' : 'test',
  });
}

/** Notifies the subscribers of this process (`local`) and, with Redis, of all nodes; without Redis, of the workers beside this one. */
export async function openNotifier(
  { redisUrl }: Config,
  local: Notifier,
  logId: string,
  log: Log,
  keep: ClosingList['keep'],
): Promise<Notifier> {
  if (redisUrl === null) return withSiblings(local, openSiblings());
  const { createRedisNotifier } = await import('./events/redis-notifications.ts'); // a start without Redis does not load its client
  return keep(createRedisNotifier(redisUrl, logId, local, log), (notifier) => notifier.close());
}

function withSiblings(local: Notifier, siblings: Siblings | null): Notifier {
  if (siblings === null) return local;
  siblings.onNotification((notification) => local.notify(notification));
  return relayTo(local, (notification) => siblings.notify(notification));
}

export type RunningSandbox = { readonly process: SandboxProcess; readonly providers: readonly ProviderSetup[] };

/** Starts the sandbox and returns provider setups that connect to it; null when real providers are configured. */
export async function startSandbox(
  { sandbox, dataDir }: Config,
  keys: DevelopmentKeys | null,
  publicUrl: string,
  log: Log,
  signal: AbortSignal,
): Promise<RunningSandbox | null> {
  if (sandbox === null || keys === null) return null;
  const stripeWebhookUrl = `${publicUrl}/webhooks/stripe`;
  const process = await startSandboxProcess({
    ...{ port: sandbox.port, dataDir, keys, stripeWebhookUrl, signal },
    onEnd: () => log.error({}, 'the sandbox process has ended: no provider answers until this server is restarted'),
  });
  const environment = sandboxEnvironment(keys, process.url);
  const at = (name: string) => environment[name] ?? null;
  return { process, providers: readProviders({ at, isProduction: false }) };
}

/** Reads the gauges of a scrape. Scrapes at the same time share one statement. */
export function gaugesOf({
  database,
  feeds,
  clock,
  operations,
}: {
  readonly database: Database;
  readonly feeds: Feeds;
  readonly clock: Clock;
  readonly operations: Gate;
}): () => Promise<Gauges> {
  const readShared = shareReads(
    () => readBacklog(database.pool, clock.now()),
    () => '',
  );
  const poolOf = ({ totalCount, idleCount, waitingCount }: Database['pool']): PoolGauges => ({
    ...{ open: totalCount, idle: idleCount, waiting: waitingCount },
  });
  return async () => {
    // Before the statement takes a connection itself.
    const pools = {
      queries: poolOf(database.pool),
      follows: poolOf(database.follows),
      writes: poolOf(database.writes),
    };
    // Also while the database is away the other gauges are read, and the absence is a metric of its own.
    const shared = await readShared().catch(() => null);
    const { followerCount: subscribers, topicCount: topics } = feeds;
    return { shared, pools, subscribers, topics, operations: operations.counts() };
  };
}

/** The pages of this server. */
export function openOwnPages(parts: {
  readonly directory: string;
  /** Whether the demo shop is among them. It is for the developer at this machine: anybody who opens it is a customer. */
  readonly hasShop: boolean;
  readonly accounts: Pick<ProviderAccounts, 'all'>;
  readonly sandboxUrl: string | null;
}): Pages {
  const { directory, hasShop, accounts, sandboxUrl } = parts;
  // Accounts come and go while the server runs.
  const cardForms = () =>
    accounts.all().flatMap(({ cardFormUrl }) => (cardFormUrl === undefined ? [] : [new URL(cardFormUrl).origin]));
  return openPages({
    directory,
    names: hasShop ? ['dashboard', 'checkout', 'shop'] : ['dashboard', 'checkout'],
    sources: { checkout: () => checkoutSources(cardForms(), sandboxUrl === null) },
    told: { checkout: sandboxUrl === null ? {} : { 'paystream-sandbox': sandboxUrl } },
  });
}

/** The login of the demo shop, for pages on this machine; null when others can reach the server. */
export function openDemoShop(
  commands: CommandContext,
  parts: {
    readonly merchant: { readonly id: string } | null;
    readonly masterKeys: MasterKeys | null;
    /** The development token; null where pages must not have it. */
    readonly token: string | null;
  },
): (() => Promise<ShopSession>) | null {
  const { merchant, masterKeys, token } = parts;
  if (merchant === null || masterKeys === null || token === null) return null;
  const shop = createDemoShop(commands, { merchantId: merchant.id, masterKeys });
  return async () => ({ ...(await shop.openSession()), dashboardToken: token });
}
