import { AsyncResource } from 'node:async_hooks';
import { overloadIn } from '../database/database.ts';
import { after } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { type Delivery, openInbox, receiverLeaseMs } from '../events/inbox.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { type PaymentProvider, type WebhookDelivery, WebhookRejectedError } from '../providers/provider.ts';
import { applyDelivery } from './apply-delivery.ts';
import { receiveDelivery } from './receive-delivery.ts';
import { createRefusedDeliveries } from './refused-deliveries.ts';

/** At most this many acknowledged deliveries are held to be applied by this node. The sweep applies the rest, from any node. */
export const heldMax = 256;
/**
 * This many of each provider account are applied at a time, and this many held: acknowledging the next ones comes first, and a provider that does
 * not answer delays no callback of another one.
 */
export const appliedAtOnceMax = 16;
export const heldOfAccountMax = 64;

/** A committed delivery, and whether this node is to apply it: then no other node does until its lease ends. `log` is that of its request. */
export type Received = { readonly delivery: Delivery; readonly isClaimed: boolean; readonly log: Log };

/** Receives and applies callbacks. The entrance calls `receive`, answers the provider, and then calls `apply`. */
export type CallbackIntake = {
  /**
   * Verifies a callback and commits it to the inbox.
   *
   * @returns null for a duplicate.
   * @throws {WebhookRejectedError} when the callback cannot be verified. A few of those are kept for inspection, and if it names a
   *   payment of the account, that payment is checked once, soon.
   */
  receive(provider: PaymentProvider, delivery: WebhookDelivery, log: Log): Promise<Received | null>;
  /** Starts to apply a committed delivery and returns at once. A delivery that fails or is not claimed is left to the sweep. */
  apply(received: Received): void;
  /** Resolves when no started delivery is being applied and no refused one recorded. */
  idle(): Promise<void>;
};

/** Of one account. */
type AccountDeliveries = {
  /** On their way into the inbox, held, or being applied. */
  claimed: number;
  underWay: number;
  /** Each begins in the trace of its own request. */
  readonly held: (() => void)[];
};

const nameOf = ({ provider, providerAccount }: Pick<Delivery, 'provider' | 'providerAccount'>) =>
  `${provider} ${providerAccount}`;

export function createCallbackIntake(context: CommandContext): CallbackIntake {
  const inbox = openInbox(context.db.writes);
  const refused = createRefusedDeliveries(context);
  const accounts = new Map<string, AccountDeliveries>();
  /** The deliveries of all accounts that are claimed: on their way into the inbox, held, or being applied. */
  let claimed = 0;
  const underWay = new Set<Promise<void>>();

  function accountOf(name: string): AccountDeliveries {
    const found = accounts.get(name) ?? { claimed: 0, underWay: 0, held: [] };
    accounts.set(name, found);
    return found;
  }

  function isFull(name: string): boolean {
    return claimed >= heldMax || (accounts.get(name)?.claimed ?? 0) >= heldOfAccountMax;
  }

  function claim(name: string): void {
    claimed += 1;
    accountOf(name).claimed += 1;
  }

  function giveBack(name: string): void {
    const account = accountOf(name);
    claimed -= 1;
    account.claimed -= 1;
    if (account.claimed === 0) accounts.delete(name);
  }

  function begin({ delivery, log }: Received): void {
    const name = nameOf(delivery);
    const account = accountOf(name);
    account.underWay += 1;
    const applying = applyDelivery({ ...context, log }, delivery).catch((error: unknown) => {
      const level = overloadIn(error) === null ? 'error' : 'warn';
      log[level]({ err: error, deliveryId: delivery.id }, 'a callback could not be applied yet');
    });
    underWay.add(applying);
    void applying.finally(() => {
      underWay.delete(applying);
      account.underWay -= 1;
      giveBack(name);
      while (account.underWay < appliedAtOnceMax && account.held.length > 0) account.held.shift()?.();
    });
  }

  function hold(received: Received): void {
    const { delivery } = received;
    const name = nameOf(delivery);
    const beginHeld = () => {
      // Then any node may have claimed it.
      const isLeased = context.clock.now() < after(delivery.receivedAt, receiverLeaseMs);
      if (isLeased) begin(received);
      else giveBack(name);
    };
    accountOf(name).held.push(AsyncResource.bind(beginHeld));
  }

  return {
    async receive(provider, given, log) {
      const name = nameOf({ provider: provider.name, providerAccount: provider.account });
      const isClaimed = !isFull(name);
      if (isClaimed) claim(name);
      try {
        const delivery = await receiveDelivery({ ...context, log }, inbox, provider, given, isClaimed);
        return delivery === null ? null : { delivery, isClaimed, log };
      } catch (error) {
        if (error instanceof WebhookRejectedError) refused.record(provider, given, error.reason, log);
        throw error;
      } finally {
        if (isClaimed) giveBack(name);
      }
    },
    apply(received) {
      const { delivery, isClaimed } = received;
      if (!isClaimed) return;
      claim(nameOf(delivery));
      if (accountOf(nameOf(delivery)).underWay < appliedAtOnceMax) begin(received);
      else hold(received);
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
      await refused.idle();
    },
  };
}
