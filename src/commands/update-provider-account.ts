import { masterKeyMissing } from '../accounts/account-settings.ts';
import { seal, sealedAccount } from '../accounts/sealing.ts';
import { NotFoundError } from '../domain/errors.ts';
import { changeProviderAccount, findProviderAccount, type StoredAccount } from '../store/provider-account-store.ts';
import type { ChangedAccount, NewProviderAccount } from './add-provider-account.ts';
import { type AccountParts, checkVariables, findAccountName, refused } from './provider-account-input.ts';

export const noSuchAccount = 'There is no such provider account.';

/**
 * Replaces all variables of an account, such as after a key was rolled, and enables it if it was disabled. Every node
 * uses the new ones within a second.
 *
 * @throws {InvalidInputError} with all violations, or when the variables belong to another account.
 * @throws {NotFoundError} @throws {ProviderUnavailableError} when the provider does not answer whose key it is.
 */
export async function updateProviderAccount(
  parts: AccountParts,
  id: string,
  { variables, allowsTest }: Pick<NewProviderAccount, 'variables' | 'allowsTest'>,
): Promise<ChangedAccount> {
  const { db, clock, masterKeys } = parts;
  const held = await findProviderAccount(db.pool, id);
  if (held === null) throw new NotFoundError(noSuchAccount);
  const { setup, settings, secrets, isCalledFromInternet } = checkVariables(
    parts,
    held.provider,
    variables,
    allowsTest,
  );
  if (masterKeys === null) throw refused([masterKeyMissing]);
  const { account: name } = await findAccountName(parts, setup);
  if (name !== held.account) {
    throw refused([
      `These variables belong to the account ${name}, and ${id} is ${held.account}: add it as another account.`,
    ]);
  }
  const change = { settings, ...seal(sealedAccount(held), secrets, masterKeys.current), allowsTest };
  const account: StoredAccount | null = await changeProviderAccount(db, id, change, clock.now());
  if (account === null) throw new NotFoundError(noSuchAccount);
  return { account, isCalledFromInternet };
}
