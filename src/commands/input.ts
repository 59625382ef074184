import { z } from 'zod';
import { hasCardNumber } from '../domain/card-number.ts';
import { InvalidInputError } from '../domain/errors.ts';

/** Characters that the database or JSON cannot store: NUL and unpaired surrogates. */
const unstorable = /\0|\p{Surrogate}/u;

export function isStorable(value: string): boolean {
  return !unstorable.test(value);
}

/** A text that people write: `min` to `max` characters, and no card number, which must never be stored. */
export function text(min: number, max: number) {
  return reference(min, max).refine((value) => !hasCardNumber(value), cardNumberRefused);
}

const cardNumberRefused = 'contains a card number. Remove it: card numbers are never stored here.';

/**
 * A string of `min` to `max` characters, counted in Unicode code points: a number, a key or an address that a program makes. It may look like
 * a card number by chance.
 */
export function reference(min: number, max: number) {
  const limits = min === 0 ? `at most ${max} characters` : `${min} to ${max} characters`;
  return z
    .string()
    .refine(
      (value) => value.length >= min && value.length <= 2 * max && [...value].length <= max,
      `must have ${limits}.`,
    )
    .refine(isStorable, 'contains a character that cannot be stored: NUL or an unpaired surrogate.');
}

/** A name for people, on one line. */
export function name(max: number) {
  return text(1, max)
    .refine((value) => value.trim() === value, 'must not begin or end with whitespace.')
    .refine((value) => !/\p{Cc}/u.test(value), 'must not contain control characters.');
}

export const idempotencyKey = reference(1, 255);

export const amountMinor = z.bigint().min(1n, 'must be at least 1.');

/** Validates the input. @throws {InvalidInputError} with an issue for every invalid field. */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(parsed.error.issues.map((issue) => ({ path: pathOf(issue), message: messageOf(issue) })));
}

/** The path of the field. A key of metadata is part of it, and may be what must not be repeated. */
function pathOf({ path }: z.core.$ZodIssue): string {
  const names = path.map(String);
  const secret = names.findIndex(hasCardNumber);
  return (secret === -1 ? names : names.slice(0, secret)).join('.');
}

/** The reason why a key is refused is an issue of its own. */
function messageOf(issue: z.core.$ZodIssue): string {
  const [reason] = issue.code === 'invalid_key' ? issue.issues : [];
  return reason?.message ?? issue.message;
}
