import { type Options, readOptions, UsageError, usage } from './administration/options.ts';
import { runCommand, sentenceOf } from './administration/run-command.ts';
import { type Config, readConfig } from './config.ts';
import { openDatabase } from './database/database.ts';
import { systemClock } from './domain/clock.ts';

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
  // The server migrates. A command of a newer version must not change the database of a running server.
  const database = await openDatabase({ ...config, migrate: false });
  console.error(placeOf(config));
  try {
    return await runCommand({ db: database, clock: systemClock }, options, config.isProduction);
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
    console.error(sentenceOf(error));
    if (error instanceof UsageError) console.error(`\n${usage}`);
    process.exitCode = exitCodes.failed;
  },
);
