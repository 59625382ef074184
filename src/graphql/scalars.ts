import { GraphQLError, Kind, valueFromASTUntyped } from 'graphql';
import { z } from 'zod';
import { isStorable } from '../commands/input.ts';
import { amountMinorMax, isCurrency } from '../domain/money.ts';
import { builder } from './builder.ts';

const instant = z.iso.datetime({ offset: true });

builder.scalarType('DateTime', {
  description:
    'An instant: RFC 3339, always UTC, milliseconds: `2026-11-23T08:15:30.120Z`. Any offset is understood as input.',
  serialize: (value) => value.toISOString(),
  parseValue: instantOf,
});

function instantOf(value: unknown): Date {
  const parsed = instant.safeParse(value);
  const at = new Date(parsed.data ?? Number.NaN);
  if (Number.isNaN(at.getTime())) throw new GraphQLError('An instant is text as RFC 3339 writes it, with its offset.');
  // The database knows no year 0, and an offset leads past either end.
  const year = at.getUTCFullYear();
  if (year < 1 || year > 9999) throw new GraphQLError('An instant is in the years 0001 to 9999, by UTC.');
  return at;
}

builder.scalarType('MinorUnits', {
  description:
    'Whole minor units of a currency (cent, fen, yen): a JSON integer from 0 to 9 007 199 254 740 991. Never a float, never a ' +
    'string.',
  serialize: (value) => {
    if (value < 0n || value > amountMinorMax) throw new RangeError('An amount left the range that an integer carries.');
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
  return new GraphQLError('An amount is a whole number of minor units, from 0 to 9007199254740991.');
}

builder.scalarType('CurrencyCode', {
  description:
    'ISO 4217 alphabetic code in upper case: `EUR`, `CNY`, `JPY`. A code outside the standard is an input error.',
  serialize: (value) => value,
  parseValue: (value) => {
    if (typeof value === 'string' && isCurrency(value)) return value;
    throw new GraphQLError('A currency is a code of ISO 4217, three letters in upper case.');
  },
});

builder.scalarType('Metadata', {
  description:
    'A flat JSON object of strings: at most 50 keys of 40 characters, values of 500. Yours to use; never interpreted.',
  serialize: (value) => value,
  parseValue: metadataOf,
  parseLiteral: (node, variables) => metadataOf(valueFromASTUntyped(node, variables)),
});

function metadataOf(value: unknown): Record<string, string> {
  // A key that objects give a meaning of their own would be lost on the way.
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
      'Metadata is a flat object of at most 50 strings: keys of 1 to 40 characters, values of at most 500.',
    );
  return Object.fromEntries(entries);
}

builder.scalarType('EventCursor', {
  description:
    'A place in the event log. Opaque; comparable only by the server; survives restarts, fail-over and a restored database.',
  serialize: (value) => value,
  parseValue: (value) => {
    if (typeof value === 'string') return value;
    throw new GraphQLError('A cursor is text that this API gave out.');
  },
});
