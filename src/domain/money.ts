import currencies from 'currency-codes';

/** An amount in whole ISO 4217 minor units of one currency. Never a float. */
export type Money = { readonly amountMinor: bigint; readonly currency: string };

/** The largest amount that this API accepts: the largest integer that a JSON number represents exactly, 2^53 − 1. */
export const amountMinorMax = BigInt(Number.MAX_SAFE_INTEGER);

/** ISO 4217 codes that cannot be used to pay: metals, units of account, the test code and "no currency". */
const notMoney = new Set(['XAG', 'XAU', 'XBA', 'XBB', 'XBC', 'XBD', 'XDR', 'XPD', 'XPT', 'XSU', 'XTS', 'XUA', 'XXX']);

/** Codes that the package does not have yet. XCG, the Caribbean guilder, is in ISO 4217 since 2025. */
const addedSince: readonly [code: string, digits: number][] = [['XCG', 2]];

const exponents: ReadonlyMap<string, number> = new Map([
  ...currencies.data.filter(({ code }) => !notMoney.has(code)).map(({ code, digits }) => [code, digits] as const),
  ...addedSince,
]);

/** True for an upper-case ISO 4217 code of a currency that can be used to pay. */
export function isCurrency(code: string): boolean {
  return exponents.has(code);
}

/**
 * The number of decimals of a currency according to ISO 4217: 0 for JPY, 2 for EUR, 3 for KWD.
 *
 * @throws {RangeError} when `isCurrency` is false for the code.
 */
export function currencyExponent(code: string): number {
  const exponent = exponents.get(code);
  if (exponent === undefined) throw new RangeError(`${code} is not a currency of ISO 4217.`);
  return exponent;
}

/**
 * The amount as decimal text without the currency. For 1234 minor units: `12.34` in EUR, `1234` in JPY, `1.234` in KWD.
 *
 * @throws {RangeError} when `isCurrency` is false for the currency.
 */
export function formatDecimal({ amountMinor, currency }: Money): string {
  const exponent = currencyExponent(currency);
  if (exponent === 0) return amountMinor.toString();
  const digits = amountMinor.toString().padStart(exponent + 1, '0');
  return `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/**
 * The amount as readable text: `12.34 EUR`. A provider may report a currency that ISO 4217 does not have. The text is then
 * `1234 minor units of XYZ`.
 */
export function formatMoney(money: Money): string {
  const { amountMinor, currency } = money;
  return isCurrency(currency) ? `${formatDecimal(money)} ${currency}` : `${amountMinor} minor units of ${currency}`;
}

export function minOf(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

export function sumOf<T>(rows: Iterable<T>, amountOf: (row: T) => bigint): bigint {
  let sum = 0n;
  for (const row of rows) sum += amountOf(row);
  return sum;
}
