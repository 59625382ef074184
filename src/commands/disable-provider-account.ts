import { NotFoundError } from '../domain/errors.ts';
import { disableProviderAccount as disable, type StoredAccount } from '../store/provider-account-store.ts';
import type { AccountParts } from './provider-account-input.ts';
import { noSuchAccount } from './update-provider-account.ts';

/**
 * Disables an account: no payment starts there any more, on no node. Its payments go on: callbacks, queries, captures
 * and refunds. Repeating it has no effect.
 *
 * @throws {NotFoundError} when there is no such account.
 */
export async function disableProviderAccount(
  { db, clock }: Pick<AccountParts, 'db' | 'clock'>,
  id: string,
): Promise<StoredAccount> {
  const account = await disable(db, id, clock.now());
  if (account === null) throw new NotFoundError(noSuchAccount);
  return account;
}
