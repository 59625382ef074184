import { expect, test } from 'vitest';
import { hasCardNumber } from '../../src/domain/card-number.ts';

test.each([
  ['Visa', '4242424242424242'],
  ['Visa of 13 digits', '4222222222222'],
  ['Mastercard', '5555555555554444'],
  ['Mastercard of the newer range', '2223003122003222'],
  ['American Express', '378282246310005'],
  ['Discover', '6011111111111117'],
  ['UnionPay', '6200000000000005'],
  ['UnionPay of 19 digits', '6205500000000000004'],
  ['JCB', '3566002020360505'],
  ['Diners Club', '30569309025904'],
  ['a number with spaces', '4242 4242 4242 4242'],
  ['a number with dashes', '4242-4242-4242-4242'],
  ['a number with other dashes and spaces', '4242–4242\u00a04242 4242'],
  ['a number in a sentence', 'The buyer paid with 4242 4242 4242 4242, valid until 12/29.'],
  ['a number before its security code', '4242 4242 4242 4242 123'],
  ['a number after another one', 'order 17 4242424242424242'],
  ['full-width digits', '４２４２４２４２４２４２４２４２'],
  ['a number beside letters', 'pan:4242424242424242;'],
])('%s is found', (_what, text) => {
  expect(hasCardNumber(text)).toBe(true);
});

test.each([
  ['a wrong check digit', '4242424242424241'],
  ['the last four digits', 'Visa …4242'],
  ['a time in milliseconds', '1732620000004'],
  ['an order number that begins with the date', '20261126000000000005'],
  ['a trade number of Alipay', '2026112622001476000501234567'],
  ['a longer number that contains one', '94242424242424242'],
  ['an unknown beginning', '9999999999999995'],
  ['a telephone number', '+49 30 901820'],
  ['an order id', 'ord_01jd8m0v6te4r8x3y5z7a9b1c2'],
  ['digits between letters', '4242x4242x4242x4242'],
  ['nothing', ''],
])('%s is no card number', (_what, text) => {
  expect(hasCardNumber(text)).toBe(false);
});
