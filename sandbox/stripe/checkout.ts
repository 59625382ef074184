import type { TestCard } from './cards.ts';
import { sessionObject } from './checkout-objects.ts';
import { invalid } from './errors.ts';
import { recordEvent } from './events.ts';
import { type Attempt, completeAuthentication, confirmIntent } from './payment-attempts.ts';
import { createIntent, endIntent, outcomeSubject } from './payment-intents.ts';
import type { IntentRow, SessionRow, StripeState } from './state.ts';

export const sessionSecondsMin = 30 * 60;
export const sessionSecondsMax = 24 * 3600;

export type NewSession = Omit<SessionRow, 'id' | 'created' | 'status' | 'intent' | 'lines'> & {
  readonly lines: readonly Omit<SessionRow['lines'][number], 'id'>[];
};

export function createSession(stripe: StripeState, input: NewSession): SessionRow {
  const session = stripe.sessions.put({
    ...input,
    id: stripe.newId('cs_test_', 58),
    created: stripe.clock.wireSeconds(),
    status: 'open',
    lines: input.lines.map((line) => ({ ...line, id: stripe.newId('li_') })),
    intent: null,
  });
  stripe.schedule(input.expiresAt * 1000 - stripe.clock.wireMs(), 'expire_session', session.id);
  return session;
}

/** The buyer pays with a card. @throws {StripeRefusal} when the session is not open. */
export function payInSession(stripe: StripeState, session: SessionRow, card: TestCard): Attempt {
  if (session.status !== 'open') throw invalid(`This Checkout Session is ${session.status}.`);
  const existing = session.intent === null ? undefined : stripe.intents.get(session.intent);
  const intent = existing ?? startIntent(stripe, session);
  const attempt = confirmIntent(stripe, intent, card, { returnUrl: null, errorOnRequiresAction: false });
  completeSessionIfPaid(stripe, attempt.intent);
  return attempt;
}

/** The buyer finishes 3-D Secure, with or without a session. @throws {StripeRefusal} when the intent does not require an action. */
export function finishAuthentication(stripe: StripeState, intent: IntentRow, passed: boolean): Attempt {
  const attempt = completeAuthentication(stripe, intent, passed);
  completeSessionIfPaid(stripe, attempt.intent);
  return attempt;
}

/** Completes the session of a payment that has succeeded, is authorized or is processing. */
export function completeSessionIfPaid(stripe: StripeState, intent: IntentRow): void {
  const session = intent.session === null ? undefined : stripe.sessions.get(intent.session);
  if (!session || session.status === 'complete') return;
  if (intent.status !== 'succeeded' && intent.status !== 'requires_capture' && intent.status !== 'processing') return;
  const complete = stripe.sessions.put({ ...session, status: 'complete' });
  recordEvent(stripe, 'checkout.session.completed', sessionObject(stripe, complete));
}

/** Records the delayed result of a session that was completed while its payment was processing. */
export function reportDelayedResult(stripe: StripeState, intentId: string, outcome: 'succeeded' | 'failed'): void {
  const session = sessionOf(stripe, intentId);
  if (session?.status !== 'complete') return;
  recordEvent(stripe, `checkout.session.async_payment_${outcome}`, sessionObject(stripe, session));
}

/** Expires an open session and cancels its PaymentIntent. @throws {StripeRefusal} when the session is not open. */
export function expireSession(stripe: StripeState, session: SessionRow): SessionRow {
  if (session.status !== 'open') {
    throw invalid(
      'Only Checkout Sessions with a status in ["open"] can be expired. ' +
        `This Session has a status of ${session.status}.`,
    );
  }
  const expired = stripe.sessions.put({ ...session, status: 'expired' });
  const intent = session.intent === null ? undefined : stripe.intents.get(session.intent);
  if (intent && intent.status !== 'canceled') endIntent(stripe, intent, 'automatic', 'charge.refunded');
  recordEvent(stripe, 'checkout.session.expired', sessionObject(stripe, expired));
  const rule = stripe.faults.takeOutcome(['success_after_close'], outcomeSubject(expired));
  if (rule) stripe.schedule(rule.ms ?? 0, 'succeed_anyway', (intent ?? startIntent(stripe, expired)).id);
  return expired;
}

export function expireSessionIfOpen(stripe: StripeState, sessionId: string): void {
  const session = stripe.sessions.get(sessionId);
  if (session?.status === 'open') expireSession(stripe, session);
}

function startIntent(stripe: StripeState, session: SessionRow): IntentRow {
  const intent = createIntent(stripe, {
    amount: session.amount,
    currency: session.currency,
    captureMethod: session.captureMethod,
    description: session.intentDescription,
    receiptEmail: session.customerEmail,
    metadata: session.intentMetadata,
    allowedTypes: session.allowedTypes ?? ['card'],
    echoed: session.intentEchoed,
    session: session.id,
  });
  const current = stripe.sessions.get(session.id) ?? session;
  stripe.sessions.put({ ...current, intent: intent.id });
  return intent;
}

function sessionOf(stripe: StripeState, intentId: string): SessionRow | undefined {
  const session = stripe.intents.get(intentId)?.session;
  return session === null || session === undefined ? undefined : stripe.sessions.get(session);
}
