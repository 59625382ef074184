import { AsyncResource } from 'node:async_hooks';
import { overloadIn } from '../database/database.ts';
import { after } from '../domain/clock.ts';
import { type Delivery, openInbox, receiverLeaseMs } from '../events/inbox.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { type PaymentProvider, type WebhookDelivery, WebhookRejectedError } from '../providers/provider.ts';
import { applyDelivery } from './apply-delivery.ts';
import { receiveDelivery } from './receive-delivery.ts';
import { createRefusedDeliveries } from './refused-deliveries.ts';

/** At most this many acknowledged deliveries are held to be applied by this node. The sweep applies the rest, from any node. */
export const heldMax = 64;
/**
 * This many of each provider account are applied at a time: acknowledging the next ones comes first, and a provider that does not answer delays no
 * callback of another one.
 */
export const appliedAtOnceMax = 16;

/** A committed delivery, and whether this node is to apply it: then no other node does until its lease ends. */
export type Received = { readonly delivery: Delivery; readonly isClaimed: boolean };

/** Receives and applies callbacks. The entrance calls `receive`, answers the provider, and then calls `apply`. */
export type CallbackIntake = {
  /**
   * Verifies a callback and commits it to the inbox.
   *
   * @returns null for a duplicate.
   * @throws {WebhookRejectedError} when the callback cannot be verified. A few of those are kept for inspection, and if it names a
   *   payment of the account, that payment is checked once, soon.
   */
  receive(provider: PaymentProvider, delivery: WebhookDelivery): Promise<Received | null>;
  /** Starts to apply a committed delivery and returns at once. A delivery that fails or is not claimed is left to the sweep. */
  apply(received: Received): void;
  /** Resolves when no started delivery is being applied and no refused one recorded. */
  idle(): Promise<void>;
};

export function createCallbackIntake(context: CommandContext): CallbackIntake {
  const inbox = openInbox(context.db.writes);
  const refused = createRefusedDeliveries(context);
  /** By account: the deliveries that are being applied, and those that wait, which begin in the trace of their own request. */
  const accounts = new Map<string, { underWay: number; readonly held: (() => void)[] }>();
  let held = 0;
  const underWay = new Set<Promise<void>>();
  /** Deliveries on their way into the inbox that are to be applied at once. */
  let claiming = 0;

  const nameOf = ({ provider, providerAccount }: Delivery) => `${provider} ${providerAccount}`;

  function accountOf(delivery: Delivery) {
    const found = accounts.get(nameOf(delivery)) ?? { underWay: 0, held: [] };
    accounts.set(nameOf(delivery), found);
    return found;
  }

  function begin(delivery: Delivery): void {
    const account = accountOf(delivery);
    account.underWay += 1;
    const applying = applyDelivery(context, delivery).catch((error: unknown) => {
      const level = overloadIn(error) === null ? 'error' : 'warn';
      context.log[level]({ err: error, deliveryId: delivery.id }, 'a callback could not be applied yet');
    });
    underWay.add(applying);
    void applying.finally(() => {
      underWay.delete(applying);
      account.underWay -= 1;
      while (account.underWay < appliedAtOnceMax && account.held.length > 0) account.held.shift()?.();
      if (account.underWay === 0) accounts.delete(nameOf(delivery));
    });
  }

  function hold(delivery: Delivery): void {
    held += 1;
    const beginHeld = () => {
      held -= 1;
      // Then any node may have claimed it.
      const isLeased = context.clock.now() < after(delivery.receivedAt, receiverLeaseMs);
      if (isLeased) begin(delivery);
    };
    accountOf(delivery).held.push(AsyncResource.bind(beginHeld));
  }

  return {
    async receive(provider, given) {
      const isClaimed = held + underWay.size + claiming < heldMax;
      if (isClaimed) claiming += 1;
      try {
        const delivery = await receiveDelivery(context, inbox, provider, given, isClaimed);
        return delivery === null ? null : { delivery, isClaimed };
      } catch (error) {
        if (error instanceof WebhookRejectedError) refused.record(provider, given, error.reason);
        throw error;
      } finally {
        if (isClaimed) claiming -= 1;
      }
    },
    apply({ delivery, isClaimed }) {
      if (!isClaimed) return;
      if (accountOf(delivery).underWay < appliedAtOnceMax) begin(delivery);
      else hold(delivery);
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
      await refused.idle();
    },
  };
}
