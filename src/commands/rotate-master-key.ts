import { masterKeyMissing } from '../accounts/account-settings.ts';
import { SealBrokenError, seal, unseal } from '../accounts/sealing.ts';
import { resealBatch, type StoredAccount } from '../store/provider-account-store.ts';
import { type AccountParts, refused } from './provider-account-input.ts';

/** The number of accounts that one transaction encrypts again. */
const batchSize = 20;

export type Rotation = {
  /** The id of the key that encrypts the accounts now. */
  readonly keyId: string;
  readonly rotated: number;
  /** A sentence for each account that could not be decrypted. */
  readonly problems: readonly string[];
};

/**
 * Encrypts the secrets of all accounts with the current master key. Safe while servers run, as long as all of them have
 * both keys, and safe to repeat: it goes on where it was interrupted.
 *
 * @throws {InvalidInputError} when there is no master key.
 */
export async function rotateMasterKey({ db, masterKeys }: Pick<AccountParts, 'db' | 'masterKeys'>): Promise<Rotation> {
  if (masterKeys === null) throw refused([masterKeyMissing]);
  const { id: keyId } = masterKeys.current;
  const problems: string[] = [];
  let rotated = 0;
  const encrypt = (account: StoredAccount): Buffer | null => {
    try {
      const { secrets } = seal(account, unseal(account, account, masterKeys), masterKeys.current);
      rotated += 1;
      return secrets;
    } catch (error) {
      if (!(error instanceof SealBrokenError)) throw error;
      problems.push(error.message);
      return null;
    }
  };
  let after = '';
  for (;;) {
    const batch = await resealBatch(db, { keyId, after, limit: batchSize }, encrypt);
    after = batch.at(-1) ?? after;
    if (batch.length < batchSize) return { keyId, rotated, problems };
  }
}
