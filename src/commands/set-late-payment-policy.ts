import type { LatePaymentPolicy } from '../domain/order.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { updateLatePaymentPolicy } from '../store/merchant-store.ts';
import type { Actor } from './actor.ts';

/** Says what becomes of money that arrives from now on after its order was closed. Returns the merchant's id. */
export async function setLatePaymentPolicy(
  { db }: CommandContext,
  { merchantId }: Actor,
  policy: LatePaymentPolicy,
): Promise<string> {
  await updateLatePaymentPolicy(db.pool, merchantId, policy);
  return merchantId;
}
