import { z } from 'zod';
import { InvalidInputError } from '../domain/errors.ts';

/** Characters that the database or JSON cannot store: NUL and unpaired surrogates. */
const unstorable = /\0|\p{Surrogate}/u;

export function isStorable(value: string): boolean {
  return !unstorable.test(value);
}

/** A string of `min` to `max` characters, counted in Unicode code points. */
export function text(min: number, max: number) {
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

export const idempotencyKey = text(1, 255);

export const amountMinor = z.bigint().min(1n, 'must be at least 1.');

/** Validates the input. @throws {InvalidInputError} with an issue for every invalid field. */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(
    parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message })),
  );
}
