import { digitsOf } from './currency-digits.ts';

/** An amount as the API has it. */
export type Amount = { readonly amountMinor: number; readonly currency: string };

export type Format = {
  readonly locale: string;
  /** An amount with its currency: `€12.34`. Exact: nothing is computed in floating point. */
  money(amount: Amount): string;
  number(value: number): string;
  /** A ratio: 0.5 is 50%. */
  percent(ratio: number): string;
  /** A day and a time, to the minute. */
  dateTime(time: string | Date): string;
  /** A day and a time to the second, with the zone. */
  exactTime(time: string | Date): string;
  /** A time of the day, to the second. */
  timeOfDay(time: string | Date): string;
  day(time: string | Date): string;
  /** "3 minutes ago", "in 2 hours". */
  relative(time: string | Date, now: Date): string;
};

const steps = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
] as const;

export function createFormat(locale: string): Format {
  const currencies = new Map<string, Intl.NumberFormat>();
  const currencyFormat = (currency: string) => {
    const known = currencies.get(currency);
    if (known !== undefined) return known;
    const digits = digitsOf(currency);
    const made = new Intl.NumberFormat(locale, {
      style: 'currency',
      currency,
      currencyDisplay: 'symbol',
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    currencies.set(currency, made);
    return made;
  };
  const numbers = new Intl.NumberFormat(locale);
  const percents = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });
  const dateTimes = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
  const exactTimes = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'long' });
  const times = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });
  const days = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' });
  const relatives = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  return {
    locale,
    money({ amountMinor, currency }) {
      const decimal = decimalOf(amountMinor, digitsOf(currency)) as Intl.StringNumericLiteral;
      return currencyFormat(currency).format(decimal);
    },
    number: (value) => numbers.format(value),
    percent: (ratio) => percents.format(ratio),
    dateTime: (time) => dateTimes.format(new Date(time)),
    exactTime: (time) => exactTimes.format(new Date(time)),
    timeOfDay: (time) => times.format(new Date(time)),
    day: (time) => days.format(new Date(time)),
    relative(time, now) {
      let value = (new Date(time).getTime() - now.getTime()) / 1000;
      for (const [unit, size] of steps) {
        if (Math.abs(value) < size) return relatives.format(Math.round(value), unit);
        value /= size;
      }
      return relatives.format(Math.round(value), 'year');
    },
  };
}

/** Minor units as decimal text: 1234 with 2 digits is `12.34`. */
export function decimalOf(amountMinor: number, digits: number): string {
  const sign = amountMinor < 0 ? '-' : '';
  const text = String(Math.abs(amountMinor)).padStart(digits + 1, '0');
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** What a person typed as an amount, in minor units; null when it is not an amount of this currency. A comma counts as a point. */
export function parseAmount(text: string, currency: string): number | null {
  const digits = digitsOf(currency);
  const match = /^\s*(\d{1,15})(?:[.,](\d*))?\s*$/.exec(text);
  if (match === null) return null;
  const [, whole = '', fraction = ''] = match;
  if (fraction.length > digits) return null;
  const minor = Number(whole + fraction.padEnd(digits, '0'));
  return Number.isSafeInteger(minor) ? minor : null;
}
