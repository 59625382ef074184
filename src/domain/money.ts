import currencies from 'currency-codes';

/** Whole minor units of one currency. Never a float. */
export type Money = { readonly amountMinor: bigint; readonly currency: string };

/** The largest amount that a JSON integer carries exactly; no amount of ours is larger. */
export const amountMinorMax = BigInt(Number.MAX_SAFE_INTEGER);

/** Codes of ISO 4217 that name no money one could pay with: metals, units of account, tests and "no currency". */
const notMoney = new Set(['XAG', 'XAU', 'XBA', 'XBB', 'XBC', 'XBD', 'XDR', 'XPD', 'XPT', 'XSU', 'XTS', 'XUA', 'XXX']);

/** Of ISO 4217 since 2025, and not in the package's list yet: the Caribbean guilder. */
const addedSince: readonly [code: string, digits: number][] = [['XCG', 2]];

const exponents: ReadonlyMap<string, number> = new Map([
  ...currencies.data.filter(({ code }) => !notMoney.has(code)).map(({ code, digits }) => [code, digits] as const),
  ...addedSince,
]);

/** True for an ISO 4217 alphabetic code, in upper case, of a currency that one can pay with. */
export function isCurrency(code: string): boolean {
  return exponents.has(code);
}

/**
 * How many decimals ISO 4217 gives the currency: 0 for JPY, 2 for EUR, 3 for KWD.
 * @throws {RangeError} when the code is not one of ISO 4217.
 */
export function currencyExponent(code: string): number {
  const exponent = exponents.get(code);
  if (exponent === undefined) throw new RangeError(`${code} is not a currency of ISO 4217.`);
  return exponent;
}

/** `12.34` for 1234 EUR, `1234` for 1234 JPY, `1.234` for 1234 KWD. */
export function formatDecimal({ amountMinor, currency }: Money): string {
  const exponent = currencyExponent(currency);
  if (exponent === 0) return amountMinor.toString();
  const digits = amountMinor.toString().padStart(exponent + 1, '0');
  return `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/** `12.34 EUR`, for people. What a provider reports may be in a currency that ISO 4217 does not have: `1234 minor units of XYZ`. */
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
