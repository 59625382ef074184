import { OutcomeUnknownError } from '../provider.ts';
import type { StripeCheckoutSession, StripePaymentIntent } from './objects.ts';

/** Why a PaymentIntent does not belong to the payment, as part of a sentence; null when it does. */
export function intentMismatch(intent: StripePaymentIntent, paymentId: string, isLive: boolean): string | null {
  const named = intent.metadata.payment_id;
  if (named !== paymentId) return `reported by ${intent.id}, which names ${named ?? 'no payment'}.`;
  return modeMismatch(intent.livemode, isLive);
}

/**
 * The same for a Checkout Session. The reference alone proves nothing for a Payment Link, because the buyer can set it
 * in the link's URL. Sessions of earlier versions have only the reference.
 */
export function sessionMismatch(session: StripeCheckoutSession, paymentId: string, isLive: boolean): string | null {
  const { id, client_reference_id: reference, metadata, payment_link: link, payment_intent: intent } = session;
  if (reference !== paymentId) return `reported by ${id}, which names ${reference ?? 'no payment'}.`;
  if (link != null) return `reported by ${id}, which a Payment Link made.`;
  const named = metadata?.payment_id;
  if (named !== undefined && named !== paymentId) return `reported by ${id}, which names ${named} as well.`;
  const isExpanded = typeof intent === 'object' && intent !== null;
  if (isExpanded) return intentMismatch(intent, paymentId, isLive) ?? modeMismatch(session.livemode, isLive);
  return modeMismatch(session.livemode, isLive);
}

function modeMismatch(livemode: boolean | undefined, isLive: boolean): string | null {
  const nameOf = (mode: boolean) => (mode ? 'live' : 'test');
  if (livemode === undefined || livemode === isLive) return null;
  return `reported in ${nameOf(livemode)} mode, not in ${nameOf(isLive)} mode.`;
}

/** @throws {OutcomeUnknownError} when the answer is about another object. Nothing follows from it for the payment. */
export function requireMatch(mismatch: string | null): void {
  if (mismatch === null) return;
  throw new OutcomeUnknownError(`Stripe answered with another object: ${mismatch}`);
}
