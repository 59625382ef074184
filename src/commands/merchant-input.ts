import { z } from 'zod';
import { InvalidInputError } from '../domain/errors.ts';
import { name } from './input.ts';

const originsMax = 20;
/** The fields of a merchant that people set. */
export const merchantFields = {
  name: name(128),
  returnOrigins: z
    .array(z.string())
    .min(1, 'must have at least one origin.')
    .max(originsMax, `must have at most ${originsMax} origins.`),
  webOrigins: z.array(z.string()).max(originsMax, `must have at most ${originsMax} origins.`),
  brandColor: z
    .string()
    .regex(/^#[0-9a-f]{6}$/i, 'must be a colour as #rrggbb, such as #0a7d4b.')
    .transform((color) => color.toLowerCase()),
};

type Origins = Readonly<Record<'returnOrigins' | 'webOrigins', readonly string[]>>;

/**
 * Checks the origins that buyers may return to, and those of pages that may call the API, such as `https://shop.example`. In production they are https, and `*` is refused.
 *
 * @throws {InvalidInputError}
 */
export function checkOrigins(origins: Origins, isProduction: boolean): void {
  const issues = (['returnOrigins', 'webOrigins'] as const).flatMap((field) =>
    origins[field].flatMap((origin, index) => {
      const message = refusalOf(origin, isProduction);
      return message === null ? [] : [{ path: `${field}.${index}`, message }];
    }),
  );
  if (issues.length > 0) throw new InvalidInputError(issues);
}

function refusalOf(origin: string, isProduction: boolean): string | null {
  if (origin === '*') return isProduction ? '* allows any site and is refused in production: name each origin.' : null;
  const url = URL.canParse(origin) ? new URL(origin) : null;
  if (url === null || url.origin !== origin) return 'must be an origin, such as https://shop.example, without a path.';
  if (isProduction && url.protocol !== 'https:') return 'must be https in production.';
  return url.protocol === 'https:' || url.protocol === 'http:' ? null : 'must be an http or https origin.';
}
