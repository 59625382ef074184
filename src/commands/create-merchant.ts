import { z } from 'zod';
import { newId } from '../domain/ids.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { insertMerchant, type Merchant } from '../store/merchant-store.ts';
import { parseInput } from './input.ts';
import { checkOrigins, merchantFields } from './merchant-input.ts';

const inputSchema = z.object({
  ...merchantFields,
  webOrigins: merchantFields.webOrigins.default([]),
  brandColor: merchantFields.brandColor.nullish(),
});

/** `usesEnvironmentAccounts` is true for the first merchant: the provider accounts of the environment belong to it. */
export type NewMerchant = { readonly merchant: Merchant; readonly usesEnvironmentAccounts: boolean };

/**
 * Creates a merchant.
 *
 * @throws {InvalidInputError}
 */
export async function createMerchant(
  { db, clock }: Pick<CommandContext, 'db' | 'clock'>,
  input: unknown,
  isProduction: boolean,
): Promise<NewMerchant> {
  const { brandColor, ...given } = parseInput(inputSchema, input);
  checkOrigins(given, isProduction);
  const merchant: Merchant = {
    ...given,
    id: newId('merchant'),
    brandColor: brandColor ?? null,
    createdAt: clock.now(),
  };
  return { merchant, usesEnvironmentAccounts: await insertMerchant(db, merchant) };
}
