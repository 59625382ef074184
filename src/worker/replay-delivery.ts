import { providerActor } from '../domain/actor.ts';
import { DeliveryNotReplayableError, NotFoundError } from '../domain/errors.ts';
import type { OrderEvent } from '../domain/event.ts';
import { isId } from '../domain/ids.ts';
import type { Log } from '../domain/log.ts';
import { OrderChange } from '../domain/order-change.ts';
import { type DeliveryOutcome, findDelivery, outcomeOf, reopenDelivery, type StoredDelivery } from '../events/inbox.ts';
import { checkConfigured } from '../provider-calls/accounts.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { loadOrder } from '../store/order-store.ts';
import { applyAndLog } from './apply-delivery.ts';
import { judge } from './judge-delivery.ts';

/** What a replay did, or, as a dry run, would do now. */
export type Replay = { readonly outcome: DeliveryOutcome; readonly events: readonly OrderEvent[] };

/** Applies the stored body of a merchant's delivery again. `log` is that of the request. */
export type ReplayDelivery = (log: Log, merchantId: string, deliveryId: string, isDryRun: boolean) => Promise<Replay>;

/**
 * A replay takes the same way as the sweep, so a fact that is known already changes nothing. A delivery that was applied, and would change
 * nothing, keeps its verdict.
 */
export function createReplay(given: CommandContext): ReplayDelivery {
  /**
   * @throws {NotFoundError} when the merchant has no such delivery. @throws {DeliveryNotReplayableError} when its body has been deleted.
   * @throws {ProviderUnavailableError} when its account is not configured.
   */
  return async (log, merchantId, deliveryId, isDryRun) => {
    const context = { ...given, log };
    // Text that is no id may hold what the database refuses, such as a NUL.
    const isDelivery = isId('delivery', deliveryId);
    const delivery = isDelivery ? await findDelivery(context.db.pool, merchantId, deliveryId) : null;
    if (delivery === null) throw new NotFoundError('There is no such delivery.');
    if (delivery.isPruned) throw new DeliveryNotReplayableError(deliveryId, 'its body has been deleted');
    checkConfigured(context, { ...delivery, merchantId });
    const foreseen = await foresee(context, delivery);
    if (isDryRun) return foreseen;
    const { status, reason, paymentId } = delivery;
    if (foreseen.events.length === 0 && status === 'APPLIED')
      return { outcome: { status, reason, paymentId }, events: [] };
    const claimed = await reopenDelivery(context.db.pool, deliveryId, context.clock.now());
    if (claimed === null) throw new DeliveryNotReplayableError(deliveryId, 'its body has been deleted');
    const events: OrderEvent[] = [];
    const outcome = await applyAndLog(
      {
        ...context,
        onCommitted(order) {
          events.push(...order.change.events);
          context.onCommitted?.(order);
        },
      },
      claimed,
    );
    return { outcome, events };
  };
}

/** What applying the delivery now would do. Writes nothing; the provider may be asked about a refund, as when it is applied. */
async function foresee(context: CommandContext, delivery: StoredDelivery): Promise<Replay> {
  const events: OrderEvent[] = [];
  const outcome = await judge(
    {
      ...context,
      effects: {
        async change(orderId, { provider }, decide) {
          const held = await loadOrder(context.db.pool, orderId);
          if (held === null) throw new NotFoundError('The order does not exist.');
          const change = new OrderChange(held, context.clock.now(), providerActor({ provider }));
          const verdict = decide(change, true);
          events.push(...change.events);
          return outcomeOf(verdict);
        },
        store: async (_delivery, verdict) => outcomeOf(verdict),
      },
    },
    { ...delivery, applyAttempts: delivery.applyAttempts + 1 },
  );
  return { outcome, events };
}
