import { amountMinorMax, currencyExponent, isCurrency } from '../../domain/money.ts';
import type { AmountLimits } from '../amount-limits.ts';

/**
 * Stripe's card limits by currency: the number of decimals, and the smallest and largest charge in Stripe's units.
 *
 * @see https://docs.stripe.com/currencies#presentment-currencies
 * @see https://docs.stripe.com/currencies#zero-decimal
 * @see https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
 */
type Row = { readonly decimals: number; readonly min: number; readonly max: number; readonly step: number };

const eightDigits = 99_999_999;
const twelveDigits = 999_999_999_999;

/** Stripe publishes no minimum for these currencies and checks the value instead: about half a US dollar. */
const unpublishedMin = 1;

const rows: ReadonlyMap<string, Row> = new Map([
  ...rowsOf(
    2,
    'AFN ALL AMD ANG AOA ARS AWG AZN BAM BBD BDT BMD BND BOB BSD BWP BYN BZD CDF CNY COP CRC CVE DOP DZD EGP',
  ),
  ...rowsOf(
    2,
    'ETB FJD FKP GEL GIP GMD GTQ GYD HNL HTG ILS JMD KES KGS KHR KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK',
  ),
  ...rowsOf(
    2,
    'MNT MOP MUR MVR MWK MZN NAD NGN NIO NPR PAB PEN PGK PHP PKR QAR RSD RUB SAR SBD SCR SHP SLE SOS SRD STD',
  ),
  ...rowsOf(2, 'SZL TJS TOP TRY TTD TWD TZS UAH UYU UZS WST XCD XCG YER ZAR ZMW'),
  ...rowsOf(0, 'BIF CLP DJF GNF KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'),
  // Stripe's card partners settle in two decimals, so the last of three digits must be 0.
  ...rowsOf(3, 'BHD JOD KWD OMR TND', { step: 10, min: 10 }),
  // Currencies without decimals that Stripe sends with two, which must be 0.
  ...rowsOf(2, 'ISK UGX', { step: 100, min: 100 }),
  ...rowsOf(2, 'IDR', { max: twelveDigits }),
  ...rowsOf(2, 'AUD BRL CAD CHF EUR INR NZD SGD USD', { min: 50 }),
  ...rowsOf(2, 'GBP', { min: 30 }),
  ...rowsOf(2, 'BGN', { min: 100 }),
  ...rowsOf(2, 'AED MYR PLN RON', { min: 200 }),
  ...rowsOf(2, 'DKK', { min: 250 }),
  ...rowsOf(2, 'NOK SEK', { min: 300 }),
  ...rowsOf(2, 'HKD', { min: 400 }),
  ...rowsOf(2, 'MXN THB', { min: 1000 }),
  ...rowsOf(2, 'CZK', { min: 1500 }),
  ...rowsOf(2, 'HUF', { min: 17_500 }),
  ...rowsOf(0, 'JPY', { min: 50 }),
]);

function rowsOf(decimals: number, currencies: string, limits: Partial<Row> = {}): (readonly [string, Row])[] {
  const row: Row = { decimals, min: unpublishedMin, max: eightDigits, step: 1, ...limits };
  return currencies.split(' ').map((currency) => [currency, row] as const);
}

/** The card limits of a currency; null when cards do not accept it. */
export function cardLimitsOf(currency: string): AmountLimits | null {
  const row = rows.get(currency);
  if (row === undefined || !isCurrency(currency)) return null;
  const { min, max, step } = row;
  const shift = currencyExponent(currency) - row.decimals;
  const stepMinor = minorOf(step, shift);
  const minMinor = minorOf(min, shift);
  return { stepMinor, minMinor, maxMinor: scale(BigInt(max), shift).units };
}

/** Rounded up to whole minor units. */
function minorOf(amount: number, shift: number): bigint {
  const { units, rest } = scale(BigInt(amount), shift);
  return rest === 0n ? units : units + 1n;
}

/** Converts our minor units to Stripe's; null when Stripe cannot express the amount or does not accept it. */
export function toStripeAmount(amountMinor: bigint, currency: string): number | null {
  const { decimals, max, step } = rows.get(currency) ?? { decimals: 2, max: eightDigits, step: 1 };
  const { units, rest } = scale(amountMinor, decimals - currencyExponent(currency));
  if (rest !== 0n || units < 1n || units > BigInt(max) || units % BigInt(step) !== 0n) return null;
  return Number(units);
}

/**
 * Converts Stripe's amount to our minor units.
 *
 * @throws {RangeError} when the result is not a whole number.
 */
export function fromStripeAmount(amount: number, currency: string): bigint {
  if (!Number.isSafeInteger(amount) || amount < 0) throw new RangeError(`${amount} is not an amount of Stripe.`);
  const decimals = rows.get(currency)?.decimals ?? 2;
  const { units, rest } = scale(BigInt(amount), currencyExponent(currency) - decimals);
  if (rest !== 0n) throw new RangeError(`${amount} is not a whole number of minor units of ${currency}.`);
  if (units > amountMinorMax) throw new RangeError(`${amount} exceeds the largest possible amount.`);
  return units;
}

/** The amount times ten to the power of `shift`, rounded towards 0, and the remainder. */
function scale(amount: bigint, shift: number): { readonly units: bigint; readonly rest: bigint } {
  const factor = 10n ** BigInt(Math.abs(shift));
  return shift < 0 ? { units: amount / factor, rest: amount % factor } : { units: amount * factor, rest: 0n };
}
