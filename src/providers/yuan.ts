import { amountMinorMax } from '../domain/money.ts';

/** As Alipay and WeChat Pay write amounts of yuan. Nothing else is one: no sign, no exponent, no blanks, no third decimal. */
const yuanText = /^(\d{1,14})(?:\.(\d{1,2}))?$/;

/**
 * `12.3` as 1230 fen. By its digits alone: a float would lose some.
 * @throws {RangeError} when it is no amount of yuan.
 */
export function fenOfYuan(text: string): bigint {
  const [, yuan, decimals = ''] = yuanText.exec(text) ?? [];
  if (yuan === undefined) throw new RangeError('An amount of yuan was expected.');
  const fen = BigInt(yuan) * 100n + BigInt(decimals.padEnd(2, '0'));
  if (fen > amountMinorMax) throw new RangeError('An amount of yuan is larger than amounts can be.');
  return fen;
}

/** 1230 fen as `12.30`. */
export function yuanOfFen(fen: bigint): string {
  const digits = fen.toString().padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
