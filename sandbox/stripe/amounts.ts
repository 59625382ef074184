import { decimalsOf, isKnownCurrency } from '../currencies.ts';
import { invalid } from './errors.ts';
import { type Param, text } from './params.ts';

/** Currencies without decimals that Stripe represents with two decimals, which must be zero. */
const zeroAsTwoDecimal: ReadonlySet<string> = new Set(['isk', 'ugx']);

/**
 * The smallest charge in minor units, where Stripe publishes one. In other currencies the minimum is the equivalent of about half a
 * US dollar. The sandbox checks that only for yuan, with a fixed rate.
 *
 * @see https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
 */
const chargeMinorMin: Readonly<Record<string, number>> = {
  usd: 50,
  aed: 200,
  aud: 50,
  bgn: 100,
  brl: 50,
  cad: 50,
  chf: 50,
  czk: 1500,
  dkk: 250,
  eur: 50,
  gbp: 30,
  hkd: 400,
  huf: 17_500,
  inr: 50,
  jpy: 50,
  mxn: 1000,
  myr: 200,
  nok: 300,
  nzd: 50,
  pln: 200,
  ron: 200,
  sek: 300,
  sgd: 50,
  thb: 1000,
  cny: 400,
};

/** Amounts have at most eight digits; amounts in rupiah have at most twelve. */
function amountMinorMaxOf(currency: string): number {
  return currency === 'idr' ? 999_999_999_999 : 99_999_999;
}

/** Reads a currency code that Stripe supports. */
export function currencyCode(): Param<string> {
  return {
    read(raw, name) {
      const code = text(10).read(raw, name).toLowerCase();
      if (!isKnownCurrency(code)) {
        throw invalid(`Invalid currency: ${code}. Stripe does not support it.`, name);
      }
      return code;
    },
  };
}

/** @throws {StripeRefusal} when the amount is not a valid amount of a charge. */
export function checkChargeAmount(amount: number, currency: string, param: string): void {
  if (amount < 1) {
    throw invalid('This value must be greater than or equal to 1.', param, 'parameter_invalid_integer');
  }
  const maximum = amountMinorMaxOf(currency);
  if (amount > maximum) {
    throw invalid(`Amount must be no more than ${formatAmount(maximum, currency)}`, param, 'amount_too_large');
  }
  const minimum = chargeMinorMin[currency] ?? 1;
  if (amount < minimum) {
    throw invalid(`Amount must be at least ${formatAmount(minimum, currency)}`, param, 'amount_too_small');
  }
  checkDivisibility(amount, currency, param);
}

/** @throws {StripeRefusal} when digits of the amount of a charge, capture or refund must be 0 and are not. */
export function checkDivisibility(amount: number, currency: string, param: string): void {
  if (decimalsOf(currency) === 3 && amount % 10 !== 0) {
    throw invalid(
      `Invalid amount: the last digit of an amount in ${currency} must be 0.`,
      param,
      'parameter_invalid_integer',
    );
  }
  if (zeroAsTwoDecimal.has(currency) && amount % 100 !== 0) {
    throw invalid(
      `Invalid amount: amounts in ${currency} must be divisible by 100.`,
      param,
      'parameter_invalid_integer',
    );
  }
}

/** `12.34 usd` */
export function formatAmount(amountMinor: number, currency: string): string {
  const decimals = decimalsOf(currency);
  const digits = String(amountMinor).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+$)/g, ',');
  return decimals === 0 ? `${whole} ${currency}` : `${whole}.${digits.slice(-decimals)} ${currency}`;
}
