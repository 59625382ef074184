import { beijingMillis, beijingTime, yuan } from './formats.ts';
import { type AlipayState, newDigits, type Product, type RefundRow, refundedOf, type TradeRow } from './state.ts';

/** What happened to a trade. */
export type Transition = 'paid' | 'closed' | 'finished' | 'partly_refunded' | 'fully_refunded';

/** Of whom all payments here are. */
export const buyer = { id: '2088722000000016', logonId: 'buy***@sandbox.invalid' } as const;

/** Which transitions are told by default. That a trade was created is never told; the rest must be asked for. */
const told: Readonly<Record<Product, readonly Transition[]>> = {
  page: ['paid', 'partly_refunded'],
  qr: ['paid', 'partly_refunded'],
  wap: ['paid', 'closed', 'finished', 'partly_refunded', 'fully_refunded'],
};

/** The fields by which a notification knows a refund. */
const refundMark = '.refund';

/**
 * Keeps a notification with the trade as it is now, and has it delivered to the place that the payment named, when its product tells
 * such a transition. Its type is the trade's status, with `.refund` behind it when a refund is the reason.
 */
export function notifyTrade(
  alipay: AlipayState,
  trade: TradeRow,
  transition: Transition,
  refund: RefundRow | null,
): void {
  if (!told[trade.terms.product].includes(transition)) return;
  const id = newDigits(alipay, 34);
  const notice = alipay.notices.put({
    id,
    type: `${trade.status}${refund === null ? '' : refundMark}`,
    content: JSON.stringify({ ...tradeFields(alipay, id, trade), ...(refund && refundFields(alipay, refund)) }),
  });
  alipay.deliver(notice, trade.terms.notifyUrl);
}

/** None is empty. `notify_time`, `sign` and `sign_type` come with each attempt. */
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
    total_amount: yuan(terms.amount),
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
    receipt_amount: yuan(amount),
    buyer_pay_amount: yuan(amount),
    invoice_amount: yuan(amount),
    point_amount: yuan(0),
    fund_bill_list: JSON.stringify([{ amount: yuan(amount), fundChannel: 'ALIPAYACCOUNT' }]),
  };
}

/** `refund_fee` is what has gone back of the whole trade, `send_back_fee` what went back this time. */
function refundFields(alipay: AlipayState, refund: RefundRow): Readonly<Record<string, string>> {
  return {
    refund_fee: yuan(refundedOf(alipay, refund.outTradeNo)),
    gmt_refund: beijingMillis(refund.succeededMs ?? refund.createdMs),
    out_biz_no: refund.outRequestNo,
    send_back_fee: yuan(refund.amount),
  };
}
