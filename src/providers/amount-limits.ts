import { formatMoney } from '../domain/money.ts';

/** What a method takes in one currency, in minor units by ISO 4217. */
export type AmountLimits = {
  /** The smallest payment. A capture and a refund may be smaller. */
  readonly minMinor: bigint;
  readonly maxMinor: bigint;
  /** Every amount is a multiple of it: 1, or the power of ten that the method counts in. */
  readonly stepMinor: bigint;
};

/** What an amount is for: a whole payment, or a part of one that is captured or refunded. */
export type AmountUse = 'PAYMENT' | 'PART';

/**
 * Why a method does not take an amount, in a sentence for people; null when it does. Each sentence names the one limit that is not kept.
 *
 * @param subject who takes it, as the sentence begins: `Cards take`.
 * @param limits null when the method does not take the currency at all.
 */
export function refusalOfAmount(
  subject: string,
  limits: AmountLimits | null,
  money: { readonly amountMinor: bigint; readonly currency: string },
  use: AmountUse,
): string | null {
  const { amountMinor, currency } = money;
  if (limits === null) return `${subject} no ${currency}.`;
  const { maxMinor, stepMinor } = limits;
  const minMinor = use === 'PAYMENT' ? limits.minMinor : stepMinor;
  const written = (minor: bigint) => formatMoney({ amountMinor: minor, currency });
  if (amountMinor < minMinor) return `${subject} at least ${written(minMinor)}, and this is ${written(amountMinor)}.`;
  if (amountMinor > maxMinor) return `${subject} at most ${written(maxMinor)}, and this is ${written(amountMinor)}.`;
  if (amountMinor % stepMinor === 0n) return null;
  const zeros = stepMinor.toString().length - 1;
  const digits = zeros === 1 ? 'last digit' : `last ${zeros} digits`;
  return `${subject} ${currency} in steps of ${written(stepMinor)}: the ${digits} of ${written(amountMinor)} must be 0.`;
}
