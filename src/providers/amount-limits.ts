import { formatMoney } from '../domain/money.ts';

/** The amounts that a payment method accepts in one currency, in ISO 4217 minor units. */
export type AmountLimits = {
  /** The smallest payment. Captures and refunds may be smaller. */
  readonly minMinor: bigint;
  readonly maxMinor: bigint;
  /** Every amount must be a multiple of this: 1, or a power of ten. */
  readonly stepMinor: bigint;
};

/** `PAYMENT` is a whole payment. `PART` is an amount to capture or refund. */
export type AmountUse = 'PAYMENT' | 'PART';

/**
 * Why a payment method refuses an amount, as a readable sentence that names one limit; null when it accepts the amount.
 *
 * @param subject begins the sentence: `Cards take`.
 * @param limits null when the method does not accept the currency.
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
