import type { OrderRow, RefundRow, WechatpayState } from './state.ts';
import { beijingTime } from './time.ts';

export type TradeState = OrderRow['state'] | 'REFUND';

const stateTexts: Readonly<Record<TradeState, string>> = {
  NOTPAY: '订单未支付',
  USERPAYING: '用户支付中',
  SUCCESS: '支付成功',
  REFUND: '订单发生过退款，退款详情请查询退款单',
  CLOSED: '订单已关闭',
};

/** REFUND is any paid order of which something was sent back, also when most of it was not. */
export function tradeState(order: OrderRow): TradeState {
  return order.state === 'SUCCESS' && order.refundHeld > 0 ? 'REFUND' : order.state;
}

/** A transaction as a query answers it. */
export function transactionObject(wechatpay: Pick<WechatpayState, 'merchant'>, order: OrderRow) {
  return {
    ...common(wechatpay, order),
    trade_state: tradeState(order),
    trade_state_desc: stateTexts[tradeState(order)],
  };
}

/** As its notification tells it: paid, whatever came after. */
export function paidTransactionObject(wechatpay: Pick<WechatpayState, 'merchant'>, order: OrderRow) {
  return { ...common(wechatpay, order), trade_state: 'SUCCESS', trade_state_desc: stateTexts.SUCCESS };
}

function common({ merchant }: Pick<WechatpayState, 'merchant'>, order: OrderRow) {
  const { paid } = order;
  return {
    amount: {
      currency: 'CNY',
      payer_currency: 'CNY',
      ...(paid && { payer_total: paid.payerTotal }),
      total: order.total,
    },
    appid: merchant.appId,
    attach: order.attach ?? '',
    ...(paid && {
      bank_type: 'OTHERS',
      payer: { openid: order.openid ?? '' },
      success_time: beijingTime(paid.successWireMs),
      transaction_id: paid.transactionId,
    }),
    mchid: merchant.mchId,
    out_trade_no: order.id,
    promotion_detail: promotions(order),
    ...(paid && { trade_type: order.tradeType }),
  };
}

function promotions({ id, total, paid }: OrderRow): readonly object[] {
  const coupon = paid === null ? 0 : total - paid.payerTotal;
  return coupon === 0 ? [] : [{ coupon_id: id, scope: 'GLOBAL', type: 'CASH', amount: coupon, currency: 'CNY' }];
}

/** A refund as the API answers it; its state is `status` here and `refund_status` in a notification. */
export function refundObject(order: OrderRow, refund: RefundRow) {
  return {
    ...told(order, refund),
    status: refund.status,
    create_time: beijingTime(refund.createdWireMs),
    channel: 'ORIGINAL',
    funds_account: 'AVAILABLE',
    amount: { ...amounts(order, refund), currency: 'CNY', from: [], discount_refund: 0, refund_fee: 0 },
    promotion_detail: [],
  };
}

/** As its notification tells it: no appid, no currency. */
export function notifiedRefundObject(
  { merchant }: Pick<WechatpayState, 'merchant'>,
  order: OrderRow,
  refund: RefundRow,
) {
  return {
    mchid: merchant.mchId,
    ...told(order, refund),
    refund_status: refund.status,
    amount: amounts(order, refund),
  };
}

function told(order: OrderRow, refund: RefundRow) {
  return {
    transaction_id: order.paid?.transactionId ?? '',
    out_trade_no: order.id,
    refund_id: refund.refundId,
    out_refund_no: refund.id,
    ...(refund.successWireMs !== null && { success_time: beijingTime(refund.successWireMs) }),
    user_received_account: '支付用户零钱',
  };
}

/** What goes back to the buyer is their share: a coupon is not paid out. */
function amounts(order: OrderRow, refund: RefundRow) {
  const payerTotal = order.paid?.payerTotal ?? order.total;
  const payerRefund = Number((BigInt(refund.amount) * BigInt(payerTotal)) / BigInt(order.total));
  return { total: order.total, refund: refund.amount, payer_total: payerTotal, payer_refund: payerRefund };
}
