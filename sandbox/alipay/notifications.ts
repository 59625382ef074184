import { beijingMillis, beijingTime } from '../beijing-time.ts';
import { newDigits } from '../random.ts';
import { formatYuan } from '../yuan.ts';
import { type AlipayState, type Product, type RefundRow, refundedOf, type TradeRow } from './state.ts';

export type Transition = 'paid' | 'closed' | 'finished' | 'partly_refunded' | 'fully_refunded';

/** The buyer of all payments. */
export const buyer = { id: '2088722000000016', logonId: 'buy***@sandbox.invalid' } as const;

/** The transitions that Alipay notifies by default, by product. The merchant must ask Alipay to enable others. */
const notifiedTransitions: Readonly<Record<Product, readonly Transition[]>> = {
  page: ['paid', 'partly_refunded'],
  qr: ['paid', 'partly_refunded'],
  wap: ['paid', 'closed', 'finished', 'partly_refunded', 'fully_refunded'],
};

/**
 * Notifies the payment's `notify_url` of the present state of the trade, if its product notifies this transition. The type of the
 * notification is the trade's status, with the suffix `.refund` when a refund is the reason.
 */
export function notifyTrade(
  alipay: AlipayState,
  trade: TradeRow,
  transition: Transition,
  refund: RefundRow | null,
): void {
  if (!notifiedTransitions[trade.terms.product].includes(transition)) return;
  const id = newDigits(alipay, 34);
  const notification = alipay.notifications.put({
    id,
    type: `${trade.status}${refund === null ? '' : '.refund'}`,
    content: JSON.stringify({ ...tradeFields(alipay, id, trade), ...(refund && refundFields(alipay, refund)) }),
  });
  alipay.deliver(notification, trade.terms.notifyUrl);
}

/** No field is empty. Each attempt adds `notify_time`, `sign` and `sign_type`. */
function tradeFields(alipay: AlipayState, notifyId: string, trade: TradeRow): Readonly<Record<string, string>> {
  const { terms, paidMs, closedMs } = trade;
  return {
    notify_id: notifyId,
    notify_type: 'trade_status_sync',
    charset: 'utf-8',
    version: '1.0',
    app_id: alipay.appId,
    auth_app_id: alipay.appId,
    seller_id: alipay.sellerId,
    out_trade_no: trade.id,
    trade_no: trade.tradeNo,
    trade_status: trade.status,
    total_amount: formatYuan(terms.amount),
    subject: terms.subject,
    ...(terms.body !== null && { body: terms.body }),
    ...(terms.passbackParams !== null && { passback_params: terms.passbackParams }),
    buyer_id: buyer.id,
    buyer_logon_id: buyer.logonId,
    gmt_create: beijingTime(trade.createdMs),
    ...(paidMs !== null && { gmt_payment: beijingTime(paidMs), ...moneyFields(terms.amount) }),
    ...(closedMs !== null && { gmt_close: beijingTime(closedMs) }),
  };
}

function moneyFields(amount: number): Readonly<Record<string, string>> {
  return {
    receipt_amount: formatYuan(amount),
    buyer_pay_amount: formatYuan(amount),
    invoice_amount: formatYuan(amount),
    point_amount: formatYuan(0),
    fund_bill_list: JSON.stringify([{ amount: formatYuan(amount), fundChannel: 'ALIPAYACCOUNT' }]),
  };
}

/** `refund_fee` is the refunded total of the trade, `send_back_fee` the amount of this refund. */
function refundFields(alipay: AlipayState, refund: RefundRow): Readonly<Record<string, string>> {
  return {
    refund_fee: formatYuan(refundedOf(alipay, refund.outTradeNo)),
    gmt_refund: beijingMillis(refund.succeededMs ?? refund.createdMs),
    out_biz_no: refund.outRequestNo,
    send_back_fee: formatYuan(refund.amount),
  };
}
