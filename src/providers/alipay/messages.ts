import { z } from 'zod';
import { isId } from '../../domain/ids.ts';
import type { Evidence } from '../../domain/payment.ts';
import type { WebhookMessage } from '../provider.ts';
import { providerIdIn, readWebhookContent, unknownStatus } from '../webhook-content.ts';
import { fenOfYuan } from '../yuan.ts';
import { givenText, instantIn, reportOfTrade, statusOfTrade, tradeSchema } from './answers.ts';
import type { AlipayConfig } from './config.ts';
import type { Fields } from './notification.ts';
import { reportOfRefund } from './refunds.ts';

/** The addressee of a callback and its trade. */
export const addressSchema = z.object({
  notify_type: z.string(),
  app_id: givenText,
  seller_id: givenText,
  out_trade_no: givenText,
});

/** The trade in a callback. */
export const noticeSchema = tradeSchema.extend({
  gmt_create: givenText,
  gmt_payment: givenText,
  gmt_close: givenText,
  /** Includes milliseconds. */
  gmt_refund: givenText,
  /** The sum of all refunds of the trade so far. */
  refund_fee: givenText,
  /** The number of the refund that this callback reports. */
  out_biz_no: givenText,
});
type Notice = z.infer<typeof noticeSchema>;

/** Converts a callback to a message about a payment or a refund, or to the reason why it is not used. */
export function messageOf(
  fields: Fields,
  { appId, sellerId }: Pick<AlipayConfig, 'appId' | 'sellerId'>,
  receivedAt: Date,
): WebhookMessage {
  const values = Object.fromEntries(fields);
  const { notify_type: type, app_id, seller_id, out_trade_no } = addressSchema.parse(values);
  if (type !== 'trade_status_sync') return ignored('type_not_used');
  const paymentId = out_trade_no !== null && isId('payment', out_trade_no) ? out_trade_no : null;
  if (app_id !== appId)
    return { kind: 'foreign', paymentId, reason: `reported for app ${app_id ?? 'none'}, not ${appId}.` };
  if (seller_id !== sellerId) {
    return { kind: 'foreign', paymentId, reason: `reported for seller ${seller_id ?? 'none'}, not ${sellerId}.` };
  }
  if (paymentId === null) return ignored('not_ours');
  const ids = { paymentId, providerPaymentId: providerIdIn(values.trade_no) };
  return readWebhookContent(ids, () => messageOfNotice(noticeSchema.parse(values), receivedAt));
}

/** Returns text with the reason when the status is unknown. */
function messageOfNotice(notice: Notice, receivedAt: Date): WebhookMessage | string {
  const isOfRefund = isAboutRefund(notice);
  const status = statusOfTrade(notice, isOfRefund || notice.gmt_payment !== null);
  if (status === null) return unknownStatus('trade_status', notice.trade_status);
  if (isOfRefund && status !== 'SUCCEEDED') return 'a verified callback reports a refund of an unpaid trade.';
  const at = { ACTION_REQUIRED: notice.gmt_create, SUCCEEDED: notice.gmt_payment, CLOSED_UNPAID: notice.gmt_close };
  const evidenceAt = (providerTime: Date | null): Evidence => ({ source: 'CALLBACK', providerTime, receivedAt });
  // Only our own close cancels a trade, and then we know of it. A callback about a closed trade therefore means that it
  // expired.
  const report = reportOfTrade(notice, status, 'EXPIRED', evidenceAt(instantIn(at[status])));
  if (!isOfRefund) return { kind: 'payment', report, isCreation: false };
  return {
    kind: 'refund',
    report: reportOfRefund(notice.out_biz_no, 'SUCCEEDED', null, evidenceAt(instantIn(notice.gmt_refund))),
    paymentId: report.paymentId,
    providerPaymentId: notice.trade_no,
    payment: report,
  };
}

/**
 * Alipay reports a refund as a repeated payment status with refund fields. TRADE_FINISHED may summarize refunds that
 * were reported before.
 */
function isAboutRefund({ trade_status: status, refund_fee: fee, gmt_refund: at, out_biz_no: number }: Notice): boolean {
  if (status === 'TRADE_FINISHED' && number === null) return false;
  return number !== null || at !== null || (fee !== null && fenOfYuan(fee) > 0n);
}

function ignored(reason: string): WebhookMessage {
  return { kind: 'ignored', reason };
}
