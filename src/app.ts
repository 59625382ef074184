import { fileURLToPath } from 'node:url';
import { developmentMasterKeys } from './accounts/master-key.ts';
import { openAccounts } from './accounts/open-accounts.ts';
import { gaugesOf, openAuthentication, openDemoShop, openNotifier, openOwnPages, startSandbox } from './app-parts.ts';
import { closingList, openingMsMax, rejectedBy } from './closing-list.ts';
import { createClientTokens } from './commands/client-token.ts';
import { payOrderMsMax } from './commands/pay-order.ts';
import type { Config } from './config.ts';
import { type Database, openDatabase, readLogState } from './database/database.ts';
import { createPendingCheck } from './database/pending-migrations.ts';
import { developmentKeys } from './development-keys.ts';
import { type Clock, systemClock } from './domain/clock.ts';
import { passAll } from './domain/failpoint.ts';
import type { Log } from './domain/log.ts';
import type { ProviderName } from './domain/payment.ts';
import { createFeeds } from './events/feeds.ts';
import { followerReadsMax } from './events/follower-reads.ts';
import { createNotifier } from './events/notifications.ts';
import { openTailWatch } from './events/tail-watch.ts';
import { dieAt } from './failpoints.ts';
import { createEventRenderer } from './graphql/event-payload.ts';
import { createExportReader } from './graphql/export-pages.ts';
import { graphiqlTabs } from './graphql/graphiql-tabs.ts';
import { principalOf } from './graphql/operation-limits.ts';
import { mayCallFrom } from './graphql/page-origin.ts';
import { schema } from './graphql/schema.ts';
import { documentHashOf } from './graphql/trusted-documents.ts';
import { createGraphqlServer, type GraphqlServer } from './graphql/yoga.ts';
import { createCallbackLane } from './http/callback-lane.ts';
import { createAddressReader } from './http/client-address.ts';
import { lastEventIdOf, openEventStream } from './http/event-stream.ts';
import { createExports } from './http/exports.ts';
import { type HttpLimits, httpLimits } from './http/limits.ts';
import { createOrigins } from './http/origins.ts';
import type { PageName } from './http/pages.ts';
import { createReadiness } from './http/readiness.ts';
import { createReturnPage, returnPath } from './http/return-page.ts';
import { securityHeaders } from './http/security-headers.ts';
import { createHttpServer } from './http/server.ts';
import { createShopSessions } from './http/shop-session.ts';
import { createSocketAdmission } from './http/socket-places.ts';
import { createWebhookEntrance } from './http/webhook-entrance.ts';
import { serveWebSocket } from './http/websocket.ts';
import { openLimits } from './limits/open-limits.ts';
import { createQuota } from './limits/quota.ts';
import { createLogger } from './logging/logger.ts';
import { createOutgoing, endpointsMax } from './outgoing/outgoing-lane.ts';
import { openWebhookTransport } from './outgoing/transport.ts';
import type { CommandContext } from './provider-calls/context.ts';
import { isLoopback } from './providers/settings.ts';
import { dropOldPaymentAddresses } from './store/card-failure-store.ts';
import { createLookups } from './store/lookups.ts';
import { ensureFirstMerchant, findFirstMerchant, isWebOriginListed } from './store/merchant-store.ts';
import { createOrderWriter } from './store/order-writer.ts';
import { foldSales } from './store/sales-store.ts';
import { openTelemetry } from './telemetry/open-telemetry.ts';
import { createAdoption } from './worker/adopt-former-accounts.ts';
import { createCallbackIntake } from './worker/callback-intake.ts';
import { createLane, type Lane } from './worker/lane.ts';
import { type Pruned, pruneBatch } from './worker/prune.ts';
import { createReplay } from './worker/replay-delivery.ts';
import { reportUnconfigured } from './worker/report-unconfigured.ts';
import { applyDueDeliveries, checkDuePayments, expireDueOrders, openLanes, type Swept, sweep } from './worker/sweep.ts';
import { openCollection } from './workers.ts';

/** The time that the database may add to a command that waits for providers. */
const databaseMsMax = 10_000;
/** The time that requests in progress may take during a stop. It is longer than the longest command. */
const drainMs = payOrderMsMax + databaseMsMax;
/** The maximum duration of a stop in milliseconds, even if something hangs. */
export const stopMsMax = drainMs + openingMsMax;

/** The pages that `scripts/build-pages.mjs` has built. */
const pagesDirectory = fileURLToPath(new URL('../.build/web', import.meta.url));

