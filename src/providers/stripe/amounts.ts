import { amountMinorMax, currencyExponent } from '../../domain/money.ts';

/**
 * How many decimals Stripe counts in, where that is not what ISO 4217 says or not 2.
 * @see https://docs.stripe.com/currencies#zero-decimal
 */
const zeroDecimal = new Set([
  ...['BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'],
]);
const threeDecimal = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);

const stripeAmountMax = 99_999_999n;

function stripeExponent(currency: string): number {
  if (zeroDecimal.has(currency)) return 0;
  return threeDecimal.has(currency) ? 3 : 2;
}

/** Our minor units in Stripe's; null when Stripe cannot express or does not take the amount. */
export function toStripeAmount(amountMinor: bigint, currency: string): number | null {
  const shift = stripeExponent(currency) - currencyExponent(currency);
  const factor = 10n ** BigInt(Math.abs(shift));
  if (shift < 0 && amountMinor % factor !== 0n) return null;
  const amount = shift < 0 ? amountMinor / factor : amountMinor * factor;
  if (amount < 1n || amount > stripeAmountMax) return null;
  // Stripe takes three decimals but settles in two: the last digit must be 0.
  if (threeDecimal.has(currency) && amount % 10n !== 0n) return null;
  return Number(amount);
}

/**
 * Stripe's amount in our minor units.
 * @throws {RangeError} when it is not a whole number of them.
 */
export function fromStripeAmount(amount: number, currency: string): bigint {
  if (!Number.isSafeInteger(amount) || amount < 0) throw new RangeError(`${amount} is not an amount of Stripe.`);
  const shift = currencyExponent(currency) - stripeExponent(currency);
  const factor = 10n ** BigInt(Math.abs(shift));
  const units = BigInt(amount);
  if (shift < 0 && units % factor !== 0n)
    throw new RangeError(`${amount} is no whole number of minor units of ${currency}.`);
  const amountMinor = shift < 0 ? units / factor : units * factor;
  if (amountMinor > amountMinorMax) throw new RangeError(`${amount} is more than an amount can be.`);
  return amountMinor;
}
