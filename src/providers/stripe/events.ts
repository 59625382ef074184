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
import { strangenessOfSession } from './ownership.ts';
import { intentIdOf, isRelease, refundSchema, reportOfRefund } from './refunds.ts';

export type StripeEvent = z.infer<typeof eventSchema>;

/** The one event that may be the first to bring by what the buyer acts. */
export const creationType = 'payment_intent.created';
/** Whose events are read: those of one account, made by test keys or by live ones. */
export type Whose = { readonly accountId: string; readonly isLive: boolean };

export function parseEvent(body: Buffer): StripeEvent {
  try {
    return eventSchema.parse(JSON.parse(body.toString('utf8')));
  } catch (cause) {
    throw new WebhookRejectedError('MALFORMED', { cause });
  }
}

/**
 * What an event says of a payment or a refund, or why it says nothing to us. By what the buyer acts only the first event of a payment
 * says: that is a secret, which others are not kept with.
 */
export function messageOfEvent(
  event: StripeEvent,
  told: Evidence,
  whose: Whose,
  confirmBy: (intent: StripePaymentIntent) => NextAction | null,
): WebhookMessage {
  const { type, data } = event;
  const strangeness = strangenessOfEvent(event, whose);
  if (strangeness !== null) return { kind: 'foreign', paymentId: namedIn(data.object), reason: strangeness };
  if (type.startsWith('payment_intent.')) return messageOfIntent(type, data.object, told, confirmBy);
  if (type.startsWith('checkout.session.')) return messageOfSession(type, data.object, told, whose.isLive);
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
  return readWebhookContent(ids, () => {
    const intent = paymentIntentSchema.parse(object);
    const paymentId = paymentIdOf(intent.metadata.payment_id);
    if (paymentId === null) return ignored('not_ours');
    const isCreation = type === creationType;
    const evidence = isCreation ? beforeAllElse(told) : told;
    const report = reportOfIntent(intent, paymentId, evidence, isCreation ? confirmBy(intent) : null);
    return report === null ? unknownStatus('status', intent.status) : { kind: 'payment', report, isCreation };
  });
}

/** Stripe's clock has whole seconds: of all that it tells of the second in which an object was made, the creation came first. */
function beforeAllElse({ providerTime, ...told }: Evidence): Evidence {
  return { ...told, providerTime: providerTime === null ? null : new Date(providerTime.getTime() - 1) };
}

function messageOfSession(type: string, object: unknown, told: Evidence, isLive: boolean): WebhookMessage {
  const intentId = memberOf(object, 'payment_intent');
  const ids = {
    paymentId: paymentIdIn(memberOf(object, 'client_reference_id')),
    providerPaymentId: providerIdIn(memberOf(intentId, 'id') ?? intentId),
  };
  return readWebhookContent(ids, () => {
    const session = checkoutSessionSchema.parse(object);
    const paymentId = paymentIdOf(session.client_reference_id);
    if (paymentId === null) return ignored('not_ours');
    const strangeness = strangenessOfSession(session, paymentId, isLive);
    if (strangeness !== null) return { kind: 'foreign', paymentId, reason: strangeness };
    const report = reportOfSession(session, paymentId, told);
    if (report === null) return unknownStatus('status, or no amount', session.status ?? 'none');
    const hasFailed = type === 'checkout.session.async_payment_failed' && report.status === 'PROCESSING';
    const said = hasFailed ? failedLater(report) : report;
    return { kind: 'payment', report: { ...said, nextAction: null }, isCreation: false };
  });
}

function messageOfRefund(object: unknown, told: Evidence): WebhookMessage {
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
    const report = reportOfRefund(refund, told);
    if (report === null) return unknownStatus('refund status', refund.status ?? 'none');
    const paymentId = paymentIdOf(refund.metadata?.payment_id);
    return { kind: 'refund', report, providerPaymentId, paymentId, payment: null };
  });
}

/** Why an event is another account's, in half a sentence; null when it is ours. */
function strangenessOfEvent({ account, context, data }: StripeEvent, { accountId, isLive }: Whose): string | null {
  for (const named of [account, context]) {
    // Within an organization the context is a path that ends with the account.
    if (named != null && named.split('/').at(-1) !== accountId)
      return `reported for account ${named}, not ${accountId}.`;
  }
  const { livemode } = data.object;
  if (livemode === undefined || livemode === isLive) return null;
  return `reported by an object of the ${isLive ? 'test' : 'live'} mode.`;
}

/** The payment of ours that an object of any kind names; null when it names none. */
function namedIn({ client_reference_id: reference, metadata }: StripeEvent['data']['object']): string | null {
  const inMetadata = namesSchema.safeParse(metadata).data?.payment_id;
  return paymentIdOf(inMetadata) ?? (typeof reference === 'string' ? paymentIdOf(reference) : null);
}

const namesSchema = z.object({ payment_id: z.string() });

function ignored(reason: string): WebhookMessage {
  return { kind: 'ignored', reason };
}
