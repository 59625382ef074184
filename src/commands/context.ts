import type { Database, Tx } from '../database/database.ts';
import type { Clock } from '../domain/clock.ts';
import { InvalidInputError, NotFoundError } from '../domain/errors.ts';
import type { PassFailpoint, Step } from '../domain/failpoint.ts';
import type { Log } from '../domain/log.ts';
import type { OrderChange } from '../domain/order-change.ts';
import type { Payment, PaymentMethod, ProviderName } from '../domain/payment.ts';
import { MisconfiguredError, type PaymentProvider } from '../providers/provider.ts';
import { changeOrder } from '../store/order-store.ts';

/** What every command is handed. */
export type CommandContext = {
  readonly db: Database;
  readonly clock: Clock;
  readonly providers: readonly PaymentProvider[];
  readonly wakes: { wake(wake: { readonly merchantId: string; readonly orderId: string }): void };
  readonly log: Log;
  /** Passed at every step, so that tests can make the process die there. */
  readonly failpoint: PassFailpoint;
};

/** For whom a command acts, as the entrance has made sure. */
export type Actor = { readonly merchantId: string; readonly returnOrigins: readonly string[] };

/**
 * Changes one order in a transaction of its own and wakes subscribers once it has committed.
 * @throws {NotFoundError} when there is no such order.
 */
export async function changeAndWake<T>(
  context: CommandContext,
  step: Step,
  orderId: string,
  decide: (change: OrderChange, tx: Tx) => T | Promise<T>,
): Promise<T> {
  const { db, clock, wakes, failpoint, log } = context;
  const changed = await db.transaction(async (tx) => {
    const changed = await changeOrder(tx, clock, orderId, (change) => decide(change, tx));
    await failpoint(`${step}.uncommitted`);
    return changed;
  });
  if (changed === null) throw new NotFoundError('There is no such order.');
  await failpoint(`${step}.committed`);
  if (changed.wake !== null) wakes.wake(changed.wake);
  for (const { type, changes } of changed.events) {
    // For whoever has nothing but the logs: the same as the event, once it is so.
    if (type === 'ORDER_REVIEW_NEEDED') {
      log.warn({ orderId, reasons: changes.order?.reviewReasons, note: changes.note }, 'an order needs a person');
    }
  }
  return changed.result;
}

/** @throws {InvalidInputError} on `amountMinor` when the payment's provider cannot move this amount. */
export function checkAmount(context: CommandContext, payment: Payment, amountMinor: bigint): void {
  const refusal = providerOf(context, payment).refusalOfPart({ ...payment, amountMinor });
  if (refusal !== null) throw new InvalidInputError([{ path: 'amountMinor', message: refusal }]);
}

export function providerByMethod({ providers }: CommandContext, method: PaymentMethod): PaymentProvider | null {
  return providers.find((provider) => provider.method === method) ?? null;
}

/**
 * The provider, and the account there, that a payment or a callback is of.
 * @throws {Error} when it is not configured any more: an operator's mistake, or a sandbox that was left for the real thing.
 */
export function providerOf(
  { providers }: CommandContext,
  { provider: name, providerAccount: account }: { readonly provider: ProviderName; readonly providerAccount: string },
): PaymentProvider {
  const provider = providers.find((candidate) => candidate.name === name && candidate.account === account);
  if (provider === undefined)
    throw new Error(`${name} (${account}) is not configured, but payments of it are under way.`);
  return provider;
}

/** Takes note of a call that brought no answer, or a refusal: of every day, or of a mistake in the configuration that somebody must mend. */
export function logProviderError({ log }: CommandContext, error: Error, names: object, message: string): void {
  log[error instanceof MisconfiguredError ? 'error' : 'warn']({ err: error, ...names }, message);
}
