import type { CommandContext } from '../provider-calls/context.ts';
import { callDeadlineMs, paymentOrderOf } from '../provider-calls/requests.ts';
import { isProviderError, type PaymentProvider, RejectedError } from '../providers/provider.ts';
import {
  type FormerPayment,
  listFormerPayments,
  type RenamedAccount,
  renameDeliveries,
  renamePayments,
} from '../store/former-account-store.ts';
import { loadOrder } from '../store/order-store.ts';

/** How many payments one round asks about, and how many of them at once. */
const perRound = 200;
const atOnce = 8;

/** What was recorded under a former name and has proven to be another account's goes by the former name and this. */
const ofAnother = '.other';

export type Adoption = {
  /**
   * Asks about the next payments that earlier versions recorded under a former name of the provider's account, the newest first, and starts
   * again at the newest after the last: nodes of an earlier version may still be at work. Logs what fails, and goes on with the others.
   */
  round(provider: PaymentProvider): Promise<void>;
};

/**
 * Gives an account its name of today in what earlier versions recorded under another, which several accounts may have shared. Each payment
 * proves whose it is: the provider knows it by this account's key. Until that is decided nothing is asked or made for it, and what needs its
 * provider answers PROVIDER_UNAVAILABLE. What the provider does not know is another account's, and waits for that one.
 *
 * Nothing happens to a payment by it, so it makes no event. Safe to repeat, and on several nodes at once.
 */
export function createAdoption(context: Omit<CommandContext, 'providers'>): Adoption {
  /** Where the next round begins; null for the newest. */
  const places = new Map<string, FormerPayment | null>();
  /** Names that are read to their end once, because nothing is added to them while this process lives. */
  const done = new Set<string>();

  async function roundOf(provider: PaymentProvider, former: string): Promise<void> {
    const { name, account } = provider;
    const key = `${name} ${former}`;
    if (done.has(key)) return;
    const renamed = { provider: name, former, account };
    const payments = await listFormerPayments(context.db.pool, renamed, places.get(key) ?? null, perRound);
    let last: FormerPayment | null = null;
    for (let begin = 0; begin < payments.length; begin += atOnce) {
      const chunk = payments.slice(begin, begin + atOnce);
      const isAnswered = await adopt(context, provider, renamed, chunk);
      if (!isAnswered) break; // it does not answer at all: the next round begins with these
      last = chunk.at(-1) ?? null;
    }
    const isAtEnd = payments.length < perRound && last === (payments.at(-1) ?? null);
    places.set(key, isAtEnd ? null : last);
    if (isAtEnd && former.endsWith(ofAnother)) done.add(key);
    await renameCallbacks(context, renamed);
  }

  return {
    async round(provider) {
      for (const former of provider.formerAccounts) {
        await roundOf(provider, former + ofAnother);
        await roundOf(provider, former);
      }
    },
  };
}

/** False when the provider said nothing of any of them. */
async function adopt(
  context: Omit<CommandContext, 'providers'>,
  provider: PaymentProvider,
  renamed: RenamedAccount,
  payments: readonly FormerPayment[],
): Promise<boolean> {
  const answers = await Promise.all(payments.map((payment) => askWhose(context, provider, payment)));
  const those = (whose: Whose) => payments.filter((_, index) => answers[index] === whose).map(({ id }) => id);
  const [ours, others] = [those('ours'), those('another')];
  await renamePayments(context.db, renamed, ours, renamed.account);
  // One without a name at the provider may be on its way there.
  const decided = payments.filter(({ id, isNamed }) => isNamed && others.includes(id)).map(({ id }) => id);
  if (!renamed.former.endsWith(ofAnother)) {
    await renamePayments(context.db, renamed, decided, renamed.former + ofAnother);
  }
  if (ours.length > 0) {
    context.log.info(
      { ...renamed, payments: ours.length },
      'payments of a former account name were proven to be of this account',
    );
  }
  return answers.some((answer) => answer !== 'unknown') || payments.length === 0;
}

type Whose = 'ours' | 'another' | 'unknown';

async function askWhose(
  { db, log }: Omit<CommandContext, 'providers'>,
  provider: PaymentProvider,
  { id, orderId }: FormerPayment,
): Promise<Whose> {
  const held = await loadOrder(db.pool, orderId);
  const payment = held?.payments.find((candidate) => candidate.id === id);
  if (held === null || payment === undefined) return 'unknown';
  try {
    const signal = AbortSignal.timeout(callDeadlineMs);
    const { kind } = await provider.queryPayment(paymentOrderOf(held, payment), signal);
    return kind === 'report' ? 'ours' : 'another';
  } catch (error) {
    if (error instanceof RejectedError) return 'another';
    if (!isProviderError(error)) throw error;
    log.warn({ err: error, paymentId: id }, 'the account of a payment under a former name could not be confirmed');
    return 'unknown';
  }
}

async function renameCallbacks({ db }: Omit<CommandContext, 'providers'>, renamed: RenamedAccount): Promise<void> {
  while ((await db.transaction((tx) => renameDeliveries(tx, renamed))) > 0);
}
