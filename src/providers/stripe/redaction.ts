import { keepJsonFields } from '../redaction.ts';
import { creationType } from './events.ts';
import { checkoutSessionSchema, eventSchema, paymentIntentSchema } from './objects.ts';
import { refundSchema } from './refunds.ts';

/**
 * What is read of events, whatever is read of them some day by these schemas, and what people look at. Not among it, by name: a
 * `client_secret` and a session's `url`, by which a payment is paid; names, addresses, e-mails and cards of buyers; the metadata of others.
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

/** With its client secret only the event of a creation, until it has been read: the answer to our own call may have been lost. */
export function redactStripeEvent(body: Buffer, stage: 'to_be_read' | 'done'): Buffer {
  return keepJsonFields(body, (content) =>
    stage === 'to_be_read' && 'type' in content && content.type === creationType ? keptOfCreation : kept,
  );
}
