import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  amountMinorMax,
  currencyExponent,
  formatDecimal,
  formatMoney,
  isCurrency,
  minOf,
  sumOf,
} from '../../src/domain/money.ts';
import { searchOf } from '../support/search.ts';

test.each<[code: string, exponent: number]>([
  ['JPY', 0],
  ['KRW', 0],
  ['ISK', 0],
  ['UGX', 0],
  ['EUR', 2],
  ['USD', 2],
  ['CNY', 2],
  ['HUF', 2],
  ['TWD', 2],
  ['MGA', 2],
  ['KWD', 3],
  ['BHD', 3],
  ['TND', 3],
  ['CLF', 4],
])('%s has %i decimals', (code, exponent) => {
  expect(isCurrency(code)).toBe(true);
  expect(currencyExponent(code)).toBe(exponent);
});

test.each([
  ...['XXX', 'XTS', 'XAU', 'XAG', 'XPT', 'XPD', 'XDR', 'XSU', 'XUA', 'XBA', 'XBB', 'XBC', 'XBD'],
  ...['eur', 'Eur', 'EURO', 'EU', '', ' EUR', 'EUR ', 'EUR\n', 'QQQ', '978', 'constructor', '__proto__'],
])('%j is not a currency', (code) => {
  expect(isCurrency(code)).toBe(false);
  expect(() => currencyExponent(code)).toThrow(RangeError);
  expect(() => formatDecimal({ amountMinor: 1n, currency: code })).toThrow(RangeError);
});

test.each(['XAF', 'XCD', 'XOF', 'XPF'])('%s begins with X and is a currency', (code) => {
  expect(isCurrency(code)).toBe(true);
});

test.each<[amountMinor: bigint, currency: string, text: string]>([
  [0n, 'EUR', '0.00'],
  [1n, 'EUR', '0.01'],
  [12n, 'EUR', '0.12'],
  [123n, 'EUR', '1.23'],
  [1234n, 'EUR', '12.34'],
  [2897n, 'CNY', '28.97'], // 28.97 * 100 is 2896.9999999999995
  [0n, 'JPY', '0'],
  [1234n, 'JPY', '1234'],
  [1n, 'KWD', '0.001'],
  [1234n, 'KWD', '1.234'],
  [1n, 'CLF', '0.0001'],
  [amountMinorMax, 'EUR', '90071992547409.91'],
])('%i minor units of %s are written %s', (amountMinor, currency, text) => {
  expect(formatDecimal({ amountMinor, currency })).toBe(text);
});

test('the readable text of an amount has its currency, even an invalid one', () => {
  expect(formatMoney({ amountMinor: 2600n, currency: 'CNY' })).toBe('26.00 CNY');
  expect(formatMoney({ amountMinor: 2600n, currency: 'xyz' })).toBe('2600 minor units of xyz');
});

/** Parses decimal text to minor units with an algorithm that is independent of the code under test. */
function parseDecimal(text: string): { amountMinor: bigint; decimals: number } {
  const [whole = '', fraction = ''] = text.split('.');
  return { amountMinor: BigInt(whole + fraction), decimals: fraction.length };
}

test('decimal text is exact in every currency', () => {
  const currency = fc.constantFrom('JPY', 'EUR', 'KWD', 'CLF');
  const amount = fc.oneof(fc.bigInt(0n, 10_000n), fc.bigInt(0n, amountMinorMax));
  fc.assert(
    fc.property(amount, currency, (amountMinor, code) => {
      const text = formatDecimal({ amountMinor, currency: code });
      expect(text).toMatch(/^(0|[1-9]\d*)(\.\d+)?$/);
      expect(parseDecimal(text)).toEqual({ amountMinor, decimals: currencyExponent(code) });
    }),
    searchOf(300),
  );
});

test('JSON represents the largest amount exactly', () => {
  expect(BigInt(JSON.parse(JSON.stringify(Number(amountMinorMax))))).toBe(amountMinorMax);
});

test('sums are exact beyond the precision of a float', () => {
  expect(sumOf([2n ** 53n, 1n, 1n], (amount) => amount)).toBe(9_007_199_254_740_994n);
  expect(sumOf([], (amount: bigint) => amount)).toBe(0n);
  expect(minOf(2n ** 53n, 2n ** 53n + 1n)).toBe(2n ** 53n);
});
