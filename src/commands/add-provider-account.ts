import { masterKeyMissing } from '../accounts/account-settings.ts';
import { seal, sealedAccount } from '../accounts/sealing.ts';
import { NotFoundError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import { findMerchant } from '../store/merchant-store.ts';
import { hasForeignPayments, insertProviderAccount, type StoredAccount } from '../store/provider-account-store.ts';
import {
  type AccountParts,
  checkVariables,
  findAccountName,
  type GivenVariables,
  refused,
} from './provider-account-input.ts';

export type NewProviderAccount = {
  readonly merchantId: string;
  readonly provider: string;
  readonly variables: GivenVariables;
  /** Whether production accepts an account in which no money moves. */
  readonly allowsTest: boolean;
};

/** `isCalledFromInternet` is true when `PUBLIC_URL` must be reachable from the internet for the account's callbacks. */
export type ChangedAccount = { readonly account: StoredAccount; readonly isCalledFromInternet: boolean };

const belongsToAnother = 'This account belongs to another merchant, and an account belongs to one merchant.';

/**
 * Stores an account of a merchant at a provider, with its secrets encrypted. Every node uses it within a second.
 *
 * @throws {InvalidInputError} with all violations, or when the account is stored already.
 * @throws {NotFoundError} when there is no such merchant.
 * @throws {ProviderUnavailableError} when the provider does not answer whose key it is.
 */
export async function addProviderAccount(
  parts: AccountParts,
  { merchantId, provider: given, variables, allowsTest }: NewProviderAccount,
): Promise<ChangedAccount> {
  const { db, clock, masterKeys } = parts;
  const { setup, settings, secrets, isCalledFromInternet } = checkVariables(parts, given, variables, allowsTest);
  if (masterKeys === null) throw refused([masterKeyMissing]);
  if ((await findMerchant(db.pool, merchantId)) === null) throw new NotFoundError('There is no such merchant.');
  const { name: provider, account } = await findAccountName(parts, setup);
  const row = { id: newId('providerAccount'), merchantId, provider, account };
  if (await hasForeignPayments(db.pool, row)) throw refused([belongsToAnother]);
  const sealed = seal(sealedAccount(row), secrets, masterKeys.current);
  const held = await insertProviderAccount(db, { ...row, settings, ...sealed, allowsTest, createdAt: clock.now() });
  if (held.id === row.id) return { account: held, isCalledFromInternet };
  if (held.merchantId !== merchantId) throw refused([belongsToAnother]);
  throw refused([`This account is stored already, as ${held.id}. Update it, which also enables it.`]);
}
