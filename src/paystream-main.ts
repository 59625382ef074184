import { developmentMasterKeys } from './accounts/master-key.ts';
import { type Options, readOptions, UsageError, usage } from './administration/options.ts';
import { runCommand, sentenceOf } from './administration/run-command.ts';
import { type Config, readConfig } from './config.ts';
import { openDatabase } from './database/database.ts';
import { developmentKeys } from './development-keys.ts';
import { systemClock } from './domain/clock.ts';
import { createLogger } from './logging/logger.ts';

const exitCodes = { done: 0, failed: 1 } as const;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === null) {
    console.log(usage);
    return;
  }
  console.log(await runOn(readConfig(), options));
}

async function runOn(config: Config, options: Options): Promise<string> {
  const { isProduction, publicUrl, host, port } = config;
  // The server migrates. A command of a newer version must not change the database of a running server.
  const database = await openDatabase({ ...config, migrate: false });
  console.error(placeOf(config));
  try {
    const parts = {
      ...{ db: database, clock: systemClock, log: createLogger('error'), isProduction, publicUrl },
      masterKeys:
        config.masterKeys ?? (isProduction ? null : developmentMasterKeys(developmentKeys(config.dataDir).apiKey)),
      webhookRules: { isProduction, allowsLoopback: config.allowsWebhookLoopback },
      localUrl: `http://${host}:${port}`,
      ofEnvironment: config.providers.map(({ name, description }) => `${name} ${description}`),
    };
    return await runCommand(parts, options);
  } finally {
    await database.close();
  }
}

/** Says which database is changed, because a missing DATABASE_URL means the embedded one. */
function placeOf({ databaseUrl, dataDir }: Config): string {
  return databaseUrl === null ? `Database: embedded, in ${dataDir}` : 'Database: PostgreSQL from DATABASE_URL';
}

main().then(
  () => {
    process.exitCode = exitCodes.done;
  },
  (error: unknown) => {
    // The sentence comes last: the usage is longer than a terminal.
    if (error instanceof UsageError) console.error(`${usage}\n`);
    console.error(sentenceOf(error));
    process.exitCode = exitCodes.failed;
  },
);
