import { type Options, readOptions, UsageError, usage } from './cli/options.ts';
import { tableOfKeys, tableOfMerchants, textOfNewKey, textOfNewMerchant, textOfRevokedKey } from './cli/text.ts';
import { createApiKey } from './commands/create-api-key.ts';
import { createMerchant } from './commands/create-merchant.ts';
import { readConfig } from './config.ts';
import { type Database, openDatabase } from './database/database.ts';
import { systemClock } from './domain/clock.ts';
import { InvalidInputError } from './domain/errors.ts';
import { listApiKeys, revokeApiKey } from './store/api-key-store.ts';
import { listMerchants } from './store/merchant-store.ts';

const exitCodes = { done: 0, failed: 1 } as const;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === null) {
    console.log(usage);
    return;
  }
  const config = readConfig();
  const database = await openDatabase({ ...config, migrate: config.migrateOnStart });
  try {
    console.log(await run(database, options, config.isProduction));
  } finally {
    await database.close();
  }
}

async function run(db: Database, options: Options, isProduction: boolean): Promise<string> {
  const parts = { db, clock: systemClock };
  switch (options.command) {
    case 'merchant add': {
      const isFirst = (await listMerchants(db.pool)).length === 0;
      return textOfNewMerchant(await createMerchant(parts, options, isProduction), isFirst);
    }
    case 'merchant list':
      return tableOfMerchants(await listMerchants(db.pool));
    case 'key add': {
      const merchantId = await merchantOf(db, options.merchantId);
      return textOfNewKey(
        await createApiKey(parts, { merchantId, name: options.name }, isProduction ? 'live' : 'test'),
      );
    }
    case 'key list':
      return tableOfKeys(await listApiKeys(db.pool, await merchantOf(db, options.merchantId)));
    case 'key revoke': {
      const revoked = await revokeApiKey(db.pool, options.keyId, systemClock.now());
      if (revoked === null)
        throw new UsageError(`There is no API key ${options.keyId}. See: npm run paystream -- key list`);
      return textOfRevokedKey(revoked);
    }
  }
}

/** The named merchant, or the only one. */
async function merchantOf(db: Database, merchantId: string | null): Promise<string> {
  const merchants = await listMerchants(db.pool);
  if (merchantId !== null) {
    if (merchants.some(({ id }) => id === merchantId)) return merchantId;
    throw new UsageError(`There is no merchant ${merchantId}. See: npm run paystream -- merchant list`);
  }
  const [only, ...others] = merchants;
  if (only === undefined) throw new UsageError('There is no merchant yet: create one with merchant add.');
  if (others.length > 0) throw new UsageError('There are several merchants: name one with --merchant.');
  return only.id;
}

function sentenceOf(error: unknown): string {
  if (error instanceof InvalidInputError)
    return error.issues.map(({ path, message }) => `${path}: ${message}`).join('\n');
  return error instanceof Error ? error.message : String(error);
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
