import { isProviderError, type PaymentProvider, RejectedError } from '../providers/provider.ts';
import {
  type NamedPayment,
  type RenamedAccount,
  renameDeliveries,
  renamePayments,
  sampleFormerPayments,
} from '../store/former-account-store.ts';
import { loadOrder } from '../store/order-store.ts';
import type { CommandContext } from './context.ts';
import { callDeadlineMs, paymentOrderOf } from './payment-order.ts';

/** How many payments are asked about at once. */
const sampleSize = 10;
/** How often what is left is looked at again: an account's payments may end anywhere among those of another. */
const roundsMax = 10;

/**
 * Gives an account its name of today in what earlier versions recorded under another, which several accounts may have shared. The payments
 * prove whose they are: the provider knows them by this account's key. From the newest payment back to the last one that is known they are
 * this account's; what comes before is looked at again. The rest stays under the former name, where nothing is asked or made for it.
 *
 * Nothing happens to a payment by it, so it makes no event. Safe to repeat, and on several nodes at once.
 */
export async function adoptFormerAccounts(context: CommandContext, provider: PaymentProvider): Promise<void> {
  const { name, account, formerAccounts } = provider;
  for (const former of formerAccounts) await adopt(context, provider, { provider: name, former, account });
}

async function adopt(context: CommandContext, provider: PaymentProvider, renamed: RenamedAccount): Promise<void> {
  const { db, log } = context;
  for (let round = 0; round < roundsMax; round += 1) {
    const sample = await sampleFormerPayments(db.pool, renamed, sampleSize);
    if (sample.length === 0) return;
    let known: readonly boolean[];
    try {
      known = await Promise.all(sample.map((payment) => isKnown(context, provider, payment)));
    } catch (error) {
      if (!isProviderError(error)) throw error;
      log.warn({ err: error, ...renamed }, 'whose the payments of a former account name are could not be asked');
      return;
    }
    const firstUnknown = known.indexOf(false);
    const last = sample[firstUnknown - 1];
    if (firstUnknown === 0) return;
    const since = firstUnknown === -1 || last === undefined ? null : last.createdAt;
    await rename(context, renamed, since);
    log.info({ ...renamed, since }, 'payments of a former account name were proven to be of this account');
    if (since === null) return;
  }
}

/** @throws {OutcomeUnknownError | NotExecutedError} when the provider does not say. */
async function isKnown(
  { db }: CommandContext,
  provider: PaymentProvider,
  { id, orderId }: NamedPayment,
): Promise<boolean> {
  const held = await loadOrder(db.pool, orderId);
  const payment = held?.payments.find((candidate) => candidate.id === id);
  if (held === null || payment === undefined) return false;
  try {
    const signal = AbortSignal.timeout(callDeadlineMs);
    const { kind } = await provider.queryPayment(paymentOrderOf(held, payment), signal);
    return kind === 'report';
  } catch (error) {
    if (error instanceof RejectedError) return false;
    throw error;
  }
}

async function rename({ db }: CommandContext, renamed: RenamedAccount, since: Date | null): Promise<void> {
  while ((await db.transaction((tx) => renamePayments(tx, renamed, since))) > 0);
  while ((await db.transaction((tx) => renameDeliveries(tx, renamed, since))) > 0);
}
