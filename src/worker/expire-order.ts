import { systemActor } from '../domain/actor.ts';
import { closeOrder } from '../domain/order-lifecycle.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { changeOrder } from '../store/change-order.ts';

/** Closes an expired order. Makes no provider call: its open payments become due at once, and their checks close them at the providers. */
export async function expireOrder(context: CommandContext, orderId: string): Promise<void> {
  await changeOrder(context, 'close.intent', { orderId, actor: systemActor }, (change) => {
    const { status, expiresAt } = change.order;
    if (status !== 'OPEN' || expiresAt > change.at) {
      change.planOrder({ dueAt: status === 'OPEN' ? expiresAt : null });
      return;
    }
    closeOrder(change, 'EXPIRED', null);
    for (const payment of change.payments) {
      if (payment.status === 'CANCELING') change.plan(payment.id, { checkAt: change.at });
    }
  });
}
