import { overloadIn } from '../database/database.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import type { PaymentProvider, WebhookDelivery } from '../providers/provider.ts';
import { applyNewDelivery } from './apply-delivery.ts';
import { receiveDelivery } from './receive-delivery.ts';

/** This many deliveries are applied at a time right after their acknowledgement. The sweep applies the rest, from any node. */
export const appliedAtOnceMax = 64;

/** Receives and applies callbacks. The entrance calls `receive`, answers the provider, and then calls `apply`. */
export type CallbackIntake = {
  /**
   * Verifies a callback and commits it to the inbox.
   *
   * @returns the id of the new delivery, or null for a duplicate.
   * @throws {WebhookRejectedError} when the callback cannot be verified.
   */
  receive(provider: PaymentProvider, delivery: WebhookDelivery): Promise<string | null>;
  /** Starts to apply a committed delivery and returns at once. A delivery that fails or exceeds the limit is left to the sweep. */
  apply(deliveryId: string): void;
  /** Resolves when no started delivery is being applied. */
  idle(): Promise<void>;
};

export function createCallbackIntake(context: CommandContext): CallbackIntake {
  const underWay = new Set<Promise<void>>();
  return {
    receive: (provider, delivery) => receiveDelivery(context, provider, delivery),
    apply(deliveryId) {
      if (underWay.size >= appliedAtOnceMax) return;
      const applying = applyNewDelivery(context, deliveryId).catch((error: unknown) => {
        const level = overloadIn(error) === null ? 'error' : 'warn';
        context.log[level]({ err: error, deliveryId }, 'a callback could not be applied yet');
      });
      underWay.add(applying);
      void applying.finally(() => underWay.delete(applying));
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
