import { beijingDigits } from '../beijing-time.ts';
import type { SandboxContext } from '../context.ts';
import { newDigits } from '../random.ts';

type Source = Pick<SandboxContext, 'newId' | 'clock'>;

function today(source: Source): string {
  return beijingDigits(source.clock.wireMs()).slice(0, 8);
}

/** 28 digits that contain the date. */
export function newTransactionId(source: Source): string {
  return `42000${newDigits(source, 5)}${today(source)}${newDigits(source, 10)}`;
}

/** 29 digits that contain the date. */
export function newRefundId(source: Source): string {
  return `50300${newDigits(source, 5)}${today(source)}${newDigits(source, 11)}`;
}

/** 36 characters that contain the time. */
export function newPrepayId(source: Source): string {
  return `wx${beijingDigits(source.clock.wireMs())}${source.newId('', 20).toLowerCase()}`;
}

/** The `pr` of a code_url. */
export function newQrToken({ newId }: Source): string {
  return newId('', 9);
}

/** The id of a buyer in the merchant's app: 28 characters. */
export function newOpenid({ newId }: Source): string {
  return newId('o', 27);
}
