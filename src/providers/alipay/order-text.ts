import type { PaymentOrder } from '../provider.ts';

const lengthMax = 256;

/** The text that Alipay's app shows to the buyer: 1 to 256 characters without those that Alipay forbids. */
export function subjectOf({ description, orderNumber }: Pick<PaymentOrder, 'description' | 'orderNumber'>): string {
  return cleanText(description ?? '') || cleanText(`Order ${orderNumber}`);
}

/**
 * Text in the form that Alipay accepts: forbidden characters and unpaired surrogates become blanks, and long text is
 * cut between characters.
 */
export function cleanText(text: string): string {
  const cleaned = text.replaceAll(/[/=&\p{Cc}\p{Cs}\s]+/gu, ' ').trim();
  let kept = '';
  for (const character of cleaned) {
    if (kept.length + character.length > lengthMax) break;
    kept += character;
  }
  return kept.trim();
}
