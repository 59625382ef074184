import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { Evidence } from '../../domain/payment.ts';
import { type WebhookMessage, WebhookRejectedError } from '../provider.ts';
import { UndecipherableError, unseal } from './cipher.ts';
import { notifiedRefundSchema, paymentBehind, reportOfRefund } from './refunds.ts';
import {
  foreignnessOf,
  instant,
  type Merchant,
  paymentIdOf,
  reportOfTransaction,
  transactionSchema,
} from './transactions.ts';

const envelopeSchema = z.object({
  id: z.string().regex(/^[\x21-\x7e]{1,128}$/),
  create_time: instant,
  event_type: z.string().regex(/^[\w.]{1,128}$/),
  resource: z.unknown().optional(),
});

const sealedSchema = z.object({
  original_type: z.string(),
  algorithm: z.string(),
  ciphertext: z.string(),
  nonce: z.string(),
  associated_data: z.string().nullish(),
});

/** What the events that we use are about. WeChat Pay has others, which carry other things. */
const subjects: ReadonlyMap<string, 'transaction' | 'refund'> = new Map([
  ['TRANSACTION.SUCCESS', 'transaction'],
  ['REFUND.SUCCESS', 'refund'],
  ['REFUND.ABNORMAL', 'refund'],
  ['REFUND.CLOSED', 'refund'],
]);

export type Notification = { readonly eventId: string; readonly eventType: string; readonly createdAt: Date | null } & (
  | { readonly subject: 'transaction'; readonly transaction: z.infer<typeof transactionSchema> }
  | { readonly subject: 'refund'; readonly refund: z.infer<typeof notifiedRefundSchema> }
  | { readonly subject: 'other' }
);

/**
 * Opens a notification whose signature was verified before.
 * @throws {WebhookRejectedError} UNDECIPHERABLE when it does not open with our key; MALFORMED when it is no notification, or holds
 * something else than its type says.
 */
export function openNotification(body: Buffer, apiV3Key: KeyObject): Notification {
  try {
    const { id, event_type: eventType, create_time: createdAt, resource } = envelopeSchema.parse(jsonOf(body));
    const subject = subjects.get(eventType);
    const told = { eventId: id, eventType, createdAt };
    if (subject === undefined) return { ...told, subject: 'other' };
    const sealed = sealedSchema.parse(resource);
    if (sealed.original_type !== subject) throw new Error('What is sealed is of another type than its event.');
    const plain = jsonOf(unseal(sealed, apiV3Key));
    return subject === 'transaction'
      ? { ...told, subject, transaction: transactionSchema.parse(plain) }
      : { ...told, subject, refund: notifiedRefundSchema.parse(plain) };
  } catch (error) {
    if (!(error instanceof UndecipherableError)) throw new WebhookRejectedError('MALFORMED', { cause: error });
    const advice = 'It is signed by WeChat Pay, but does not open with WECHATPAY_API_V3_KEY: check that key.';
    throw new WebhookRejectedError('UNDECIPHERABLE', { cause: new Error(advice, { cause: error }) });
  }
}

/** What a notification says of a payment or a refund, or why it says nothing to us. The state inside decides, never the event's type. */
export function messageOf(notification: Notification, merchant: Merchant, receivedAt: Date): WebhookMessage {
  const evidenceAt = (time: Date | null): Evidence => ({
    source: 'CALLBACK',
    providerTime: time ?? notification.createdAt,
    receivedAt,
  });
  switch (notification.subject) {
    case 'transaction': {
      const { transaction } = notification;
      const paymentId = paymentIdOf(transaction.out_trade_no);
      const reason = foreignnessOf(transaction, merchant);
      if (reason !== null) return { kind: 'foreign', paymentId, reason };
      if (paymentId === null) return ignored('not_ours');
      const report = reportOfTransaction(transaction, paymentId, evidenceAt(transaction.success_time), false);
      return report === null ? ignored('unknown_status') : { kind: 'payment', report, isCreation: false };
    }
    case 'refund': {
      const { refund } = notification;
      const paymentId = paymentIdOf(refund.out_trade_no);
      const reason = foreignnessOf(refund, merchant);
      if (reason !== null) return { kind: 'foreign', paymentId, reason };
      if (paymentId === null) return ignored('not_ours');
      const evidence = evidenceAt(refund.success_time);
      const report = reportOfRefund(refund, evidence);
      if (report === null) return ignored('unknown_status');
      const payment = paymentBehind(refund, paymentId, evidence);
      return { kind: 'refund', report, paymentId, providerPaymentId: refund.transaction_id, payment };
    }
    case 'other':
      return ignored('type_not_used');
  }
}

function ignored(reason: string): WebhookMessage {
  return { kind: 'ignored', reason };
}

/** Not lenient: a byte order mark or bytes that are no UTF-8 are not JSON. */
function jsonOf(bytes: Buffer): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
}
