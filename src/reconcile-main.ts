import { openStoredAccount } from './accounts/open-accounts.ts';
import { onlyAccounts } from './accounts/provider-accounts.ts';
import { type Config, readConfig, readProviders } from './config.ts';
import { type Database, openDatabase } from './database/database.ts';
import { startSandboxProcess } from './development.ts';
import { developmentKeys, keptSandboxUrl, sandboxEnvironment } from './development-keys.ts';
import { systemClock } from './domain/clock.ts';
import { passAll } from './domain/failpoint.ts';
import type { Log } from './domain/log.ts';
import { createLogger } from './logging/logger.ts';
import { logOfPiece } from './logging/request-log.ts';
import type { CommandContext } from './provider-calls/context.ts';
import { loggedProvider } from './providers/logged-provider.ts';
import { openProvider } from './providers/open-provider.ts';
import { isProviderError, type PaymentProvider, type ProviderSetup } from './providers/provider.ts';
import { webhookUrlOf } from './providers/webhook-url.ts';
import type { Doubt } from './reconciliation/finding.ts';
import { type JsonHead, type JsonReport, printJson, saveJson } from './reconciliation/json-report.ts';
import { type Options, readOptions, UsageError, usage } from './reconciliation/options.ts';
import { showProgress } from './reconciliation/progress.ts';
import { reconcile } from './reconciliation/reconcile.ts';
import { tableOf } from './reconciliation/table.ts';
import { createTally } from './reconciliation/tally.ts';
import { createLookups } from './store/lookups.ts';
import { createOrderWriter } from './store/order-writer.ts';
import { findProviderAccount } from './store/provider-account-store.ts';
import { createAdoption } from './worker/adopt-former-accounts.ts';

const exitCodes = { noDifferences: 0, failed: 1, differences: 2 } as const;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === null) {
    console.log(usage);
    return exitCodes.noDifferences;
  }
  const config = readConfig();
  // Opened first: if a running server uses the embedded database, that error is the one to print.
  const database = await openDatabase({ ...config, migrate: config.migrateOnStart });
  try {
    const parts = partsOf(config, database);
    const { account } = options;
    const { open, close } = await ('id' in account
      ? { open: () => openStored({ ...config, ...parts }, account.id), close: async () => {} }
      : openingOf(config, account.provider, parts.log));
    try {
      const provider = await open();
      const context = { ...parts, accounts: onlyAccounts(database, [provider]) };
      await createAdoption(context).round(provider);
      return await run(context, provider, options);
    } finally {
      await close();
    }
  } finally {
    await database.close();
  }
}

/**
 * This process has no subscribers. The subscribers of server nodes are notified when their node next checks the end of
 * the log, within a second.
 */
function partsOf({ logLevel }: Config, db: Database): Omit<CommandContext, 'accounts'> {
  const log = logOfPiece(createLogger(logLevel)); // a run is one piece of work
  const held = { db, clock: systemClock, failpoint: passAll };
  return {
    ...held,
    log,
    writer: createOrderWriter(held),
    lookups: createLookups(held.db),
    notifier: { notify: () => {} },
  };
}

async function run(context: CommandContext, provider: PaymentProvider, options: Options): Promise<number> {
  const { date, dryRun, askAboutAll, output, json } = options;
  const { name, account } = provider;
  const head = { provider: name, account, date, ...provider.billDay(date), dryRun };
  const tally = createTally();
  const reports: JsonReport[] = [];
  const progress = showProgress(process.stderr.isTTY === true, (text) => console.error(text));
  const stopping = stopOnSignals();
  try {
    if (output !== null) reports.push(await saveJson(output, head));
    if (json) reports.push(await printJson(process.stdout, head));
    const { lines, hasBill, doubt } = await reconcile(context, {
      ...{ provider, date, isDryRun: dryRun, isToAskAboutAll: askAboutAll, signal: stopping.signal },
      onMatched: (line) => tally.matched(line),
      tell: async (finding) => {
        tally.found(finding);
        for (const report of reports) await report.add(finding);
      },
      onProgress: (done, expected) => progress.update(done, expected, tally.differences()),
    });
    progress.stop();
    for (const report of reports) await report.finish(lines, tally);
    if (!json) console.log(tableOf({ ...head, lines }, tally));
    if (!hasBill)
      console.error(
        `The provider has no bill of ${date}, and the database has no money of that day either: nothing was traded.`,
      );
    if (doubt !== null) console.error(sentenceOnDoubt(doubt, head));
    return tally.differences() === 0 ? exitCodes.noDifferences : exitCodes.differences;
  } catch (error) {
    progress.stop();
    for (const report of reports) await report.abandon();
    throw error;
  } finally {
    stopping.end();
  }
}

