import { GraphQLError, Kind, valueFromASTUntyped } from 'graphql';
import { z } from 'zod';
import { isStorable } from '../commands/input.ts';
import { amountMinorMax, isCurrency } from '../domain/money.ts';
import { builder } from './builder.ts';

const instant = z.iso.datetime({ offset: true });

builder.scalarType('DateTime', {
  description:
    'A point in time in RFC 3339. Output is always in UTC with milliseconds: `2026-11-23T08:15:30.120Z`. Input may have any offset.',
  serialize: (value) => value.toISOString(),
  parseValue: instantOf,
});

function instantOf(value: unknown): Date {
  const parsed = instant.safeParse(value);
  const at = new Date(parsed.data ?? Number.NaN);
  if (Number.isNaN(at.getTime()))
    throw new GraphQLError('A DateTime must be an RFC 3339 text with an offset, such as 2026-11-23T08:15:30Z.');
  // The database has no year 0, and an offset can move a date out of the range.
  const year = at.getUTCFullYear();
  if (year < 1 || year > 9999) throw new GraphQLError('A DateTime must be in the years 0001 to 9999, in UTC.');
  return at;
}

builder.scalarType('MinorUnits', {
  description:
    'An amount in minor units of its currency (cents, fen, yen): a JSON integer from 0 to 9007199254740991. Never a float or a string.',
  serialize: (value) => {
    if (value < 0n || value > amountMinorMax) throw new RangeError('An amount is outside the range of MinorUnits.');
    return Number(value);
  },
  parseValue: (value) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw notMinorUnits();
    return BigInt(value);
  },
  parseLiteral: (node) => {
    const value = node.kind === Kind.INT ? BigInt(node.value) : -1n;
    if (value < 0n || value > amountMinorMax) throw notMinorUnits();
    return value;
  },
});

function notMinorUnits(): GraphQLError {
  return new GraphQLError('MinorUnits must be an integer from 0 to 9007199254740991.');
}

builder.scalarType('CurrencyCode', {
  description: 'An ISO 4217 currency code in upper case: `EUR`, `CNY`, `JPY`. Other codes are an input error.',
  serialize: (value) => value,
  parseValue: (value) => {
    if (typeof value === 'string' && isCurrency(value)) return value;
    throw new GraphQLError('A CurrencyCode must be an ISO 4217 code: three letters in upper case, such as EUR.');
  },
});

builder.scalarType('Metadata', {
  description:
    'A flat JSON object of strings for the merchant’s own data: at most 50 keys of 1 to 40 characters, with values of at most 500. Not interpreted.',
  serialize: (value) => value,
  parseValue: metadataOf,
  parseLiteral: (node, variables) => metadataOf(valueFromASTUntyped(node, variables)),
});

function metadataOf(value: unknown): Record<string, string> {
  // The key `__proto__` would be lost when the object is copied.
  const isSafe = typeof value === 'object' && value !== null && !Object.hasOwn(value, '__proto__');
  const parsed = z.record(z.string(), z.string()).safeParse(isSafe ? value : null);
  const entries = Object.entries(parsed.data ?? {});
  const fits =
    parsed.success &&
    entries.length <= 50 &&
    entries.every(([key, text]) => key !== '' && [...key].length <= 40 && [...text].length <= 500) &&
    entries.every(([key, text]) => isStorable(key) && isStorable(text));
  if (!fits)
    throw new GraphQLError(
      'Metadata must be a flat object of at most 50 strings: keys of 1 to 40 characters, values of at most 500.',
    );
  return Object.fromEntries(entries);
}

builder.scalarType('EventCursor', {
  description:
    'A position in the event log. Opaque: store it and pass it back. It stays valid across restarts, failover and a restored database.',
  serialize: (value) => value,
  parseValue: (value) => {
    if (typeof value === 'string') return value;
    throw new GraphQLError('An EventCursor must be a text that this API returned.');
  },
});
