import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { firstPaymentIdIn } from '../../domain/ids.ts';
import type { Evidence } from '../../domain/payment.ts';
import { type WebhookMessage, WebhookRejectedError } from '../provider.ts';
import { memberOf, type NamedIds, providerIdIn, readWebhookContent, unknownStatus } from '../webhook-content.ts';
import { UndecipherableError, unseal } from './cipher.ts';
import { notifiedRefundSchema, paymentBehind, reportOfRefund, type WechatpayRefund } from './refunds.ts';
import {
  foreignnessOf,
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

export type Notification = {
  readonly eventId: string;
  readonly eventType: string;
  readonly createdAt: Date | null;
  /** What the event is about by its type, and what was sealed, decrypted and not read yet; null for events that we do not use. */
  readonly sealed: {
    readonly subject: 'transaction' | 'refund';
    readonly isAsNamed: boolean;
    readonly plain: Buffer;
  } | null;
};

/**
 * Opens a notification whose signature was verified before.
 * @throws {WebhookRejectedError} UNDECIPHERABLE when it does not open with our key; MALFORMED when it is no notification.
 */
export function openNotification(body: Buffer, apiV3Key: KeyObject): Notification {
  try {
    const { id, event_type: eventType, create_time: createdAt, resource } = envelopeSchema.parse(jsonOf(body));
    const told = { eventId: id, eventType, createdAt };
    const subject = subjectOf(eventType);
    if (subject === null) return { ...told, sealed: null };
    const sealed = sealedSchema.parse(resource);
    const isAsNamed = sealed.original_type === subject;
    // Of other products there are events by such names as well, which hold other things.
    if (!isAsNamed && !subjects.has(eventType)) return { ...told, sealed: null };
    return { ...told, sealed: { subject, isAsNamed, plain: unseal(sealed, apiV3Key) } };
  } catch (error) {
    if (!(error instanceof UndecipherableError)) throw new WebhookRejectedError('MALFORMED', { cause: error });
    const advice = 'It is signed by WeChat Pay, but does not open with WECHATPAY_API_V3_KEY: check that key.';
    throw new WebhookRejectedError('UNDECIPHERABLE', { cause: new Error(advice, { cause: error }) });
  }
}

/** The events that we use, and those that WeChat Pay may add beside them. */
function subjectOf(eventType: string): 'transaction' | 'refund' | null {
  const known = subjects.get(eventType);
  if (known !== undefined) return known;
  return eventType.startsWith('TRANSACTION.') ? 'transaction' : eventType.startsWith('REFUND.') ? 'refund' : null;
}

/**
 * What a notification says of a payment or a refund, or why it says nothing to us. The state inside decides, never the event's type.
 * @throws when what was sealed does not even name a payment.
 */
export function messageOf({ createdAt, sealed }: Notification, merchant: Merchant, receivedAt: Date): WebhookMessage {
  if (sealed === null) return ignored('type_not_used');
  const { subject, isAsNamed, plain } = sealed;
  const named = namesIn(plain);
  const reason = named.mchid === null ? null : foreignnessOf({ ...named, mchid: named.mchid }, merchant);
  if (reason !== null) return { kind: 'foreign', paymentId: named.paymentId, reason };
  if (named.isOfOthers) return ignored('not_ours');
  const evidenceAt = (time: Date | null): Evidence => ({
    source: 'CALLBACK',
    providerTime: time ?? createdAt,
    receivedAt,
  });
  return readWebhookContent(named, () => {
    if (!isAsNamed) throw new RangeError('It holds something else than its event_type says.');
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
  const payment = paymentBehind(refund, paymentId, evidence);
  return { kind: 'refund', report, paymentId, providerPaymentId: refund.transaction_id, payment };
}

type Named = NamedIds & { readonly mchid: string | null; readonly appid?: string; readonly isOfOthers: boolean };

/** What names the payment and its owner, each read by itself because the rest may be malformed. */
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
    return null; // it names nothing that could be read by its member
  }
}

function ignored(reason: string): WebhookMessage {
  return { kind: 'ignored', reason };
}

/** Not lenient: a byte order mark or bytes that are no UTF-8 are not JSON. */
function jsonOf(bytes: Buffer): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
}
