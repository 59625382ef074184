import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromRow, rowJson, toJson } from '../../src/store/rows.ts';

const plain = fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, withUnicodeString: true });

/** The hashes of inputs that were stored by earlier versions are of this text. */
test('the JSON of a plain value is that of JSON.stringify, with amounts as text', () => {
  fc.assert(
    fc.property(plain, (value) => {
      const replaced = (_: string, field: unknown) => (typeof field === 'bigint' ? field.toString() : field);
      expect(toJson(value)).toBe(JSON.stringify(value, replaced));
    }),
  );
});

test('a row has the columns of its fields, and leaves out those that are null', () => {
  const at = new Date('2026-01-02T03:04:05.678Z');
  const text = rowJson(
    { id: 'pay_1', amountMinor: 9_007_199_254_740_993n, createdAt: at, cardBrand: null, failureCode: undefined },
    { late: false, reviewReasons: [], metadata: { 'a "b"': null } },
  );
  expect(JSON.parse(text)).toEqual({
    ...{ id: 'pay_1', amount_minor: '9007199254740993', created_at: '2026-01-02T03:04:05.678Z' },
    ...{ late: false, review_reasons: [], metadata: { 'a "b"': null } },
  });
  expect(fromRow(JSON.parse(text))).toMatchObject({ amountMinor: 9_007_199_254_740_993n, createdAt: at, late: false });
});
