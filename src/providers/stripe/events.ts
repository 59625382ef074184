import { z } from 'zod';
import type { Evidence, NextAction } from '../../domain/payment.ts';
import { type WebhookMessage, WebhookRejectedError } from '../provider.ts';
import { memberOf, paymentIdIn, providerIdIn, readWebhookContent, unknownStatus } from '../webhook-content.ts';
import {
  checkoutSessionSchema,
  eventSchema,
  failedLater,
  paymentIdOf,
  paymentIntentSchema,
  reportOfIntent,
  reportOfSession,
  type StripePaymentIntent,
} from './objects.ts';
import { sessionMismatch } from './ownership.ts';
import { intentIdOf, isRelease, refundSchema, reportOfRefund } from './refunds.ts';

export type StripeEvent = z.infer<typeof eventSchema>;

/** The only event that may deliver the next action. */
export const creationType = 'payment_intent.created';
/** The scope of our events: one account and one mode. */
export type EventScope = { readonly accountId: string; readonly isLive: boolean };

export function parseEvent(body: Buffer): StripeEvent {
  try {
    return eventSchema.parse(JSON.parse(body.toString('utf8')));
  } catch (cause) {
    throw new WebhookRejectedError('MALFORMED', { cause });
  }
}

/**
 * Converts an event to a message about a payment or a refund, or to the reason why it is not used. Only the creation
 * event delivers the next action: it contains a secret, which is not stored with other events.
 */
export function messageOfEvent(
  event: StripeEvent,
  evidence: Evidence,
  scope: EventScope,
  confirmActionOf: (intent: StripePaymentIntent) => NextAction | null,
): WebhookMessage {
  const { type, data } = event;
  const mismatch = eventMismatch(event, scope);
  if (mismatch !== null) return { kind: 'foreign', paymentId: paymentIdNamedIn(data.object), reason: mismatch };
  if (type.startsWith('payment_intent.')) return messageOfIntent(type, data.object, evidence, confirmActionOf);
  if (type.startsWith('checkout.session.')) return messageOfSession(type, data.object, evidence, scope.isLive);
  // Charge events repeat the refunds as a sum.
  if (type.startsWith('refund.')) return messageOfRefund(data.object, evidence);
  return ignored('type_not_used');
}

function messageOfIntent(
  type: string,
  object: unknown,
  evidence: Evidence,
  confirmActionOf: (intent: StripePaymentIntent) => NextAction | null,
): WebhookMessage {
  const named = memberOf(memberOf(object, 'metadata'), 'payment_id');
  const ids = { paymentId: paymentIdIn(named), providerPaymentId: providerIdIn(memberOf(object, 'id')) };
  return readWebhookContent(ids, () => {
    const intent = paymentIntentSchema.parse(object);
    const paymentId = paymentIdOf(intent.metadata.payment_id);
    if (paymentId === null) return ignored('not_ours');
    const isCreation = type === creationType;
    const ordered = isCreation ? justBefore(evidence) : evidence;
    const report = reportOfIntent(intent, paymentId, ordered, isCreation ? confirmActionOf(intent) : null);
    return report === null ? unknownStatus('status', intent.status) : { kind: 'payment', report, isCreation };
  });
}

/** Stripe's timestamps have whole seconds. The creation is the first event of its second. */
function justBefore({ providerTime, ...rest }: Evidence): Evidence {
  return { ...rest, providerTime: providerTime === null ? null : new Date(providerTime.getTime() - 1) };
}

function messageOfSession(type: string, object: unknown, evidence: Evidence, isLive: boolean): WebhookMessage {
  const intentId = memberOf(object, 'payment_intent');
  const ids = {
    paymentId: paymentIdIn(memberOf(object, 'client_reference_id')),
    providerPaymentId: providerIdIn(memberOf(intentId, 'id') ?? intentId),
  };
  return readWebhookContent(ids, () => {
    const session = checkoutSessionSchema.parse(object);
    const paymentId = paymentIdOf(session.client_reference_id);
    if (paymentId === null) return ignored('not_ours');
    const mismatch = sessionMismatch(session, paymentId, isLive);
    if (mismatch !== null) return { kind: 'foreign', paymentId, reason: mismatch };
    const report = reportOfSession(session, paymentId, evidence);
    if (report === null) return unknownStatus('status, or no amount', session.status ?? 'none');
    const hasFailed = type === 'checkout.session.async_payment_failed' && report.status === 'PROCESSING';
    const final = hasFailed ? failedLater(report) : report;
    return { kind: 'payment', report: { ...final, nextAction: null }, isCreation: false };
  });
}

function messageOfRefund(object: unknown, evidence: Evidence): WebhookMessage {
  const intent = memberOf(object, 'payment_intent');
  const ids = {
    paymentId: paymentIdIn(memberOf(memberOf(object, 'metadata'), 'payment_id')),
    providerPaymentId: providerIdIn(memberOf(intent, 'id') ?? intent),
  };
  return readWebhookContent(ids, () => {
    const refund = refundSchema.parse(object);
    const providerPaymentId = intentIdOf(refund);
    if (providerPaymentId === null) return ignored('not_ours');
    if (isRelease(refund)) return ignored('releases_authorization');
    const report = reportOfRefund(refund, evidence);
    if (report === null) return unknownStatus('refund status', refund.status ?? 'none');
    const paymentId = paymentIdOf(refund.metadata?.payment_id);
    return { kind: 'refund', report, providerPaymentId, paymentId, payment: null };
  });
}

/** Why an event belongs to another account, as part of a sentence; null when it is ours. */
function eventMismatch({ account, context, data }: StripeEvent, { accountId, isLive }: EventScope): string | null {
  for (const named of [account, context]) {
    // In an organization the context is a path that ends with the account.
    if (named != null && named.split('/').at(-1) !== accountId)
      return `reported for account ${named}, not ${accountId}.`;
  }
  const { livemode } = data.object;
  if (livemode === undefined || livemode === isLive) return null;
  return `reported by an object of the ${isLive ? 'test' : 'live'} mode.`;
}

/** Our payment id in an object of any type; null when it has none. */
function paymentIdNamedIn({ client_reference_id: reference, metadata }: StripeEvent['data']['object']): string | null {
  const inMetadata = namesSchema.safeParse(metadata).data?.payment_id;
  return paymentIdOf(inMetadata) ?? (typeof reference === 'string' ? paymentIdOf(reference) : null);
}

const namesSchema = z.object({ payment_id: z.string() });

function ignored(reason: string): WebhookMessage {
  return { kind: 'ignored', reason };
}