/** The running application. Its owner runs the background rounds: `main.ts` by the clock, tests one by one. */
export type App = {
  /** The URL at which it listens. */
  readonly url: string;
  /** The pages that it serves: those that are built. */
  readonly pages: readonly PageName[];
  readonly database: Database;
  /** The bearer token of the first merchant; null in production. */
  readonly token: string | null;
  /** Whether the database had a merchant at the start. Outside production it always has one. */
  readonly hasMerchant: boolean;
  /** The URL of the sandbox; null when real providers are configured. */
  readonly sandboxUrl: string | null;
  /** The configured providers that did not answer at the start. */
  readonly away: readonly ProviderName[];
  /** The number of provider accounts in the database at the start. */
  readonly storedAccounts: number;
  /** The same work as `sweep`, with one lane for each kind of work. Lanes run concurrently and do not wait for each other. */
  readonly lanes: readonly Lane[];
  readonly rounds: {
    /** Processes all due work, one kind after another, and resolves when all of it has ended. */
    sweep(): Promise<Swept>;
    applyDeliveries(): Promise<number>;
    checkPayments(): Promise<number>;
    expireOrders(): Promise<number>;
    /** Sends due events to the webhook endpoints of merchants, until none is due. Returns the number of attempts. */
    sendWebhooks(): Promise<number>;
    /** Notifies subscribers whose notification was lost. */
    watchTail(): Promise<number>;
    /** Ends the subscriptions of API keys that were revoked on any node. */
    endRevoked(): Promise<number>;
    /** Opens the provider accounts that any node has added or changed. */
    refreshAccounts(): Promise<void>;
    /** Retries to open the providers that did not answer, and assigns payments under former account names to their accounts. */
    retryProviders(): Promise<void>;
    /** Logs the number of refused callbacks that have no log line of their own. */
    tellRefusals(): Promise<void>;
    /** Deletes one batch of each kind of rows that have been kept long enough. */
    prune(): Promise<Pruned>;
    /** Adds one batch of changes of sales to their sums. */
    foldSales(): Promise<{ readonly isFull: boolean }>;
    /** Upkeep of the embedded database. */
    maintain(): Promise<unknown>;
  };
  /** Resolves when no received callback is being applied. */
  idle(): Promise<void>;
  readonly log: Log;
  /** Where Prometheus reads the metrics of this process; null when metrics are off, or served for several workers. */
  readonly metricsUrl: string | null;
  /** Refuses new connections, ends subscriptions, and waits for requests in progress. */
  stopAccepting(): Promise<void>;
  /** Stops listening, ends subscriptions, waits for work in progress, and closes the database. */
  close(): Promise<void>;
};

/** Parts that the caller may provide: a signal, and replacements for tests. */
export type AppParts = {
  /** Aborts the start. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly database?: Database;
  readonly httpLimits?: HttpLimits;
  /** False: plain posts take Yoga's whole way, with which a test compares the short one. */
  readonly hasShortWay?: boolean;
  /** The folder of the built pages. */
  readonly pagesDirectory?: string | undefined;
};

/**
 * Starts the application. @throws {Error} with a sentence for the operator, or the signal's reason. Nothing is left
 * open or running then.
 */
