import { beijingRfc3339 } from '../beijing-time.ts';
import type { OrderRow, RefundRow, WechatpayState } from './state.ts';

export type TradeState = OrderRow['state'] | 'REFUND';

const stateTexts: Readonly<Record<TradeState, string>> = {
  NOTPAY: '订单未支付',
  USERPAYING: '用户支付中',
  SUCCESS: '支付成功',
  REFUND: '订单发生过退款，退款详情请查询退款单',
  CLOSED: '订单已关闭',
};

/** A paid order with any refund that is not closed has the state REFUND, even after a partial refund. */
export function tradeState(order: OrderRow): TradeState {
  return order.state === 'SUCCESS' && order.refundHeld > 0 ? 'REFUND' : order.state;
}

/** A transaction in the response of a query. */
export function transactionObject(wechatpay: Pick<WechatpayState, 'merchant'>, order: OrderRow) {
  return {
    ...common(wechatpay, order),
    trade_state: tradeState(order),
    trade_state_desc: stateTexts[tradeState(order)],
  };
}

/** A transaction in its notification: always SUCCESS, even after a refund. */
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
      success_time: beijingRfc3339(paid.successWireMs),
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

/** A refund in a response of the API. Its state is `status` here and `refund_status` in a notification. */
export function refundObject(order: OrderRow, refund: RefundRow) {
  return {
    ...commonRefundFields(order, refund),
    status: refund.status,
    create_time: beijingRfc3339(refund.createdWireMs),
    channel: 'ORIGINAL',
    funds_account: 'AVAILABLE',
    amount: { ...amounts(order, refund), currency: 'CNY', from: [], discount_refund: 0, refund_fee: 0 },
    promotion_detail: [],
  };
}

/** A refund in its notification: without appid and currency. */
export function notifiedRefundObject(
  { merchant }: Pick<WechatpayState, 'merchant'>,
  order: OrderRow,
  refund: RefundRow,
) {
  return {
    mchid: merchant.mchId,
    ...commonRefundFields(order, refund),
    refund_status: refund.status,
    amount: amounts(order, refund),
  };
}

function commonRefundFields(order: OrderRow, refund: RefundRow) {
  return {
    transaction_id: order.paid?.transactionId ?? '',
    out_trade_no: order.id,
    refund_id: refund.refundId,
    out_refund_no: refund.id,
    ...(refund.successWireMs !== null && { success_time: beijingRfc3339(refund.successWireMs) }),
    user_received_account: '支付用户零钱',
  };
}

/** The buyer gets back only their share of the payment, without the share of a coupon. */
function amounts(order: OrderRow, refund: RefundRow) {
  const payerTotal = order.paid?.payerTotal ?? order.total;
  const payerRefund = Number((BigInt(refund.amount) * BigInt(payerTotal)) / BigInt(order.total));
  return { total: order.total, refund: refund.amount, payer_total: payerTotal, payer_refund: payerRefund };
}
