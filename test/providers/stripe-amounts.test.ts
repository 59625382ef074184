import fc from 'fast-check';
import { expect, test } from 'vitest';
import { amountMinorMax, currencyExponent } from '../../src/domain/money.ts';
import { fromStripeAmount, toStripeAmount } from '../../src/providers/stripe/amounts.ts';

const zeroDecimal = 'BIF CLP DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF'.split(' ');
const threeDecimal = 'BHD JOD KWD OMR TND'.split(' ');
const twoDecimal = 'USD EUR GBP CNY HUF TWD CHF SEK'.split(' ');

test.each(zeroDecimal)('500 %s are sent as 500', (currency) => {
  expect(toStripeAmount(500n, currency)).toBe(500);
  expect(fromStripeAmount(500, currency)).toBe(500n);
});

test.each(twoDecimal)('5.00 %s are sent as 500', (currency) => {
  expect(toStripeAmount(500n, currency)).toBe(500);
  expect(fromStripeAmount(500, currency)).toBe(500n);
});

test.each(threeDecimal)('5.120 %s are sent as 5120, and 5.124 cannot be', (currency) => {
  expect(toStripeAmount(5120n, currency)).toBe(5120);
  expect(fromStripeAmount(5120, currency)).toBe(5120n);
  expect(toStripeAmount(5124n, currency)).toBeNull();
  expect(toStripeAmount(1n, currency)).toBeNull();
});

test.each(['ISK', 'UGX'])('5 %s, which has no decimals, are sent as 500', (currency) => {
  expect(toStripeAmount(5n, currency)).toBe(500);
  expect(fromStripeAmount(500, currency)).toBe(5n);
  expect(() => fromStripeAmount(550, currency)).toThrow(RangeError);
  expect(() => fromStripeAmount(1, currency)).toThrow(RangeError);
});

test('5.00 MGA, which Stripe counts without decimals, are sent as 5, and 5.50 cannot be', () => {
  expect(toStripeAmount(500n, 'MGA')).toBe(5);
  expect(fromStripeAmount(5, 'MGA')).toBe(500n);
  expect(toStripeAmount(550n, 'MGA')).toBeNull();
  expect(toStripeAmount(99n, 'MGA')).toBeNull();
});

test.each<[amountMinor: bigint, currency: string, amount: number | null]>([
  [1n, 'EUR', 1],
  [99_999_999n, 'EUR', 99_999_999],
  [100_000_000n, 'EUR', null],
  [99_999_999n, 'JPY', 99_999_999],
  [100_000_000n, 'JPY', null],
  [99_999_990n, 'KWD', 99_999_990],
  [99_999_999n, 'KWD', null],
  [999_999n, 'ISK', 99_999_900],
  [1_000_000n, 'ISK', null],
  [9_999_999_900n, 'MGA', 99_999_999],
  [10_000_000_000n, 'MGA', null],
  [0n, 'EUR', null],
  [0n, 'JPY', null],
  [-1n, 'EUR', null],
  [amountMinorMax, 'EUR', null],
])('%i minor units of %s are %s for Stripe: at most eight digits, at least one', (amountMinor, currency, amount) => {
  expect(toStripeAmount(amountMinor, currency)).toBe(amount);
});

test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('%d is no amount of Stripe', (amount) => {
  expect(() => fromStripeAmount(amount, 'EUR')).toThrow(RangeError);
});

test('an amount that Stripe sends and no order of ours could have is refused', () => {
  expect(() => fromStripeAmount(Number.MAX_SAFE_INTEGER, 'MGA')).toThrow(RangeError);
});

const currencies = fc.constantFrom(...zeroDecimal, ...twoDecimal, ...threeDecimal, 'ISK', 'UGX', 'MGA');

test('what Stripe takes comes back as the same amount', () => {
  fc.assert(
    fc.property(
      fc.bigInt(0n, 100_100_000n),
      fc.constantFrom(1n, 10n, 100n),
      currencies,
      (units, multiple, currency) => {
        const amount = toStripeAmount(units * multiple, currency);
        if (amount !== null) expect(fromStripeAmount(amount, currency)).toBe(units * multiple);
      },
    ),
    { numRuns: 2000 },
  );
});

test('what Stripe takes is worth what the order says, counted in whole units of the currency', () => {
  const stripeDecimals = (currency: string) =>
    [...zeroDecimal, 'MGA'].includes(currency) ? 0 : threeDecimal.includes(currency) ? 3 : 2;
  fc.assert(
    fc.property(fc.bigInt(1n, 1_000_000n), currencies, (amountMinor, currency) => {
      const amount = toStripeAmount(amountMinor, currency);
      if (amount === null) return;
      // amount / 10^s = amountMinor / 10^e, without dividing
      expect(BigInt(amount) * 10n ** BigInt(currencyExponent(currency))).toBe(
        amountMinor * 10n ** BigInt(stripeDecimals(currency)),
      );
    }),
    { numRuns: 2000 },
  );
});
