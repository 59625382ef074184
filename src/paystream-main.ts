import { developmentMasterKeys } from './accounts/master-key.ts';
import {
  tableOfAccounts,
  textOfAccount,
  textOfDisabled,
  textOfRotation,
  textOfTest,
} from './administration/account-text.ts';
import { type Options, readOptions, UsageError, usage } from './administration/options.ts';
import {
  tableOfKeys,
  tableOfMerchants,
  textOfMerchant,
  textOfNewKey,
  textOfNewMerchant,
  textOfRevokedKey,
} from './administration/text.ts';
import { readVariablesFile } from './administration/variables-file.ts';
import { addProviderAccount } from './commands/add-provider-account.ts';
import { createApiKey } from './commands/create-api-key.ts';
import { createMerchant } from './commands/create-merchant.ts';
import { disableProviderAccount } from './commands/disable-provider-account.ts';
import { revokeApiKey } from './commands/revoke-api-key.ts';
import { rotateMasterKey } from './commands/rotate-master-key.ts';
import { testProviderAccount } from './commands/test-provider-account.ts';
import { updateMerchant } from './commands/update-merchant.ts';
import { updateProviderAccount } from './commands/update-provider-account.ts';
import { type Config, readConfig } from './config.ts';
import { type Database, openDatabase } from './database/database.ts';
import { developmentKeys } from './development-keys.ts';
import { systemClock } from './domain/clock.ts';
import { InvalidInputError, NotFoundError } from './domain/errors.ts';
import { createLogger } from './logging/logger.ts';
import { listApiKeys } from './store/api-key-store.ts';
import { listMerchants } from './store/merchant-store.ts';
import { listProviderAccounts } from './store/provider-account-store.ts';

const exitCodes = { done: 0, failed: 1 } as const;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === null) {
    console.log(usage);
    return;
  }
  const config = readConfig();
  // The server migrates. A command of a newer version must not change the database of a running server.
  const database = await openDatabase({ ...config, migrate: false });
  console.error(placeOf(config));
  try {
    console.log(await run(database, options, config));
  } finally {
    await database.close();
  }
}

async function run(db: Database, options: Options, config: Config): Promise<string> {
  const { isProduction, publicUrl } = config;
  const masterKeys =
    config.masterKeys ?? (isProduction ? null : developmentMasterKeys(developmentKeys(config.dataDir).apiKey));
  const parts = { db, clock: systemClock, log: createLogger('error'), masterKeys, isProduction };
  switch (options.command) {
    case 'merchant add': {
      return textOfNewMerchant(await createMerchant(parts, options, isProduction));
    }
    case 'merchant update':
      return textOfMerchant(await updateMerchant(parts, options.merchantId, options, isProduction));
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
    case 'key revoke':
      return textOfRevokedKey(await revokeApiKey(parts, options.keyId));
    case 'provider add': {
      const variables = readVariablesFile(options.file);
      const merchantId = await merchantOf(db, options.merchantId);
      return textOfAccount('Stored', await addProviderAccount(parts, { ...options, merchantId, variables }), publicUrl);
    }
    case 'provider update': {
      const change = { ...options, variables: readVariablesFile(options.file) };
      return textOfAccount('Updated', await updateProviderAccount(parts, options.accountId, change), publicUrl);
    }
    case 'provider list': {
      const merchantId = options.merchantId === null ? null : await merchantOf(db, options.merchantId);
      const ofEnvironment = config.providers.map(({ name, description }) => `${name} ${description}`);
      return tableOfAccounts(await listProviderAccounts(db.pool, merchantId), ofEnvironment);
    }
    case 'provider test': {
      const at = publicUrl ?? `http://${config.host}:${config.port}`;
      const tested = await testProviderAccount({ ...parts, publicUrl: at }, options.accountId);
      if (tested.problem !== null) throw new Error(textOfTest(tested));
      return textOfTest(tested);
    }
    case 'provider disable':
      return textOfDisabled(await disableProviderAccount(parts, options.accountId));
    case 'master-key rotate': {
      const rotation = await rotateMasterKey(parts);
      if (rotation.problems.length > 0) throw new Error(textOfRotation(rotation));
      return textOfRotation(rotation);
    }
  }
}

/** Says which database is changed, because a missing DATABASE_URL means the embedded one. */
function placeOf({ databaseUrl, dataDir }: Config): string {
  return databaseUrl === null ? `Database: embedded, in ${dataDir}` : 'Database: PostgreSQL from DATABASE_URL';
}

/** The named merchant, or the only one. */
async function merchantOf(db: Database, merchantId: string | null): Promise<string> {
  const merchants = await listMerchants(db.pool);
  if (merchantId !== null) {
    if (merchants.some(({ id }) => id === merchantId)) return merchantId;
    throw new NotFoundError('There is no such merchant. See: npm run paystream -- merchant list');
  }
  const [only, ...others] = merchants;
  if (only === undefined) throw new NotFoundError('There is no merchant yet: create one with merchant add.');
  if (others.length > 0) throw new NotFoundError('There are several merchants: name one with --merchant.');
  return only.id;
}

function sentenceOf(error: unknown): string {
  if (error instanceof InvalidInputError) {
    // The sentences about variables begin with their names.
    return error.issues.map(({ path, message }) => (path === 'variables' ? message : `${path}: ${message}`)).join('\n');
  }
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
