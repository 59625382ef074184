import { settingsOfStored } from '../accounts/account-settings.ts';
import { openStoredAccount } from '../accounts/open-accounts.ts';
import { NotFoundError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import { withoutSecrets } from '../logging/secrets.ts';
import { withinCallDeadline } from '../provider-calls/requests.ts';
import { isProviderError, type PaymentOrder } from '../providers/provider.ts';
import { findProviderAccount, type StoredAccount } from '../store/provider-account-store.ts';
import type { AccountParts } from './provider-account-input.ts';
import { noSuchAccount } from './update-provider-account.ts';

/** `problem` is a sentence for the operator; null when the provider accepts the key. */
export type AccountTest = { readonly account: StoredAccount; readonly problem: string | null };

/**
 * Queries the provider of an account for a payment that does not exist. This creates nothing, and shows whether the
 * provider can be reached, accepts our key, and is the one whose key we have.
 *
 * @throws {NotFoundError} when there is no such account.
 */
export async function testProviderAccount(
  parts: AccountParts & { readonly publicUrl: string },
  id: string,
): Promise<AccountTest> {
  const { db, clock, log, masterKeys } = parts;
  const account = await findProviderAccount(db.pool, id);
  if (account === null) throw new NotFoundError(noSuchAccount);
  try {
    const { setup } = settingsOfStored(account, masterKeys, parts);
    const name = await setup.findAccount(log);
    if (name !== account.account) {
      return { account, problem: `The key belongs to the account ${name}, and ${id} is ${account.account}.` };
    }
    const provider = await openStoredAccount(parts, account);
    await withinCallDeadline((signal) => provider.queryPayment(nonexistentPayment(clock.now()), signal));
    return { account, problem: null };
  } catch (error) {
    return { account, problem: sentenceOf(error) };
  }
}

function nonexistentPayment(createdAt: Date): PaymentOrder {
  return {
    ...{ paymentId: newId('payment'), orderNumber: 'test', flow: 'QR_CODE', captureMode: 'AUTOMATIC' },
    ...{ amountMinor: 100n, currency: 'CNY', createdAt, expiresAt: createdAt, description: null, returnUrl: null },
    ...{ openId: null, buyerIp: null, providerPaymentId: null, providerReference: null },
  };
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const because = isProviderError(error) && error.cause instanceof Error ? ` ${error.cause.message}` : '';
  return withoutSecrets(`${error.message}${because}`);
}
