import type { TestCard } from './cards.ts';
import { sessionObject } from './checkout-objects.ts';
import { invalid } from './errors.ts';
import { recordEvent } from './events.ts';
import {
  type Attempt,
  completeAuthentication,
  confirmIntent,
  createIntent,
  endIntent,
  outcomeSubject,
} from './payments.ts';
import type { Books, IntentRow, SessionRow } from './state.ts';

export const sessionSecondsMin = 30 * 60;
export const sessionSecondsMax = 24 * 3600;

export type NewSession = Omit<SessionRow, 'id' | 'created' | 'status' | 'intent' | 'lines'> & {
  readonly lines: readonly Omit<SessionRow['lines'][number], 'id'>[];
};

export function createSession(books: Books, input: NewSession): SessionRow {
  const session = books.sessions.put({
    ...input,
    id: books.newId('cs_test_', 58),
    created: books.clock.wireSeconds(),
    status: 'open',
    lines: input.lines.map((line) => ({ ...line, id: books.newId('li_') })),
    intent: null,
  });
  books.plan(input.expiresAt * 1000 - books.clock.wireMs(), 'expire_session', session.id);
  return session;
}

/** The buyer chose a card and pressed Pay. @throws {StripeRefusal} when the session is over. */
export function payInSession(books: Books, session: SessionRow, card: TestCard): Attempt {
  if (session.status !== 'open') throw invalid(`This Checkout Session is ${session.status}.`);
  const held = session.intent === null ? undefined : books.intents.get(session.intent);
  const intent = held ?? startIntent(books, session);
  const attempt = confirmIntent(books, intent, card, { returnUrl: null, errorOnRequiresAction: false });
  completeIfPaid(books, attempt.intent);
  return attempt;
}

/** The buyer came back from 3-D Secure, in a session or outside of one. @throws {StripeRefusal} when nobody waits for them. */
export function finishAuthentication(books: Books, intent: IntentRow, passed: boolean): Attempt {
  const attempt = completeAuthentication(books, intent, passed);
  completeIfPaid(books, attempt.intent);
  return attempt;
}

/** A payment that went through, is authorized or is on its way ends the session; anything else leaves it open. */
export function completeIfPaid(books: Books, intent: IntentRow): void {
  const session = intent.session === null ? undefined : books.sessions.get(intent.session);
  if (!session || session.status === 'complete') return;
  if (intent.status !== 'succeeded' && intent.status !== 'requires_capture' && intent.status !== 'processing') return;
  const complete = books.sessions.put({ ...session, status: 'complete' });
  recordEvent(books, 'checkout.session.completed', sessionObject(books, complete));
}

/** The delayed result of a session that was complete before it was paid. */
export function reportDelayedResult(books: Books, intentId: string, outcome: 'succeeded' | 'failed'): void {
  const session = sessionOf(books, intentId);
  if (session?.status !== 'complete') return;
  recordEvent(books, `checkout.session.async_payment_${outcome}`, sessionObject(books, session));
}

/** Ends an open session; what its buyer had begun is canceled. @throws {StripeRefusal} when it is not open. */
export function expireSession(books: Books, session: SessionRow): SessionRow {
  if (session.status !== 'open') {
    throw invalid(
      'Only Checkout Sessions with a status in ["open"] can be expired. ' +
        `This Session has a status of ${session.status}.`,
    );
  }
  const expired = books.sessions.put({ ...session, status: 'expired' });
  const intent = session.intent === null ? undefined : books.intents.get(session.intent);
  if (intent && intent.status !== 'canceled') endIntent(books, intent, 'automatic', 'charge.refunded');
  recordEvent(books, 'checkout.session.expired', sessionObject(books, expired));
  const rule = books.faults.takeOutcome(['success_after_close'], outcomeSubject(expired));
  if (rule) books.plan(rule.ms ?? 0, 'succeed_anyway', (intent ?? startIntent(books, expired)).id);
  return expired;
}

export function expireIfOpen(books: Books, sessionId: string): void {
  const session = books.sessions.get(sessionId);
  if (session?.status === 'open') expireSession(books, session);
}

function startIntent(books: Books, session: SessionRow): IntentRow {
  const intent = createIntent(books, {
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
  const current = books.sessions.get(session.id) ?? session;
  books.sessions.put({ ...current, intent: intent.id });
  return intent;
}

function sessionOf(books: Books, intentId: string): SessionRow | undefined {
  const session = books.intents.get(intentId)?.session;
  return session === null || session === undefined ? undefined : books.sessions.get(session);
}
