import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { firstPaymentIdIn } from '../../domain/ids.ts';
import type { Evidence } from '../../domain/payment.ts';
import { type WebhookMessage, WebhookRejectedError } from '../provider.ts';
import { memberOf, type NamedIds, providerIdIn, readWebhookContent, unknownStatus } from '../webhook-content.ts';
import { DecryptionError, decrypt } from './cipher.ts';
import { notifiedRefundSchema, paymentReportOfRefund, reportOfRefund, type WechatpayRefund } from './refunds.ts';
import {
  foreignReasonOf,
  instant,
  type Merchant,
  paymentIdOf,
  reportOfTransaction,
  type Transaction,
  transactionSchema,
} from './transactions.ts';

const envelopeSchema = z.object({
  id: z.string().regex(/^[\x21-\x7e]{1,128}$/),
  create_time: instant,
  event_type: z.string().regex(/^[\w.]{1,128}$/),
  resource: z.unknown().optional(),
});

const encryptedSchema = z.object({
  original_type: z.string(),
  algorithm: z.string(),
  ciphertext: z.string(),
  nonce: z.string(),
  associated_data: z.string().nullish(),
});

/** The subjects of the events that we use. WeChat Pay has other events with other content. */
const subjects: ReadonlyMap<string, 'transaction' | 'refund'> = new Map([
  ['TRANSACTION.SUCCESS', 'transaction'],
  ['REFUND.SUCCESS', 'refund'],
  ['REFUND.ABNORMAL', 'refund'],
  ['REFUND.CLOSED', 'refund'],
]);

export type Notification = {
  readonly eventId: string;
  readonly eventType: string;
  readonly createdAt: Date | null;
  /**
   * The subject by event type and the decrypted, unparsed content; null for events that we do not use. `isAsNamed` is
   * false when the content is of another type than the event names.
   */
  readonly content: {
    readonly subject: 'transaction' | 'refund';
    readonly isAsNamed: boolean;
    readonly plain: Buffer;
  } | null;
};

/**
 * Decrypts a notification whose signature is verified.
 *
 * @throws {WebhookRejectedError} UNDECIPHERABLE when it cannot be decrypted with our key; MALFORMED for any other
 * content.
 */
export function openNotification(body: Buffer, apiV3Key: KeyObject): Notification {
  try {
    const { id, event_type: eventType, create_time: createdAt, resource } = envelopeSchema.parse(jsonOf(body));
    const envelope = { eventId: id, eventType, createdAt };
    const subject = subjectOf(eventType);
    if (subject === null) return { ...envelope, content: null };
    const encrypted = encryptedSchema.parse(resource);
    const isAsNamed = encrypted.original_type === subject;
    // Other products have events with similar names and other content.
    if (!isAsNamed && !subjects.has(eventType)) return { ...envelope, content: null };
    return { ...envelope, content: { subject, isAsNamed, plain: decrypt(encrypted, apiV3Key) } };
  } catch (error) {
    if (!(error instanceof DecryptionError)) throw new WebhookRejectedError('MALFORMED', { cause: error });
    const advice = 'It is signed by WeChat Pay, but cannot be decrypted with WECHATPAY_API_V3_KEY: check that key.';
    throw new WebhookRejectedError('UNDECIPHERABLE', { cause: new Error(advice, { cause: error }) });
  }
}

/** The subject of the events that we use, and of new events that WeChat Pay may add. */
function subjectOf(eventType: string): 'transaction' | 'refund' | null {
  const requireKnown = subjects.get(eventType);
  if (requireKnown !== undefined) return requireKnown;
  return eventType.startsWith('TRANSACTION.') ? 'transaction' : eventType.startsWith('REFUND.') ? 'refund' : null;
}

/**
 * Converts a notification to a message about a payment or a refund, or to the reason why it is not used. The state in
 * the content decides, not the event type.
 *
 * @throws when the content does not even name a payment.
 */
export function messageOf({ createdAt, content }: Notification, merchant: Merchant, receivedAt: Date): WebhookMessage {
  if (content === null) return ignored('type_not_used');
  const { subject, isAsNamed, plain } = content;
  const named = namesIn(plain);
  const reason = named.mchid === null ? null : foreignReasonOf({ ...named, mchid: named.mchid }, merchant);
  if (reason !== null) return { kind: 'foreign', paymentId: named.paymentId, reason };
  if (named.isOfOthers) return ignored('not_ours');
  const evidenceAt = (time: Date | null): Evidence => ({
    source: 'CALLBACK',
    providerTime: time ?? createdAt,
    receivedAt,
  });
  return readWebhookContent(named, () => {
    if (!isAsNamed) throw new RangeError('Its content does not match its event_type.');
    return subject === 'transaction'
      ? messageOfTransaction(transactionSchema.parse(jsonOf(plain)), evidenceAt)
      : messageOfRefund(notifiedRefundSchema.parse(jsonOf(plain)), evidenceAt);
  });
}

type EvidenceAt = (time: Date | null) => Evidence;

function messageOfTransaction(transaction: Transaction, evidenceAt: EvidenceAt): WebhookMessage | string {
  const paymentId = paymentIdOf(transaction.out_trade_no);
  if (paymentId === null) return ignored('not_ours');
  const report = reportOfTransaction(transaction, paymentId, evidenceAt(transaction.success_time), false);
  if (report === null) return unknownStatus('trade_state', transaction.trade_state);
  return { kind: 'payment', report, isCreation: false };
}

function messageOfRefund(refund: WechatpayRefund, evidenceAt: EvidenceAt): WebhookMessage | string {
  const paymentId = paymentIdOf(refund.out_trade_no);
  if (paymentId === null) return ignored('not_ours');
  const evidence = evidenceAt(refund.success_time);
  const report = reportOfRefund(refund, evidence);
  if (report === null) return unknownStatus('refund_status', refund.status);
  const payment = paymentReportOfRefund(refund, paymentId, evidence);
  return { kind: 'refund', report, paymentId, providerPaymentId: refund.transaction_id, payment };
}

type Named = NamedIds & { readonly mchid: string | null; readonly appid?: string; readonly isOfOthers: boolean };

/** The fields that identify the payment and its owner. Each is read separately, because the rest may be malformed. */
function namesIn(plain: Buffer): Named {
  const object = attempt(() => jsonOf(plain));
  const number = memberOf(object, 'out_trade_no');
  const mchid = memberOf(object, 'mchid');
  const appid = memberOf(object, 'appid');
  const isNumbered = typeof number === 'string' && number !== '';
  return {
    paymentId: isNumbered ? paymentIdOf(number) : firstPaymentIdIn(plain.toString('latin1')),
    providerPaymentId: providerIdIn(memberOf(object, 'transaction_id')),
    mchid: typeof mchid === 'string' ? mchid : null,
    ...(typeof appid === 'string' && { appid }),
    isOfOthers: isNumbered && paymentIdOf(number) === null,
  };
}

function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return null; // no member can be read
  }
}

function ignored(reason: string): WebhookMessage {
  return { kind: 'ignored', reason };
}

/** Parses strictly: a byte order mark and invalid UTF-8 are errors. */
function jsonOf(bytes: Buffer): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
}
