import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { currencyExponent, formatDecimal, isCurrency } from '../../src/domain/money.ts';
import { placeIn } from '../../web/dashboard/list-conditions.ts';
import { conditionsOf, variablesOf } from '../../web/dashboard/order-filter.ts';
import { spanOf } from '../../web/dashboard/sales-sums.ts';
import { digitsOf } from '../../web/shared/currency-digits.ts';
import { createFormat, decimalOf, parseAmount } from '../../web/shared/format.ts';

describe('amounts that people type', () => {
  test.each<[text: string, currency: string, minor: number | null]>([
    ['12.34', 'EUR', 1234],
    ['12,34', 'EUR', 1234],
    [' 12 ', 'EUR', 1200],
    ['12.3', 'EUR', 1230],
    ['12.', 'EUR', 1200],
    ['0.01', 'CNY', 1],
    ['1234', 'JPY', 1234],
    ['1.234', 'KWD', 1234],
    ['17500', 'HUF', 1_750_000], // used without decimals, but ISO 4217 counts two
    ['0.0001', 'CLF', 1],
    ['12.345', 'EUR', null], // more decimals than there are: nothing is rounded
    ['12.5', 'JPY', null],
    ['1,234.56', 'EUR', null], // a thousands separator or a mistake
    ['-5', 'EUR', null],
    ['1e3', 'EUR', null],
    ['', 'EUR', null],
    ['.5', 'EUR', null],
    ['999999999999999', 'EUR', null], // not a safe number of cents
  ])('%j in %s is %s', (text, currency, minor) => {
    expect(parseAmount(text, currency)).toBe(minor);
  });

  test('each amount is read as it is written', () => {
    const amount = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(amount, fc.constantFrom('EUR', 'CNY', 'JPY', 'KWD', 'HUF', 'CLF'), (minor, currency) => {
        const text = decimalOf(minor, digitsOf(currency));
        return text.length > 15 || parseAmount(text, currency) === minor;
      }),
    );
  });

  test('each amount is shown exactly, also where a float is not', () => {
    const { money } = createFormat('en-US');
    expect(money({ amountMinor: Number.MAX_SAFE_INTEGER, currency: 'USD' })).toBe('$90,071,992,547,409.91');
    expect(money({ amountMinor: 1234, currency: 'JPY' })).toBe('¥1,234');
    expect(money({ amountMinor: 1, currency: 'KWD' })).toContain('0.001');
    expect(createFormat('zh-CN').money({ amountMinor: 2500, currency: 'CNY' })).toBe('¥25.00');
  });
});

describe('the decimals of a currency', () => {
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  const codes = letters
    .flatMap((first) => letters.flatMap((second) => letters.map((third) => first + second + third)))
    .filter(isCurrency);

  test('are those by which the API counts, for every currency that it knows', () => {
    expect(codes.length).toBeGreaterThan(150);
    const digits = (count: (code: string) => number) => Object.fromEntries(codes.map((code) => [code, count(code)]));
    expect(digits(digitsOf)).toEqual(digits(currencyExponent));
  });

  test.each(['en-US', 'zh-CN'])('are all shown in %s, as the API writes them', (locale) => {
    const { money } = createFormat(locale);
    for (const currency of codes) {
      const text = money({ amountMinor: 123_456_789, currency });
      expect(/\d.*\d/.exec(text)?.[0].replaceAll(',', ''), text).toBe(
        formatDecimal({ amountMinor: 123_456_789n, currency }),
      );
    }
  });
});

describe('the conditions of a list', () => {
  test('are in the address, and come back from it', () => {
    const query = new URLSearchParams('search=ada&paid=PAID&method=CARD&from=2026-11-01&sort=oldest');
    const place = placeIn('/orders', conditionsOf(query));
    expect(conditionsOf(new URLSearchParams(place.split('?')[1]))).toEqual(conditionsOf(query));
  });

  test('that the API does not know are left out', () => {
    const query = new URLSearchParams('search=ab&status=NOTHING,OPEN&from=yesterday&to=2026-02-31&review=maybe&more=1');
    const { filter } = variablesOf(conditionsOf(query));
    expect(filter).toMatchObject({ search: null, status: ['OPEN'], createdFrom: null, needsReview: null });
  });

  test('end with the whole last day', () => {
    const { filter } = variablesOf(conditionsOf(new URLSearchParams('from=2026-11-26&to=2026-11-26')));
    const [from, before] = [filter?.createdFrom, filter?.createdBefore].map((time) => new Date(String(time)).getTime());
    expect(Number(before) - Number(from)).toBe(24 * 3_600_000);
  });
});

test.each([
  ['day', 24, 3_600_000],
  ['week', 7, 86_400_000],
  ['month', 30, 86_400_000],
] as const)('a %s has %i intervals without a gap, and ends after now', (range, count, lengthMs) => {
  const now = new Date(2026, 6, 15, 13, 37);
  const { from, before, starts } = spanOf(range, now);
  expect(starts).toHaveLength(count);
  expect(starts[0]).toEqual(from);
  expect(before.getTime()).toBeGreaterThan(now.getTime());
  starts.forEach((start, index) => {
    expect((starts[index + 1] ?? before).getTime() - start.getTime()).toBe(lengthMs);
  });
});

test.each([
  ['go back, the repeated hour is two hours', '2026-10-25T12:30:00Z'],
  ['go forward, the hour that is left out is none', '2026-03-29T12:30:00Z'],
])('on the day when clocks %s', (_what, time) => {
  vi.stubEnv('TZ', 'Europe/Berlin');
  try {
    const { starts, before } = spanOf('day', new Date(time));
    expect(starts).toHaveLength(24);
    expect(before).toEqual(new Date(time.replace('12:30', '13:00')));
    expect(starts.map(Number)).toEqual(starts.map((_, index) => before.getTime() - (24 - index) * 3_600_000));
    expect(spanOf('week', new Date(time)).starts.map((start) => start.getHours())).toEqual([0, 0, 0, 0, 0, 0, 0]);
  } finally {
    vi.unstubAllEnvs();
  }
});
