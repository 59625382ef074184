import type { PaymentOrder } from '../provider.ts';

const lengthMax = 256;

/** What the buyer reads in Alipay's app: 1 to 256 characters, without those that Alipay forbids. */
export function subjectOf({ description, orderNumber }: Pick<PaymentOrder, 'description' | 'orderNumber'>): string {
  return cleanText(description ?? '') || cleanText(`Order ${orderNumber}`);
}

/** Text for people as Alipay takes it: forbidden characters and halves of some are blanks, and what is too long is cut between characters. */
export function cleanText(text: string): string {
  const cleaned = text.replaceAll(/[/=&\p{Cc}\p{Cs}\s]+/gu, ' ').trim();
  let kept = '';
  for (const character of cleaned) {
    if (kept.length + character.length > lengthMax) break;
    kept += character;
  }
  return kept.trim();
}
