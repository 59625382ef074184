import { keepFormFields } from '../redaction.ts';
import { addressSchema, noticeSchema } from './messages.ts';

/**
 * The fields that we read, and those that help operators. Not included: the buyer's accounts (`buyer_logon_id`,
 * `buyer_id`, `buyer_open_id`), the goods (`subject`, `body`), data that another system passed along, and the
 * signature, which covers all of these.
 */
const kept: ReadonlySet<string> = new Set([
  ...[addressSchema, noticeSchema].flatMap(({ shape }) => Object.keys(shape)),
  ...['notify_id', 'notify_time', 'charset', 'version', 'auth_app_id', 'receipt_amount', 'sign_type'],
]);

/** @see PaymentProvider.redactWebhook */
export function redactAlipayNotification(body: Buffer): Buffer {
  return keepFormFields(body, kept);
}
