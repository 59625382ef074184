import type { OfAccount } from '../accounts/provider-accounts.ts';
import { InvalidInputError, ProviderUnavailableError } from '../domain/errors.ts';
import type { Payment } from '../domain/payment.ts';
import { loggingTo } from '../providers/logged-provider.ts';
import { MisconfiguredError, type PaymentProvider } from '../providers/provider.ts';
import type { CommandContext } from './context.ts';

/**
 * Checks an amount to capture or refund against the limits of the payment's provider.
 *
 * @throws {InvalidInputError} on `amountMinor` when the provider cannot move this amount.
 * @throws {ProviderUnavailableError} when the payment's account is not configured.
 */
export function checkAmount(context: CommandContext, payment: Payment, amountMinor: bigint): void {
  checkConfigured(context, payment);
  const refusal = providerOf(context, payment).refusalOfPart({ ...payment, amountMinor });
  if (refusal !== null) throw new InvalidInputError([{ path: 'amountMinor', message: refusal }]);
}

/** An unconfigured account needs an operator, or a provider that answers again: callers may retry after this time. */
const accountRetryAfterMs = 60_000;

/**
 * Whether the account is configured and open in this process. If not, it was retired while payments were in progress,
 * or it is the account of a sandbox that real providers have replaced. Its payments cannot be queried until it is
 * configured again.
 */
export function isConfigured({ accounts }: Pick<CommandContext, 'accounts'>, of: OfAccount): boolean {
  return accounts.find(of) !== null;
}

/**
 * Whether the account is a former name of a configured one, so that the owner of the payment is not decided yet: see
 * `createAdoption`. Until then the payment cannot be queried, but it does not count as retired.
 */
export function isUndecided({ accounts }: Pick<CommandContext, 'accounts'>, of: OfAccount): boolean {
  return accounts.isFormer(of);
}

/** @throws {ProviderUnavailableError} when the payment's account is not configured, so that its provider cannot be called. */
export function checkConfigured(context: Pick<CommandContext, 'accounts'>, payment: OfAccount): void {
  if (isConfigured(context, payment)) return;
  throw new ProviderUnavailableError(
    accountRetryAfterMs,
    {},
    'The provider account of this payment is not configured or does not answer, so the provider cannot be called. Nothing was done.',
  );
}

/**
 * The provider of a payment. Its calls write their lines to the log of the context.
 *
 * @throws {MisconfiguredError} when the account is not configured and the caller did not check that. Nothing was sent.
 */
export function providerOf(context: CommandContext, of: OfAccount): PaymentProvider {
  const provider = context.accounts.find(of);
  if (provider !== null) return withLogOf(context, provider);
  throw new MisconfiguredError(`${of.provider} (${of.providerAccount}) is not configured.`, accountRetryAfterMs);
}

/** A provider whose calls write their lines to the log of the context. */
export function withLogOf({ log }: Pick<CommandContext, 'log'>, provider: PaymentProvider): PaymentProvider {
  return loggingTo(provider, log);
}

/**
 * Logs a provider call that was refused or not answered: as `error` when an operator must correct the configuration, otherwise as `warn`.
 */
export function logProviderError({ log }: CommandContext, error: Error, names: object, message: string): void {
  log[error instanceof MisconfiguredError ? 'error' : 'warn']({ err: error, ...names }, message);
}
