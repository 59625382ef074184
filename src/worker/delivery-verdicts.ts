import { after } from '../domain/clock.ts';
import type { Verdict } from '../domain/report.ts';
import type { Delivery, DeliveryVerdict } from '../events/inbox.ts';
import type { CommandContext } from '../provider-calls/context.ts';

/**
 * How long a callback that cannot be applied is retried before a person must look at it, and how often at least: the
 * server may have been down in between.
 */
const triedForMsMax = 24 * 60 * 60_000;
const triesMin = 12;
const retryDelayMsMin = 5000;
const retryDelayMsMax = 60 * 60_000;

/** A verdict that ends the tries. */
type Final = Exclude<DeliveryVerdict, { status: 'POSTPONED' }>;

/** A final verdict. It keeps only the parts of the body that a person may need later. */
export function finalOf(
  { accounts }: CommandContext,
  delivery: Delivery,
  status: Final['status'],
  reason: string | null,
  paymentId: string | null,
): Final {
  const { body } = delivery;
  return {
    status,
    reason,
    paymentId,
    body: accounts.find({ ...delivery, merchantId: null })?.redactWebhook(body, 'done') ?? body,
  };
}

export function statusOf(verdict: Verdict): [status: Final['status'], reason: string | null] {
  switch (verdict.effect) {
    case 'applied':
      return ['APPLIED', null];
    case 'repeated':
      return ['IGNORED', 'repeated'];
    case 'refused':
      return [verdict.reason === 'mismatch' ? 'REVIEW' : 'IGNORED', verdict.reason];
  }
}

export function postponed({ applyAttempts }: Delivery, reason: string, at: Date): DeliveryVerdict {
  const delayMs = Math.min(retryDelayMsMin * 2 ** (applyAttempts - 1), retryDelayMsMax);
  return { status: 'POSTPONED', reason, applyAt: after(at, delayMs) };
}

export function isTriedLongEnough({ receivedAt, applyAttempts }: Delivery, at: Date): boolean {
  return at.getTime() - receivedAt.getTime() >= triedForMsMax && applyAttempts >= triesMin;
}
