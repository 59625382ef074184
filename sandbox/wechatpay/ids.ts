import type { SandboxContext } from '../provider.ts';
import { beijingDigits } from './time.ts';

type Source = Pick<SandboxContext, 'newId' | 'clock'>;

/** Decimal digits that follow from the seed. */
function digits({ newId }: Source, length: number): string {
  return Array.from(newId('', length), (sign) => sign.charCodeAt(0) % 10).join('');
}

function today(source: Source): string {
  return beijingDigits(source.clock.wireMs()).slice(0, 8);
}

/** 28 digits with the day in them. */
export function newTransactionId(source: Source): string {
  return `42000${digits(source, 5)}${today(source)}${digits(source, 10)}`;
}

/** 29 digits with the day in them. */
export function newRefundId(source: Source): string {
  return `50300${digits(source, 5)}${today(source)}${digits(source, 11)}`;
}

/** 36 characters with the second in them. */
export function newPrepayId(source: Source): string {
  return `wx${beijingDigits(source.clock.wireMs())}${source.newId('', 20).toLowerCase()}`;
}

/** The `pr` of a code_url. */
export function newQrToken({ newId }: Source): string {
  return newId('', 9);
}

/** A buyer as this merchant's app knows them: 28 characters. */
export function newOpenid({ newId }: Source): string {
  return newId('o', 27);
}
