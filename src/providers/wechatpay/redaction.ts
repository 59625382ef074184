import { keepJsonFields } from '../redaction.ts';

/**
 * All fields of a notification. Its data about the payment and the buyer stays encrypted with our APIv3 key, so genuine
 * notifications are kept whole. Fields that strangers add are dropped.
 */
const kept: ReadonlySet<string> = new Set([
  ...['id', 'create_time', 'resource_type', 'event_type', 'summary', 'resource'],
  ...['original_type', 'algorithm', 'ciphertext', 'associated_data', 'nonce'],
]);

/** @see PaymentProvider.redactWebhook */
export function redactWechatpayNotification(body: Buffer): Buffer {
  return keepJsonFields(body, () => kept);
}
