import { masterKeyMissing } from '../accounts/account-settings.ts';
import { SealBrokenError, type Sealed, type SealedRow, seal, sealedAccount, unseal } from '../accounts/sealing.ts';
import { sealedEndpoint } from '../accounts/webhook-secrets.ts';
import { resealBatch } from '../store/provider-account-store.ts';
import { resealSigningKeys } from '../store/signing-key-store.ts';
import { resealWebhookEndpoints } from '../store/webhook-endpoint-store.ts';
import { type AccountParts, refused } from './provider-account-input.ts';
import { sealedRowOf } from './signing-key-secret.ts';

/** The number of rows that one transaction encrypts again. */
const batchSize = 20;

export type Rotation = {
  /** The id of the key that encrypts the secrets now. */
  readonly keyId: string;
  readonly rotated: number;
  /** A sentence for each row that could not be decrypted. */
  readonly problems: readonly string[];
};

/**
 * Encrypts the secrets of all provider accounts, signing keys and webhook endpoints with the current master key. Safe while servers run, as
 * long as all of them have both keys, and safe to repeat: it goes on where it was interrupted.
 *
 * @throws {InvalidInputError} when there is no master key.
 */
export async function rotateMasterKey({ db, masterKeys }: Pick<AccountParts, 'db' | 'masterKeys'>): Promise<Rotation> {
  if (masterKeys === null) throw refused([masterKeyMissing]);
  const { id: keyId } = masterKeys.current;
  const problems: string[] = [];
  let rotated = 0;
  const encrypt = (row: SealedRow, sealed: Sealed): Buffer | null => {
    try {
      const { secrets } = seal(row, unseal(row, sealed, masterKeys), masterKeys.current);
      rotated += 1;
      return secrets;
    } catch (error) {
      if (!(error instanceof SealBrokenError)) throw error;
      problems.push(error.message);
      return null;
    }
  };
  await inBatches((after) =>
    resealBatch(db, { keyId, after, limit: batchSize }, (account) => encrypt(sealedAccount(account), account)),
  );
  await inBatches((after) =>
    resealSigningKeys(db, { keyId, after, limit: batchSize }, (key) => {
      const { secret, keyId: sealedBy } = key;
      return secret === null || sealedBy === null
        ? null
        : encrypt(sealedRowOf(key), { secrets: secret, keyId: sealedBy });
    }),
  );
  await inBatches((after) =>
    resealWebhookEndpoints(db, { keyId, after, limit: batchSize }, (endpoint) =>
      encrypt(sealedEndpoint(endpoint), endpoint),
    ),
  );
  return { keyId, rotated, problems };
}

/** Runs batches until one is not full. A batch begins after an id, and returns its ids. */
async function inBatches(runBatch: (after: string) => Promise<readonly string[]>): Promise<void> {
  let after = '';
  for (;;) {
    const ids = await runBatch(after);
    after = ids.at(-1) ?? after;
    if (ids.length < batchSize) return;
  }
}
