import { InvalidInputError, ProviderUnavailableError } from '../domain/errors.ts';
import type { Payment, PaymentMethod, ProviderName } from '../domain/payment.ts';
import { MisconfiguredError, type PaymentProvider } from '../providers/provider.ts';
import { ownsEnvironmentAccounts } from '../store/merchant-store.ts';
import type { CommandContext } from './context.ts';

/**
 * @throws {InvalidInputError} on `amountMinor` when the payment's provider cannot move this amount.
 * @throws {ProviderUnavailableError} when the payment's account is not configured.
 */
export function checkAmount(context: CommandContext, payment: Payment, amountMinor: bigint): void {
  checkConfigured(context, payment);
  const refusal = providerOf(context, payment).refusalOfPart({ ...payment, amountMinor });
  if (refusal !== null) throw new InvalidInputError([{ path: 'amountMinor', message: refusal }]);
}

/**
 * The provider accounts that a merchant's new payments may use. The accounts of the environment belong to the oldest merchant, because their
 * money does.
 */
export async function accountsOf(
  { db, providers }: CommandContext,
  merchantId: string,
): Promise<readonly PaymentProvider[]> {
  return (await ownsEnvironmentAccounts(db, merchantId)) ? providers : [];
}

export function providerByMethod(
  { providers }: Pick<CommandContext, 'providers'>,
  method: PaymentMethod,
): PaymentProvider | null {
  return providers.find((provider) => provider.method === method) ?? null;
}

/** The provider, and the account there, that a payment or a callback is of. */
type OfAccount = { readonly provider: ProviderName; readonly providerAccount: string };

/** When a caller may ask again about an account that is not here: it takes an operator and a restart, or a provider that comes back. */
const accountRetryAfterMs = 60_000;

/**
 * Whether the account is configured here. One that is not was retired while payments of it were under way, or is a sandbox that was left for
 * the real thing: nobody can be asked about its payments until it is back.
 */
export function isConfigured({ providers }: Pick<CommandContext, 'providers'>, of: OfAccount): boolean {
  return providers.some(({ name, account }) => name === of.provider && account === of.providerAccount);
}

/**
 * Whether the account is a former name of one that is configured, and whose the payment is stands to be decided: see `createAdoption`.
 * Nobody can be asked about it yet, and it is not left behind either.
 */
export function isUndecided({ providers }: Pick<CommandContext, 'providers'>, of: OfAccount): boolean {
  return providers.some(
    ({ name, formerAccounts }) => name === of.provider && formerAccounts.includes(of.providerAccount),
  );
}

/** @throws {ProviderUnavailableError} when the account of the payment is not configured: nothing can be done with it at its provider. */
export function checkConfigured(context: Pick<CommandContext, 'providers'>, payment: OfAccount): void {
  if (isConfigured(context, payment)) return;
  throw new ProviderUnavailableError(
    accountRetryAfterMs,
    {},
    'The provider account that this payment belongs to is not configured or does not answer, so the provider cannot be asked. Nothing was done.',
  );
}

/** @throws {MisconfiguredError} when the account is not configured: the caller has not looked, and nothing was sent. */
export function providerOf({ providers }: CommandContext, of: OfAccount): PaymentProvider {
  const { provider: name, providerAccount: account } = of;
  const provider = providers.find((candidate) => candidate.name === name && candidate.account === account);
  if (provider !== undefined) return provider;
  throw new MisconfiguredError(`${name} (${account}) is not configured.`, accountRetryAfterMs);
}

/** Takes note of a call that brought no answer, or a refusal: of every day, or of a mistake in the configuration that somebody must mend. */
export function logProviderError({ log }: CommandContext, error: Error, names: object, message: string): void {
  log[error instanceof MisconfiguredError ? 'error' : 'warn']({ err: error, ...names }, message);
}
