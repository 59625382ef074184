import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type IdKind, idKindOf, idPrefixes, isId, newId } from '../../src/domain/ids.ts';
import { searchOf } from '../support/search.ts';

const kinds: readonly [kind: IdKind, prefix: string][] = [
  ['order', 'ord'],
  ['payment', 'pay'],
  ['refund', 'rfd'],
  ['event', 'evt'],
  ['merchant', 'mch'],
  ['product', 'prd'],
  ['apiKey', 'key'],
  ['signingKey', 'jwk'],
  ['providerAccount', 'pac'],
  ['webhookEndpoint', 'whe'],
  ['webhookAttempt', 'wha'],
  ['webhookReplay', 'whr'],
  ['delivery', 'dlv'],
];

test('the table has every kind of id', () => {
  expect(Object.entries(idPrefixes)).toEqual(kinds);
});

test.each(kinds)('the id of a new %s is %s_ and 26 characters that every provider accepts', (kind, prefix) => {
  const id = newId(kind);
  expect(id).toMatch(new RegExp(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`));
  expect(id).toMatch(/^[a-z0-9_]{30}$/); // out_trade_no of WeChat Pay: 6 to 32 of these
});

test.each(kinds)('the id of a new %s is not an id of another kind', (kind) => {
  const id = newId(kind);
  expect(idKindOf(id)).toBe(kind);
  expect(kinds.filter(([other]) => isId(other, id))).toEqual([[kind, idPrefixes[kind]]]);
});

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** Decodes a TypeID's suffix, independently of the library, by the TypeID specification. */
function bitsOf(id: string): bigint {
  return [...id.slice(-26)].reduce((bits, character) => bits * 32n + BigInt(alphabet.indexOf(character)), 0n);
}

test('an id is a UUIDv7 of its creation time', () => {
  const before = BigInt(Date.now());
  const bits = bitsOf(newId('payment'));
  expect((bits >> 76n) & 0xfn).toBe(7n);
  expect((bits >> 62n) & 0b11n).toBe(0b10n);
  expect(bits >> 80n).toBeGreaterThanOrEqual(before);
  expect(bits >> 80n).toBeLessThanOrEqual(BigInt(Date.now()));
});

test('ten thousand new ids are all different', () => {
  expect(new Set(Array.from({ length: 10_000 }, () => newId('event'))).size).toBe(10_000);
});

const good = 'pay_01kb2x3y4z5a6b7c8d9e0f1g2h';

test('a well-formed id is accepted', () => {
  expect(isId('payment', good)).toBe(true);
});

test.each<[text: string, why: string]>([
  ['', 'empty'],
  ['pay_', 'without a suffix'],
  [good.slice(0, -1), 'one character short'],
  [`${good}0`, 'one character long'],
  [good.toUpperCase(), 'upper case'],
  [good.replace('_', '-'), 'with another separator'],
  [good.replace('pay_', ''), 'without a prefix'],
  [good.replace('pay_', 'pay__'), 'with two separators'],
  [good.replace('pay_', 'pi_'), 'with the prefix of another system'],
  [`pay_8${good.slice(5)}`, 'more than 128 bits'],
  [`${good.slice(0, -1)}i`, 'with i, which is not in the alphabet'],
  [`${good.slice(0, -1)}l`, 'with l, which is not in the alphabet'],
  [`${good.slice(0, -1)}o`, 'with o, which is not in the alphabet'],
  [`${good.slice(0, -1)}u`, 'with u, which is not in the alphabet'],
  [`${good}\n`, 'with a line end'],
  [` ${good}`, 'with a blank before'],
  ['pay_01939a1e-0000-7000-8000-000000000000', 'a UUID with dashes'],
])('%j is not an id: %s', (text) => {
  expect(idKindOf(text)).toBeNull();
  for (const [kind] of kinds) expect(isId(kind, text)).toBe(false);
});

test('every accepted id has the documented form', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'pay_ordfdevtmch0178ilou') }), (text) => {
      if (idKindOf(text) !== null) expect(text).toMatch(/^[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}$/);
    }),
    searchOf(300),
  );
});
