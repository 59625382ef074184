import fc from 'fast-check';
import { expect, test } from 'vitest';
import { amountMinorMax, currencyExponent } from '../../src/domain/money.ts';
import { refusalOfAmount } from '../../src/providers/amount-limits.ts';
import { cardLimitsOf, fromStripeAmount, toStripeAmount } from '../../src/providers/stripe/amounts.ts';
import { searchOf } from '../support/search.ts';

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
  [150_000_000n, 'IDR', 150_000_000],
  [999_999_999_999n, 'IDR', 999_999_999_999],
  [1_000_000_000_000n, 'IDR', null],
])(
  '%i minor units of %s are %s for Stripe: at most eight digits, twelve of IDR, and at least one',
  (amountMinor, currency, amount) => {
    expect(toStripeAmount(amountMinor, currency)).toBe(amount);
  },
);

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
    searchOf(300),
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
    searchOf(300),
  );
});

const refusalOf = (amountMinor: bigint, currency: string, use: 'PAYMENT' | 'PART' = 'PAYMENT') =>
  refusalOfAmount('Cards take', cardLimitsOf(currency), { amountMinor, currency }, use);

test.each<[amountMinor: bigint, currency: string, reason: string | null]>([
  [150_000_000n, 'IDR', null], // Rp 1,500,000
  [999_999_999_999n, 'IDR', null],
  [1_000_000_000_000n, 'IDR', 'at most 9999999999.99 IDR, and this is 10000000000.00 IDR'],
  [100_000_000n, 'USD', 'at most 999999.99 USD, and this is 1000000.00 USD'],
  [100_000_000n, 'JPY', 'at most 99999999 JPY, and this is 100000000 JPY'],
  [49n, 'USD', 'at least 0.50 USD, and this is 0.49 USD'],
  [50n, 'USD', null],
  [29n, 'GBP', 'at least 0.30 GBP, and this is 0.29 GBP'],
  [17_499n, 'HUF', 'at least 175.00 HUF'],
  [49n, 'JPY', 'at least 50 JPY'],
  [1n, 'CNY', null], // no smallest charge is published: Stripe decides
  [1234n, 'KWD', 'KWD in steps of 0.010 KWD: the last digit of 1.234 KWD must be 0'],
  [1230n, 'KWD', null],
  [550n, 'MGA', 'MGA in steps of 1.00 MGA: the last 2 digits of 5.50 MGA must be 0'],
  [5n, 'ISK', null],
  [1000n, 'KPW', 'no KPW'],
  [0n, 'EUR', 'at least 0.50 EUR'],
])('of %i minor units of %s a card payment says what is wrong: %s', (amountMinor, currency, reason) => {
  const refusal = refusalOf(amountMinor, currency);
  if (reason === null) expect(refusal).toBeNull();
  else expect(refusal).toContain(`Cards take ${reason}`);
});

test('the smallest charge is no limit of what is captured or sent back, and the last digit is', () => {
  expect(refusalOf(1n, 'USD', 'PART')).toBeNull();
  expect(refusalOf(0n, 'USD', 'PART')).toContain('at least 0.01 USD');
  expect(refusalOf(1234n, 'KWD', 'PART')).toContain('last digit');
});

test('what is offered is what Stripe takes', () => {
  fc.assert(
    fc.property(fc.bigInt(-10n, 1_000_100_000_000n), currencies, (amountMinor, currency) => {
      if (refusalOf(amountMinor, currency) === null) expect(toStripeAmount(amountMinor, currency)).not.toBeNull();
    }),
    searchOf(300),
  );
});
