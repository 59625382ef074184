import { createApiKey } from '../commands/create-api-key.ts';
import { createMerchant } from '../commands/create-merchant.ts';
import { revokeApiKey } from '../commands/revoke-api-key.ts';
import { updateMerchant } from '../commands/update-merchant.ts';
import type { Database } from '../database/database.ts';
import { InvalidInputError, NotFoundError } from '../domain/errors.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { listApiKeys } from '../store/api-key-store.ts';
import { listMerchants } from '../store/merchant-store.ts';
import type { Options } from './options.ts';
import {
  tableOfKeys,
  tableOfMerchants,
  textOfMerchant,
  textOfNewKey,
  textOfNewMerchant,
  textOfRevokedKey,
} from './text.ts';

/**
 * Runs one command and returns the text for the operator.
 *
 * @throws {InvalidInputError} and {NotFoundError}; `sentenceOf` has their texts.
 */
export async function runCommand(
  parts: Pick<CommandContext, 'db' | 'clock'>,
  options: Options,
  isProduction: boolean,
): Promise<string> {
  const { db } = parts;
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

/** The text of an error for the operator: one line for each invalid input. */
export function sentenceOf(error: unknown): string {
  if (error instanceof InvalidInputError)
    return error.issues.map(({ path, message }) => `${path}: ${message}`).join('\n');
  return error instanceof Error ? error.message : String(error);
}
