import { z } from 'zod';
import { newId } from '../domain/ids.ts';
import { amountMinorMax, isCurrency } from '../domain/money.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { upsertProduct as upsert } from '../store/product-store.ts';
import type { Actor } from './actor.ts';
import { amountMinor, name, parseInput } from './input.ts';

const inputSchema = z.object({
  sku: name(64),
  name: name(256),
  unitAmountMinor: amountMinor.max(amountMinorMax, `must be at most ${amountMinorMax}.`),
  currency: z.string().refine(isCurrency, 'must be an ISO 4217 currency code in upper case.'),
  active: z.boolean().nullish(),
});

/** Creates a product of the merchant's catalogue, or replaces the one with the same sku. Returns its id. */
export async function upsertProduct({ db, clock }: CommandContext, actor: Actor, input: unknown): Promise<string> {
  const { unitAmountMinor: unitMinor, active, ...wanted } = parseInput(inputSchema, input);
  const { merchantId } = actor;
  const createdAt = clock.now();
  return upsert(db.pool, {
    ...{ id: newId('product'), merchantId, ...wanted, unitMinor, active: active ?? true, createdAt },
  });
}
