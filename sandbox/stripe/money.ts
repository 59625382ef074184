import { invalid } from './errors.ts';
import { type Param, text } from './params.ts';

const zeroDecimal = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '));
const threeDecimal = new Set('bhd jod kwd omr tnd'.split(' '));
/** Without decimals in life, sent with two that must be zero. */
const zeroSentAsTwo = new Set(['isk', 'ugx']);
const twoDecimal = new Set(
  (
    'aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc ' +
    'cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs khr ' +
    'kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk ' +
    'php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah ugx usd ' +
    'uyu uzs wst xcd xcg yer zar zmw'
  ).split(' '),
);

/**
 * The smallest charge, in minor units, where Stripe publishes one. Elsewhere it is about half a dollar's worth, by the day's rate: of yuan
 * that is checked, by one rate for ever.
 * https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
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

/** Amounts have at most eight digits; of rupiah, twelve. */
function amountMinorMaxOf(currency: string): number {
  return currency === 'idr' ? 999_999_999_999 : 99_999_999;
}

/** How many digits of an amount stand behind the decimal point. */
export function decimalsOf(currency: string): number {
  if (zeroDecimal.has(currency)) return 0;
  return threeDecimal.has(currency) ? 3 : 2;
}

/** A currency code as Stripe takes it: lower case, and one it knows. */
export function currencyCode(): Param<string> {
  return {
    read(raw, name) {
      const code = text(10).read(raw, name).toLowerCase();
      if (!zeroDecimal.has(code) && !threeDecimal.has(code) && !twoDecimal.has(code)) {
        throw invalid(`Invalid currency: ${code}. Stripe does not support it.`, name);
      }
      return code;
    },
  };
}

/** @throws {StripeRefusal} when nobody could be charged this much. */
export function checkChargeAmount(amount: number, currency: string, param: string): void {
  if (amount < 1) {
    throw invalid('This value must be greater than or equal to 1.', param, 'parameter_invalid_integer');
  }
  const maximum = amountMinorMaxOf(currency);
  if (amount > maximum) {
    throw invalid(`Amount must be no more than ${written(maximum, currency)}`, param, 'amount_too_large');
  }
  const minimum = chargeMinorMin[currency] ?? 1;
  if (amount < minimum) {
    throw invalid(`Amount must be at least ${written(minimum, currency)}`, param, 'amount_too_small');
  }
  checkGrain(amount, currency, param);
}

/** @throws {StripeRefusal} when an amount of a charge, a capture or a refund has digits that must be 0. */
export function checkGrain(amount: number, currency: string, param: string): void {
  if (threeDecimal.has(currency) && amount % 10 !== 0) {
    throw invalid(
      `Invalid amount: the last digit of an amount in ${currency} must be 0.`,
      param,
      'parameter_invalid_integer',
    );
  }
  if (zeroSentAsTwo.has(currency) && amount % 100 !== 0) {
    throw invalid(
      `Invalid amount: amounts in ${currency} must be divisible by 100.`,
      param,
      'parameter_invalid_integer',
    );
  }
}

/** For people: `12.34 usd`. */
export function written(amountMinor: number, currency: string): string {
  const decimals = decimalsOf(currency);
  const digits = String(amountMinor).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+$)/g, ',');
  return decimals === 0 ? `${whole} ${currency}` : `${whole}.${digits.slice(-decimals)} ${currency}`;
}
