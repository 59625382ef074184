import { keepJsonFields } from '../redaction.ts';

/**
 * All that a notification has. What it says of a payment and its buyer is sealed under our APIv3 key and stays sealed, so nothing of a
 * genuine one is withheld; what strangers send along is.
 */
const kept: ReadonlySet<string> = new Set([
  ...['id', 'create_time', 'resource_type', 'event_type', 'summary', 'resource'],
  ...['original_type', 'algorithm', 'ciphertext', 'associated_data', 'nonce'],
]);

/** @see PaymentProvider.redactWebhook */
export function redactWechatpayNotification(body: Buffer): Buffer {
  return keepJsonFields(body, () => kept);
}
