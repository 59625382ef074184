import type { z } from 'zod';
import type { Evidence, NextAction } from '../../domain/payment.ts';
import { type WebhookMessage, WebhookRejectedError } from '../provider.ts';
import { memberOf, paymentIdIn, providerIdIn, readOrUnclear, unknownStatus } from '../unclear.ts';
import {
  checkoutSessionSchema,
  eventSchema,
  paymentIdOf,
  paymentIntentSchema,
  reportOfIntent,
  reportOfSession,
  type StripePaymentIntent,
} from './objects.ts';
import { intentIdOf, isRelease, refundSchema, reportOfRefund } from './refunds.ts';

export type StripeEvent = z.infer<typeof eventSchema>;

export function parseEvent(body: Buffer): StripeEvent {
  try {
    return eventSchema.parse(JSON.parse(body.toString('utf8')));
  } catch (cause) {
    throw new WebhookRejectedError('MALFORMED', { cause });
  }
}

/** What an event says of a payment or a refund, or why it says nothing to us. */
export function messageOfEvent(
  { type, data }: StripeEvent,
  told: Evidence,
  confirmBy: (intent: StripePaymentIntent) => NextAction | null,
): WebhookMessage {
  if (type.startsWith('payment_intent.')) return messageOfIntent(type, data.object, told, confirmBy);
  if (type.startsWith('checkout.session.')) return messageOfSession(type, data.object, told);
  // The charge's own events say the same of its refunds, summed up.
  if (type.startsWith('refund.')) return messageOfRefund(data.object, told);
  return ignored('type_not_used');
}

function messageOfIntent(
  type: string,
  object: unknown,
  told: Evidence,
  confirmBy: (intent: StripePaymentIntent) => NextAction | null,
): WebhookMessage {
  const named = memberOf(memberOf(object, 'metadata'), 'payment_id');
  const ids = { paymentId: paymentIdIn(named), providerPaymentId: providerIdIn(memberOf(object, 'id')) };
  return readOrUnclear(ids, () => {
    const intent = paymentIntentSchema.parse(object);
    const paymentId = paymentIdOf(intent.metadata.payment_id);
    if (paymentId === null) return ignored('not_ours');
    const report = reportOfIntent(intent, paymentId, told, confirmBy(intent));
    const isCreation = type === 'payment_intent.created';
    return report === null ? unknownStatus('status', intent.status) : { kind: 'payment', report, isCreation };
  });
}

function messageOfSession(type: string, object: unknown, told: Evidence): WebhookMessage {
  const intentId = memberOf(object, 'payment_intent');
  const ids = {
    paymentId: paymentIdIn(memberOf(object, 'client_reference_id')),
    providerPaymentId: providerIdIn(memberOf(intentId, 'id') ?? intentId),
  };
  return readOrUnclear(ids, () => {
    const session = checkoutSessionSchema.parse(object);
    const paymentId = paymentIdOf(session.client_reference_id);
    if (paymentId === null) return ignored('not_ours');
    // A delayed method that failed leaves the session complete and unpaid: its PaymentIntent says more, by its own event.
    if (type === 'checkout.session.async_payment_failed') return ignored('says_nothing_new');
    const report = reportOfSession(session, paymentId, told);
    if (report === null) return unknownStatus('status, or no amount', session.status ?? 'none');
    return { kind: 'payment', report, isCreation: false };
  });
}

function messageOfRefund(object: unknown, told: Evidence): WebhookMessage {
  const intent = memberOf(object, 'payment_intent');
  const ids = {
    paymentId: paymentIdIn(memberOf(memberOf(object, 'metadata'), 'payment_id')),
    providerPaymentId: providerIdIn(memberOf(intent, 'id') ?? intent),
  };
  return readOrUnclear(ids, () => {
    const refund = refundSchema.parse(object);
    const providerPaymentId = intentIdOf(refund);
    if (providerPaymentId === null) return ignored('not_ours');
    if (isRelease(refund)) return ignored('releases_authorization');
    const report = reportOfRefund(refund, told);
    if (report === null) return unknownStatus('refund status', refund.status ?? 'none');
    const paymentId = paymentIdOf(refund.metadata?.payment_id);
    return { kind: 'refund', report, providerPaymentId, paymentId, payment: null };
  });
}

function ignored(reason: string): WebhookMessage {
  return { kind: 'ignored', reason };
}