export async function openApp(config: Config, parts: AppParts = {}): Promise<App> {
  const clock = parts.clock ?? systemClock;
  const log = parts.log ?? createLogger(config.logLevel);
  const { keep, close } = closingList();
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(parts.signal === undefined ? [] : [parts.signal])]);
  try {
    // The lock of the data directory is taken before anything else. The rest opens concurrently.
    const opening = parts.database ?? openDatabase({ ...config, migrate: config.migrateOnStart });
    const timeLimits = parts.httpLimits ?? httpLimits;
    const http = createHttpServer(securityHeaders(config.isProduction), timeLimits);
    const keys = config.isProduction ? null : developmentKeys(config.dataDir);
    const entered = http.listen(config.port, config.host).then(async (url) => {
      const publicUrl = config.publicUrl ?? url;
      return { url, publicUrl, sandbox: await startSandbox(config, keys, publicUrl, log, signal) };
    });
    const entering = entered.catch(async (error: unknown) => {
      await http.close();
      throw error;
    });
    const opened = Promise.all([
      keep(opening, (database) => database.close()),
      keep(entering, async (entrance) => {
        await http.close();
        await entrance.sandbox?.process.close();
      }),
    ]);
    const [database, { url, publicUrl, sandbox }] = await Promise.race([opened, rejectedBy(signal)]);
    const { logId } = await readLogState(database.pool);
    const local = createNotifier();
    const notifier = await openNotifier(config, local, logId, log, keep);
    const limits = await keep(openLimits(config.limits, config.redisUrl, log), async (opened) => opened.close());
    const setups = sandbox?.providers ?? config.providers;
    const failpoint = config.failpoints.length === 0 ? passAll : dieAt(config.failpoints);
    const writer = createOrderWriter({ db: database, clock, failpoint });
    const held = { db: database, clock, writer, lookups: createLookups(database), notifier, log, failpoint };
    const adoption = createAdoption(held);
    const masterKeys = config.masterKeys ?? (keys === null ? null : developmentMasterKeys(keys.apiKey));
    const { accounts, environment, stored } = await openAccounts(
      { ...config, ...held, publicUrl, masterKeys, beganCall: limits.operations.pause },
      setups,
      (provider) => adoption.round(provider),
    );
    const commands: CommandContext = { ...held, accounts };
    if (environment.away.length === 0) await reportUnconfigured(commands);
    const merchant = config.isProduction
      ? await findFirstMerchant(database.pool)
      : await ensureFirstMerchant(database, clock.now());
    const token = config.devApiKey ?? keys?.apiKey ?? null;
    const clientTokens = masterKeys === null ? null : createClientTokens(masterKeys);
    const development = token === null || merchant === null ? null : { token, merchant };
    const authentication = openAuthentication(config, held, {
      ...{ development, clientTokens, ownOrigin: new URL(publicUrl).origin, masterKeys },
    });
    const isLocal = isLoopbackHost(config.host) && isLoopback(new URL(publicUrl).hostname);
    const pagesToken = isLocal && !config.isProduction ? token : null;
    const addressOf = createAddressReader(config.trustedProxies, log);
    const feeds = createFeeds({ pool: database.follows, notifier, log, readsMax: followerReadsMax[database.kind] });
    const pages = openOwnPages({
      ...{ directory: parts.pagesDirectory ?? pagesDirectory, hasShop: pagesToken !== null, accounts },
      sandboxUrl: sandbox?.process.url ?? null,
    });
    const webhookRules = { isProduction: config.isProduction, allowsLoopback: config.allowsWebhookLoopback };
    const administration = { masterKeys, isProduction: config.isProduction, publicUrl, webhookRules };
    const server = {
      ...{ commands, feeds, logId, clientTokens, administration },
      replayDelivery: createReplay(commands),
    };
    const transport = await keep(openWebhookTransport(webhookRules), (opened) => opened.close());
    const outgoing = createOutgoing({
      ...{ ...held, masterKeys, send: transport.send, chance: Math.random },
      render: createEventRenderer(server, schema),
    });
    const { yoga, answerPlainPost } = createGraphqlServer({
      ...{ ...server, schema },
      openEventStream: (subscription) => openEventStream(subscription, timeLimits),
      ...{
        authenticate: authentication.authenticate,
        hasIntrospection: config.hasIntrospection,
        trustedDocuments: withDocuments(config.trustedDocuments, pages.documents),
      },
      operationLimits: { ...limits, limits: config.limits },
      graphiql: config.hasGraphiql
        ? {
            tabs: graphiqlTabs(`${publicUrl}${returnPath}`, sandbox === null ? null : `${sandbox.process.url}/cashier`),
            token: pagesToken,
          }
        : null,
    });
    const telemetry = await keep(
      openTelemetry(
        config.telemetry,
        gaugesOf({ database, feeds, clock, operations: limits.operations }),
        openCollection(),
        log,
      ),
      (opened) => opened.close(),
    );
    // Opened before clients can subscribe: events that other nodes commit from now on reach subscribers even if their notification is lost.
    const tail = await openTailWatch({ pool: database.follows, notifier: local });
    const intake = createCallbackIntake(commands);
    const webhooks = createWebhookEntrance({
      ...{ intake, accounts, log, failpoint, addressOf, lane: createCallbackLane(limits.rates.refusedCallbacks) },
      now: () => clock.now(),
    });
    const origins = createOrigins({
      ...{ own: new URL(publicUrl).origin, isProduction: config.isProduction, isLoopback },
      isListed: (origin) => isWebOriginListed(database.pool, origin),
    });
    const sockets = serveWebSocket({
      ...{ getEnveloped: (initial) => yoga.getEnveloped(initial as never) as never, log },
      ...{ authenticate: authentication.authenticate, mayCallFrom, foreignOriginOf: origins.foreignOf },
      ...{ addressOf, principalOf, limits: timeLimits },
      ...{ operations: limits.operations, operationsPerSocket: config.limits.operationsPerSocket },
      admission: createSocketAdmission({
        limits: config.limits,
        isExempt: (address) => !config.isProduction && isLoopback(address),
      }),
    });
    await keep(webhooks, async () => webhooks.logCounted('now'));
    await keep(intake, () => intake.idle());
    await keep(sockets, () => sockets.close(drainMs));
    await keep(http, () => http.stopAccepting(drainMs));
    http.serve({
      log,
      hasGraphiql: config.hasGraphiql,
      home: pages.names.includes('dashboard') ? '/dashboard' : config.hasGraphiql ? '/graphql' : null,
      pages,
      returnPage: config.isProduction
        ? null
        : createReturnPage({ ask: pagesToken === null ? null : queryAs(yoga, pagesToken), isLoopback }),
      shopSessions: config.isProduction
        ? null
        : createShopSessions({ open: openDemoShop(commands, { merchant, masterKeys, token: pagesToken }), isLoopback }),
      ready: createReadiness(createPendingCheck(database.pool), log),
      webSocket: sockets.open,
      operations: limits.operations,
      graphql: (request, response, requestId) => {
        const context = {
          requestId,
          authorization: request.headers.authorization ?? null,
          ...{ origin: origins.foreignOf(request), address: addressOf(request), socket: null },
          lastEventId: lastEventIdOf(request),
        };
        const answer = parts.hasShortWay === false ? null : answerPlainPost(request, context);
        return answer ?? yoga.handleNodeRequestAndResponse(request, response, context);
      },
      origins,
      webhooks,
      exports: createExports(
        createExportReader(server, authentication.authenticate, { rates: limits.rates, places: createQuota() }),
        addressOf,
      ),
    });
    signal.throwIfAborted();
    return {
      log,
      metricsUrl: telemetry.metricsUrl,
      stopAccepting: async () => {
        await Promise.all([http.stopAccepting(drainMs), sockets.close(drainMs)]);
      },
      ...{ url, database, token, close, sandboxUrl: sandbox?.process.url ?? null, idle: intake.idle },
      hasMerchant: merchant !== null,
      pages: pages.names,
      away: environment.away.map(({ name }) => name),
      storedAccounts: stored,
      lanes: [
        ...openLanes(commands),
        createLane(
          'outgoing webhooks',
          endpointsMax,
          outgoing.claim,
          async (claimed) => void (await outgoing.work(claimed)),
        ),
      ],
      rounds: {
        sweep: () => sweep(commands),
        applyDeliveries: () => applyDueDeliveries(commands),
        checkPayments: () => checkDuePayments(commands),
        expireOrders: () => expireDueOrders(commands),
        sendWebhooks: () => outgoing.runOnce(),
        watchTail: () => tail.runOnce(),
        endRevoked: () => authentication.endRevoked(),
        refreshAccounts: () => accounts.refresh(),
        retryProviders: async () => {
          if (environment.away.length > 0) {
            await environment.retry();
            if (environment.away.length === 0) await reportUnconfigured(commands);
          }
          for (const provider of environment.open) await adoption.round(provider);
        },
        tellRefusals: async () => webhooks.logCounted(),
        foldSales: () => foldSales(database.pool),
        prune: () => pruneBatch(database, config, clock.now()),
        maintain: async () => {
          await dropOldPaymentAddresses(database.pool, clock.now());
          return database.maintain();
        },
      },
    };
  } catch (error) {
    failed.abort(error);
    await close().catch((cause: unknown) =>
      log.error({ err: cause }, 'the resources of a failed start could not be closed'),
    );
    throw error;
  }
}

/**
 * True when only this machine can connect, so that GraphiQL and the return page may use the token. The caller also
 * requires a local public URL: another one means that a proxy forwards requests of other machines, whatever `Host`
 * header it sends.
 */
function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** The documents of our own pages are trusted where only trusted documents are. */
function withDocuments(trusted: Config['trustedDocuments'], documents: readonly string[]): Config['trustedDocuments'] {
  return trusted === null
    ? null
    : new Map([...trusted, ...documents.map((text) => [documentHashOf(text), text] as const)]);
}

/** Sends operations to the API with this token, like a client. */
function queryAs(yoga: GraphqlServer['yoga'], token: string) {
  return async (query: string, variables: object, requestId: string): Promise<unknown> => {
    const body = JSON.stringify({ query, variables });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    const response = await yoga.fetch('http://localhost/graphql', init, {
      requestId,
      authorization: `Bearer ${token}`,
      ...{ origin: null, address: '127.0.0.1', socket: null, lastEventId: null },
    });
    return response.json();
  };
}
