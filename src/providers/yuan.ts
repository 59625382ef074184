import { amountMinorMax } from '../domain/money.ts';

/**
 * The format in which Alipay and WeChat Pay write amounts in yuan: no sign, no exponent, no blanks, at most two
 * decimals.
 */
const yuanText = /^(\d{1,14})(?:\.(\d{1,2}))?$/;

/**
 * Converts `12.3` to 1230 fen. The conversion uses the digits, because floats lose precision.
 *
 * @throws {RangeError} when the text is not an amount in yuan.
 */
export function fenOfYuan(text: string): bigint {
  const [, yuan, decimals = ''] = yuanText.exec(text) ?? [];
  if (yuan === undefined) throw new RangeError('An amount in yuan was expected.');
  const fen = BigInt(yuan) * 100n + BigInt(decimals.padEnd(2, '0'));
  if (fen > amountMinorMax) throw new RangeError('An amount in yuan exceeds the largest possible amount.');
  return fen;
}

/** Converts 1230 fen to `12.30`. */
export function yuanOfFen(fen: bigint): string {
  const digits = fen.toString().padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
