import { z } from 'zod';
import { NotFoundError } from '../domain/errors.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { changeMerchant, type Merchant } from '../store/merchant-store.ts';
import { parseInput } from './input.ts';
import { checkOrigins, merchantFields } from './merchant-input.ts';

const inputSchema = z.object({
  name: merchantFields.name.nullish(),
  returnOrigins: merchantFields.returnOrigins.nullish(),
  webOrigins: merchantFields.webOrigins.nullish(),
  brandColor: merchantFields.brandColor.nullish(),
});

/**
 * Changes the name, the origins or the colour of a merchant; null leaves one as it is. Returns the merchant as it is then.
 *
 * @throws {InvalidInputError} @throws {NotFoundError} when there is no such merchant.
 */
export async function updateMerchant(
  { db }: Pick<CommandContext, 'db'>,
  merchantId: string,
  input: unknown,
  isProduction: boolean,
): Promise<Merchant> {
  const { name, returnOrigins, webOrigins, brandColor } = parseInput(inputSchema, input);
  checkOrigins({ returnOrigins: returnOrigins ?? [], webOrigins: webOrigins ?? [] }, isProduction);
  const merchant = await changeMerchant(db.pool, merchantId, {
    name: name ?? null,
    returnOrigins: returnOrigins ?? null,
    webOrigins: webOrigins ?? null,
    brandColor: brandColor ?? null,
  });
  if (merchant === null) throw new NotFoundError('There is no such merchant.');
  return merchant;
}
