import { OutcomeUnknownError } from '../provider.ts';
import type { StripeCheckoutSession, StripePaymentIntent } from './objects.ts';

/** Why a PaymentIntent is not the payment's that it is taken for, in half a sentence; null when it is. */
export function strangenessOfIntent(intent: StripePaymentIntent, paymentId: string, isLive: boolean): string | null {
  const named = intent.metadata.payment_id;
  if (named !== paymentId) return `reported by ${intent.id}, which names ${named ?? 'no payment'}.`;
  return strangenessOfMode(intent.livemode, isLive);
}

/**
 * The same of a Checkout Session. The buyer can put any reference into the address of a Payment Link, so it proves nothing there.
 * Sessions of earlier versions name their payment by the reference alone.
 */
export function strangenessOfSession(
  session: StripeCheckoutSession,
  paymentId: string,
  isLive: boolean,
): string | null {
  const { id, client_reference_id: reference, metadata, payment_link: link, payment_intent: intent } = session;
  if (reference !== paymentId) return `reported by ${id}, which names ${reference ?? 'no payment'}.`;
  if (link != null) return `reported by ${id}, which a Payment Link made.`;
  const named = metadata?.payment_id;
  if (named !== undefined && named !== paymentId) return `reported by ${id}, which names ${named} as well.`;
  const isExpanded = typeof intent === 'object' && intent !== null;
  if (isExpanded) return strangenessOfIntent(intent, paymentId, isLive) ?? strangenessOfMode(session.livemode, isLive);
  return strangenessOfMode(session.livemode, isLive);
}

function strangenessOfMode(livemode: boolean | undefined, isLive: boolean): string | null {
  const nameOf = (mode: boolean) => (mode ? 'live' : 'test');
  if (livemode === undefined || livemode === isLive) return null;
  return `reported in ${nameOf(livemode)} mode, not in ${nameOf(isLive)} mode.`;
}

/** @throws {OutcomeUnknownError} when an answer of Stripe's is about something else: nothing follows from it for the payment. */
export function mustConcern(strangeness: string | null): void {
  if (strangeness === null) return;
  throw new OutcomeUnknownError(`Stripe answered with what was not asked for: ${strangeness}`);
}
