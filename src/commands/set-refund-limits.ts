import { z } from 'zod';
import { isCurrency } from '../domain/money.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { updateRefundLimits } from '../store/merchant-store.ts';
import type { Actor } from './actor.ts';
import { parseInput } from './input.ts';

const limitsMax = 50;

const inputSchema = z.object({
  limits: z
    .array(
      z.object({
        currency: z.string().refine(isCurrency, 'must be an ISO 4217 currency code in upper case.'),
        amountMinor: z.bigint(),
      }),
    )
    .max(limitsMax, `must have at most ${limitsMax} limits.`)
    .refine((limits) => new Set(limits.map(({ currency }) => currency)).size === limits.length, {
      message: 'must have each currency once.',
    })
    .nullish(),
});

/** Sets the amounts above which an operator's refunds wait for another person; null removes all limits. Returns the merchant's id. */
export async function setRefundLimits({ db }: CommandContext, { merchantId }: Actor, limits: unknown): Promise<string> {
  const wanted = parseInput(inputSchema, { limits });
  await updateRefundLimits(db.pool, merchantId, wanted.limits ?? null);
  return merchantId;
}
