import type { LatePaymentPolicy } from '../domain/order.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { updateLatePaymentPolicy } from '../store/merchant-store.ts';
import type { Actor } from './actor.ts';

/** Sets how money is handled that arrives from now on and whose order is already closed. Returns the merchant's id. */
export async function setLatePaymentPolicy(
  { db }: CommandContext,
  { merchantId }: Actor,
  policy: LatePaymentPolicy,
): Promise<string> {
  await updateLatePaymentPolicy(db.pool, merchantId, policy);
  return merchantId;
}
