import type { CommandContext } from '../provider-calls/context.ts';
import { paymentOrderOf, withinCallDeadline } from '../provider-calls/requests.ts';
import { isProviderError, type PaymentProvider, RejectedError } from '../providers/provider.ts';
import {
  type FormerPayment,
  listFormerPayments,
  type RenamedAccount,
  renameDeliveries,
  renamePayments,
} from '../store/former-account-store.ts';
import { loadOrder } from '../store/order-store.ts';

/** The number of payments that one round queries, and how many of them concurrently. */
const perRound = 200;
const atOnce = 8;

/** The suffix of the former account name for payments that turned out to belong to another account. */
const otherSuffix = '.other';

export type Adoption = {
  /**
   * Queries the next payments that earlier versions recorded under a former name of the provider's account, newest
   * first. After the last one it starts again at the newest, because nodes of an earlier version may still be running.
   * Logs failures and continues with the other payments.
   */
  round(provider: PaymentProvider): Promise<void>;
};

/**
 * Moves the payments and callbacks that earlier versions recorded under a former account name to the account's current
 * name. Several accounts may have shared the former name, so each payment is queried with this account's key. If the
 * provider has it, it belongs to this account. If not, it belongs to another account and waits for that one. Until this
 * is decided, no other provider call is made for the payment, and operations that need its provider fail with
 * PROVIDER_UNAVAILABLE.
 *
 * The state of a payment does not change, so no event is recorded. Safe to repeat, and to run on several nodes
 * concurrently.
 */
export function createAdoption(context: Omit<CommandContext, 'accounts'>): Adoption {
  /** The payment after which the next round begins; null to begin with the newest. The key is the provider and the former name. */
  const places = new Map<string, FormerPayment | null>();
  /** Former names that are processed completely. No payments are added to them while this process runs. */
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
      if (!isAnswered) break; // the provider does not answer: the next round begins with this chunk
      last = chunk.at(-1) ?? null;
    }
    const isAtEnd = payments.length < perRound && last === (payments.at(-1) ?? null);
    places.set(key, isAtEnd ? null : last);
    if (isAtEnd && former.endsWith(otherSuffix)) done.add(key);
    await renameCallbacks(context, renamed);
  }

  return {
    async round(provider) {
      for (const former of provider.formerAccounts) {
        await roundOf(provider, former + otherSuffix);
        await roundOf(provider, former);
      }
    },
  };
}

/** Queries some payments and renames those whose owner is decided. False when the provider answered no query. */
async function adopt(
  context: Omit<CommandContext, 'accounts'>,
  provider: PaymentProvider,
  renamed: RenamedAccount,
  payments: readonly FormerPayment[],
): Promise<boolean> {
  const answers = await Promise.all(payments.map((payment) => queryOwner(context, provider, payment)));
  const idsOf = (owner: Owner) => payments.filter((_, index) => answers[index] === owner).map(({ id }) => id);
  const [ours, others] = [idsOf('ours'), idsOf('another')];
  await renamePayments(context.db, renamed, ours, renamed.account);
  // A payment without a provider id may still be on its way to the provider, so it is not decided.
  const decided = payments.filter(({ id, isNamed }) => isNamed && others.includes(id)).map(({ id }) => id);
  if (!renamed.former.endsWith(otherSuffix)) {
    await renamePayments(context.db, renamed, decided, renamed.former + otherSuffix);
  }
  if (ours.length > 0) {
    context.log.info(
      { ...renamed, payments: ours.length },
      'payments under a former account name were confirmed to belong to this account',
    );
  }
  return answers.some((answer) => answer !== 'unknown') || payments.length === 0;
}

type Owner = 'ours' | 'another' | 'unknown';

async function queryOwner(
  { db, log }: Omit<CommandContext, 'accounts'>,
  provider: PaymentProvider,
  { id, orderId }: FormerPayment,
): Promise<Owner> {
  const held = await loadOrder(db.pool, orderId);
  const payment = held?.payments.find((candidate) => candidate.id === id);
  if (held === null || payment === undefined) return 'unknown';
  try {
    const order = paymentOrderOf(held, payment);
    const { kind } = await withinCallDeadline((signal) => provider.queryPayment(order, signal));
    return kind === 'report' ? 'ours' : 'another';
  } catch (error) {
    if (error instanceof RejectedError) return 'another';
    if (!isProviderError(error)) throw error;
    log.warn({ err: error, paymentId: id }, 'the account of a payment under a former name could not be confirmed');
    return 'unknown';
  }
}

async function renameCallbacks({ db }: Omit<CommandContext, 'accounts'>, renamed: RenamedAccount): Promise<void> {
  while ((await db.transaction((tx) => renameDeliveries(tx, renamed))) > 0);
}