function sentenceOnDoubt({ missing, listed }: Doubt, { provider, account, date }: JsonHead): string {
  return (
    `The bill lists ${listed} of our payments and refunds and lacks ${missing}. It is most likely not the bill of ` +
    `${provider} (${account}) on ${date}. The provider was not queried about the missing ones, and nothing was changed for them. If ` +
    'the account and the day are correct, run the command again with --ask-about-all.'
  );
}

/** Ctrl-C stops the run between two lines of the bill and removes its temporary files. Repairs that were made before stay. */
function stopOnSignals(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const stop = () => controller.abort(new Error('Stopped before the end. Run the command again to do the rest.'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  return { signal: controller.signal, end: () => process.off('SIGINT', stop).off('SIGTERM', stop) };
}

type Opening = { open(): Promise<PaymentProvider>; close(): Promise<void> };

async function openingOf(config: Config, provider: string, log: Log): Promise<Opening> {
  const { setups, close } = await configuredProviders(config);
  return { open: async () => loggedProvider(await openOne(config, setups, provider, log), log), close };
}

async function openStored(parts: Config & Omit<CommandContext, 'accounts'>, id: string): Promise<PaymentProvider> {
  const stored = await findProviderAccount(parts.db.pool, id);
  if (stored === null)
    throw new UsageError(`There is no provider account ${id}. See: npm run paystream -- provider list`);
  const { publicUrl, host, port } = parts;
  return openStoredAccount({ ...parts, publicUrl: publicUrl ?? `http://${host}:${port}` }, stored);
}

function openOne(
  { publicUrl, host, port }: Config,
  setups: readonly ProviderSetup[],
  provider: string,
  log: Log,
): Promise<PaymentProvider> {
  const setup = setups.find(({ name }) => name === provider);
  if (setup === undefined) {
    const names = setups.map(({ name }) => name.toLowerCase()).join(', ') || 'none';
    throw new UsageError(
      `${provider.toLowerCase()} is not configured. Configured: ${names}. Name a stored account with --account.`,
    );
  }
  const webhookUrl = webhookUrlOf(publicUrl ?? `http://${host}:${port}`, setup.name);
  return openProvider(setup, { webhookUrl, now: () => systemClock.now() }, log);
}

type Providers = { readonly setups: readonly ProviderSetup[]; close(): Promise<void> };

/** The configured providers. Without any, the sandbox of a running server, or a sandbox that is started here on the same ledger. */
async function configuredProviders({ providers, sandbox, dataDir, host, port }: Config): Promise<Providers> {
  if (sandbox === null) return { setups: providers, close: async () => {} };
  const keys = developmentKeys(dataDir);
  const setupsAt = (url: string) => {
    const environment = sandboxEnvironment(keys, url);
    return readProviders({ at: (name) => environment[name] ?? null, isProduction: false });
  };
  const running = keptSandboxUrl(dataDir);
  if (running !== null && (await answers(running))) return { setups: setupsAt(running), close: async () => {} };
  const stripeWebhookUrl = `http://${host}:${port}/webhooks/stripe`;
  const onEnd = () => console.error('The sandbox process has ended: no provider answers.');
  const own = await startSandboxProcess({ ...{ port: sandbox.port, dataDir, keys, stripeWebhookUrl, onEnd } });
  return { setups: setupsAt(own.url), close: () => own.close() };
}

async function answers(url: string): Promise<boolean> {
  try {
    const { ok } = await fetch(`${url}/control/ledger`);
    return ok;
  } catch {
    return false; // nobody listens there
  }
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const because = isProviderError(error) && error.cause instanceof Error ? ` ${error.cause.message}` : '';
  return `${error.message}${because}`;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(sentenceOf(error));
    if (error instanceof UsageError) console.error(`\n${usage}`);
    process.exitCode = exitCodes.failed;
  },
);
