import { NotFoundError } from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { listApiKeys } from '../store/api-key-store.ts';
import { findProviderAccount, type StoredAccount } from '../store/provider-account-store.ts';
import { listSigningKeys } from '../store/signing-key-store.ts';
import type { Actor } from './actor.ts';
import { noSuchAccount } from './update-provider-account.ts';

type Parts = Pick<CommandContext, 'db'>;

/** @throws {NotFoundError} when the caller's merchant has no such API key. */
export async function requireOwnApiKey({ db }: Parts, { merchantId }: Actor, id: string): Promise<void> {
  const keys = await listApiKeys(db.pool, merchantId);
  if (!keys.some((key) => key.id === id)) throw new NotFoundError('There is no such API key.');
}

/** @throws {NotFoundError} when the caller's merchant has no such signing key. */
export async function requireOwnSigningKey({ db }: Parts, { merchantId }: Actor, id: string): Promise<void> {
  const keys = await listSigningKeys(db.pool, merchantId);
  if (!keys.some((key) => key.id === id)) throw new NotFoundError('There is no such signing key.');
}

/** The account with this id. @throws {NotFoundError} when the caller's merchant has no such account. */
export async function findOwnAccount({ db }: Parts, { merchantId }: Actor, id: string): Promise<StoredAccount> {
  // Text that is no id may hold what the database refuses, such as a NUL.
  const account = isId('providerAccount', id) ? await findProviderAccount(db.pool, id) : null;
  if (account === null || account.merchantId !== merchantId) throw new NotFoundError(noSuchAccount);
  return account;
}
