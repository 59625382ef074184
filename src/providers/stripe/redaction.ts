import { keepJsonFields } from '../redaction.ts';
import { creationType } from './events.ts';
import { checkoutSessionSchema, eventSchema, paymentIntentSchema } from './objects.ts';
import { refundSchema } from './refunds.ts';

/**
 * The fields that our schemas read, and those that help operators. Not included: `client_secret` and a session's `url`,
 * with which a payment can be paid; names, addresses, e-mails and cards of buyers; metadata of others.
 */
const withheld: ReadonlySet<string> = new Set(['client_secret', 'url']);
const kept: ReadonlySet<string> = new Set(
  [
    ...[eventSchema, paymentIntentSchema, checkoutSessionSchema, refundSchema].flatMap(({ shape }) =>
      Object.keys(shape),
    ),
    ...Object.keys(eventSchema.shape.data.shape),
    ...['payment_id', 'order_number', 'refund_id', 'flow'], // our own metadata
    ...['code', 'decline_code', 'message', 'charge', 'payment_method'], // of the last payment error
    ...['account', 'api_version', 'request', 'capture_method', 'amount_capturable', 'latest_charge'],
  ].filter((name) => !withheld.has(name)),
);

const keptOfCreation: ReadonlySet<string> = new Set([...kept, 'client_secret']);

/** Only a creation event keeps its client secret, until it is read: the response to our own call may have been lost. */
export function redactStripeEvent(body: Buffer, stage: 'to_be_read' | 'done'): Buffer {
  return keepJsonFields(body, (content) =>
    stage === 'to_be_read' && 'type' in content && content.type === creationType ? keptOfCreation : kept,
  );
}
