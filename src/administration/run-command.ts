import { addProviderAccount } from '../commands/add-provider-account.ts';
import { createApiKey } from '../commands/create-api-key.ts';
import { createMerchant } from '../commands/create-merchant.ts';
import { createSigningKey } from '../commands/create-signing-key.ts';
import { disableProviderAccount } from '../commands/disable-provider-account.ts';
import { mintToken } from '../commands/mint-token.ts';
import type { AccountParts } from '../commands/provider-account-input.ts';
import { revokeApiKey } from '../commands/revoke-api-key.ts';
import { revokeSigningKey } from '../commands/revoke-signing-key.ts';
import { rotateMasterKey } from '../commands/rotate-master-key.ts';
import { testProviderAccount } from '../commands/test-provider-account.ts';
import { updateMerchant } from '../commands/update-merchant.ts';
import { updateProviderAccount } from '../commands/update-provider-account.ts';
import type { Database } from '../database/database.ts';
import { InvalidInputError, NotFoundError } from '../domain/errors.ts';
import type { DestinationRules } from '../outgoing/destination.ts';
import { listApiKeys } from '../store/api-key-store.ts';
import { listMerchants } from '../store/merchant-store.ts';
import { listProviderAccounts } from '../store/provider-account-store.ts';
import { listSigningKeys } from '../store/signing-key-store.ts';
import { tableOfAccounts, textOfAccount, textOfDisabled, textOfRotation, textOfTest } from './account-text.ts';
import type { Options } from './options.ts';
import { tableOfSigningKeys, textOfNewSigningKey, textOfRevokedSigningKey, textOfToken } from './signing-key-text.ts';
import {
  tableOfKeys,
  tableOfMerchants,
  textOfMerchant,
  textOfNewKey,
  textOfNewMerchant,
  textOfRevokedKey,
} from './text.ts';
import { readVariablesFile } from './variables-file.ts';
import { runWebhookCommand } from './webhook-commands.ts';

/** What the commands work with. */
export type CommandParts = AccountParts & {
  readonly webhookRules: DestinationRules;
  /** The URL that the internet reaches the server at; null when it is not set. */
  readonly publicUrl: string | null;
  /** The URL of a server on this machine. */
  readonly localUrl: string;
  /** The provider accounts of the environment, for people. */
  readonly ofEnvironment: readonly string[];
};

/**
 * Runs one command and returns the text for the operator.
 *
 * @throws {InvalidInputError} and {NotFoundError}; `sentenceOf` has their texts.
 */
export async function runCommand(parts: CommandParts, options: Options): Promise<string> {
  const { db, isProduction, publicUrl, localUrl, ofEnvironment } = parts;
  switch (options.command) {
    case 'merchant add': {
      // Outside production the sandbox stands in for providers that the environment does not configure.
      const hasEnvironmentAccounts = ofEnvironment.length > 0 || !isProduction;
      return textOfNewMerchant(await createMerchant(parts, options, isProduction), hasEnvironmentAccounts);
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
    case 'signing-key add': {
      const merchantId = await merchantOf(db, options.merchantId);
      return textOfNewSigningKey(await createSigningKey(parts, { merchantId, jwksUrl: options.jwksUrl }));
    }
    case 'signing-key list':
      return tableOfSigningKeys(await listSigningKeys(db.pool, await merchantOf(db, options.merchantId)));
    case 'signing-key revoke':
      return textOfRevokedSigningKey(await revokeSigningKey(parts, options.signingKeyId));
    case 'token mint':
      return textOfToken(await mintToken(parts, { ...options, merchantId: await merchantOf(db, options.merchantId) }));
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
      return tableOfAccounts(await listProviderAccounts(db.pool, merchantId), ofEnvironment);
    }
    case 'provider test': {
      const tested = await testProviderAccount({ ...parts, publicUrl: publicUrl ?? localUrl }, options.accountId);
      if (tested.problem !== null) throw new Error(textOfTest(tested));
      return textOfTest(tested);
    }
    case 'provider disable':
      return textOfDisabled(await disableProviderAccount(parts, options.accountId));
    case 'webhook add':
    case 'webhook update':
    case 'webhook list':
    case 'webhook log':
    case 'webhook pause':
    case 'webhook resume':
    case 'webhook remove':
    case 'webhook rotate-secret':
    case 'webhook resend':
    case 'webhook replay':
      return runWebhookCommand(parts, options, (id) => merchantOf(db, id));
    case 'master-key rotate': {
      const rotation = await rotateMasterKey(parts);
      if (rotation.problems.length > 0) throw new Error(textOfRotation(rotation));
      return textOfRotation(rotation);
    }
  }
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

/** The options that fill the fields of the commands' inputs. */
const optionOf: Readonly<Record<string, string>> = {
  ...{ name: '--name', returnOrigins: '--return-origin', webOrigins: '--web-origin', brandColor: '--brand-color' },
  ...{ jwksUrl: '--jwks-url', role: '--role', subject: '--subject', expiresInSeconds: '--expires-in' },
  ...{ url: '--url', eventTypes: '--event', description: '--description', keepPreviousSeconds: '--keep-previous' },
  ...{ after: '--after', until: '--until', since: '--since', before: '--before' },
};

/** The text of an error for the operator: one line for each invalid input. */
export function sentenceOf(error: unknown): string {
  if (error instanceof InvalidInputError) return error.issues.map(sentenceOfIssue).join('\n');
  return error instanceof Error ? error.message : String(error);
}

function sentenceOfIssue({ path, message }: InvalidInputError['issues'][number]): string {
  if (path === 'variables') return message; // the sentences about variables begin with their names
  const [field = ''] = path.split('.');
  return `${optionOf[field] ?? path}: ${message}`;
}
