import { z } from 'zod';
import { InvalidInputError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { insertMerchant, type Merchant } from '../store/merchant-store.ts';
import { parseInput, text } from './input.ts';

const originsMax = 20;
const inputSchema = z.object({
  name: text(1, 128),
  returnOrigins: z
    .array(z.string())
    .min(1, 'must have at least one origin.')
    .max(originsMax, `must have at most ${originsMax} origins.`),
});

/**
 * Creates a merchant. `returnOrigins` are the web origins that a buyer may be sent back to after paying, such as `https://shop.example`.
 * In production they are https, and `*` is refused.
 *
 * @throws {InvalidInputError}
 */
export async function createMerchant(
  { db, clock }: Pick<CommandContext, 'db' | 'clock'>,
  input: unknown,
  isProduction: boolean,
): Promise<Merchant> {
  const { name, returnOrigins } = parseInput(inputSchema, input);
  const issues = returnOrigins.flatMap((origin, index) => {
    const message = refusalOf(origin, isProduction);
    return message === null ? [] : [{ path: `returnOrigins.${index}`, message }];
  });
  if (issues.length > 0) throw new InvalidInputError(issues);
  const merchant: Merchant = { id: newId('merchant'), name, returnOrigins, createdAt: clock.now() };
  await insertMerchant(db.pool, merchant);
  return merchant;
}

function refusalOf(origin: string, isProduction: boolean): string | null {
  if (origin === '*') return isProduction ? '* allows any site and is refused in production: name each origin.' : null;
  const url = URL.canParse(origin) ? new URL(origin) : null;
  if (url === null || url.origin !== origin) return 'must be an origin, such as https://shop.example, without a path.';
  if (isProduction && url.protocol !== 'https:') return 'must be https in production.';
  return url.protocol === 'https:' || url.protocol === 'http:' ? null : 'must be an http or https origin.';
}
