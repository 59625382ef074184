import { z } from 'zod';
import { isId } from '../../domain/ids.ts';
import type { Evidence } from '../../domain/payment.ts';
import type { WebhookMessage } from '../provider.ts';
import { providerIdIn, readWebhookContent, unknownStatus } from '../webhook-content.ts';
import { fenOfYuan } from '../yuan.ts';
import { givenText, instantIn, reportOfTrade, statusOfTrade, tradeSchema } from './answers.ts';
import type { AlipayConfig } from './config.ts';
import type { Fields } from './notification.ts';
import { reportOf } from './refunds.ts';

/** To whom a callback speaks, of which trade. */
export const addressSchema = z.object({
  notify_type: z.string(),
  app_id: givenText,
  seller_id: givenText,
  out_trade_no: givenText,
});

/** What it says of the trade. */
export const noticeSchema = tradeSchema.extend({
  gmt_create: givenText,
  gmt_payment: givenText,
  gmt_close: givenText,
  /** With milliseconds. */
  gmt_refund: givenText,
  /** Of all refunds of the trade so far. */
  refund_fee: givenText,
  /** The number of the refund that this is about. */
  out_biz_no: givenText,
});
type Notice = z.infer<typeof noticeSchema>;

/** What a callback says of a payment and of a refund, or why it says nothing to us. */
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

/** Text where nobody knows what its status says: for people. */
function messageOfNotice(notice: Notice, receivedAt: Date): WebhookMessage | string {
  const isOfRefund = tellsOfRefund(notice);
  const status = statusOfTrade(notice, isOfRefund || notice.gmt_payment !== null);
  if (status === null) return unknownStatus('trade_status', notice.trade_status);
  if (isOfRefund && status !== 'SUCCEEDED') return 'a verified callback tells of a refund of a trade that is not paid.';
  const at = { ACTION_REQUIRED: notice.gmt_create, SUCCEEDED: notice.gmt_payment, CLOSED_UNPAID: notice.gmt_close };
  const told = (providerTime: Date | null): Evidence => ({ source: 'CALLBACK', providerTime, receivedAt });
  // Whoever closes on purpose knows it: nobody else does, so the time is up.
  const report = reportOfTrade(notice, status, 'EXPIRED', told(instantIn(at[status])));
  if (!isOfRefund) return { kind: 'payment', report, isCreation: false };
  return {
    kind: 'refund',
    report: reportOf(notice.out_biz_no, 'SUCCEEDED', null, told(instantIn(notice.gmt_refund))),
    paymentId: report.paymentId,
    providerPaymentId: notice.trade_no,
    payment: report,
  };
}

/** A refund is told by the payment's status once more, with fields that only refunds have. At its end a trade may sum up refunds told before. */
function tellsOfRefund({ trade_status: status, refund_fee: fee, gmt_refund: at, out_biz_no: number }: Notice): boolean {
  if (status === 'TRADE_FINISHED' && number === null) return false;
  return number !== null || at !== null || (fee !== null && fenOfYuan(fee) > 0n);
}

function ignored(reason: string): WebhookMessage {
  return { kind: 'ignored', reason };
}
