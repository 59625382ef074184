import { dayMs, hourMs, minuteMs } from '../durations.ts';
import { invalidRequest, orderClosed, orderNotExist, orderPaid, WechatpayRefusal } from './errors.ts';
import { newOpenid, newTransactionId } from './ids.ts';
import type { OrderInput, ParsedRequest } from './input.ts';
import { notifyPayment } from './notifications.ts';
import { parseRfc3339 } from './rfc3339.ts';
import type { OrderRow, TradeType, WechatpayState } from './state.ts';

/** The shortest time to pay. An earlier `time_expire` is moved to it. */
export const payableMsMin = minuteMs;
export const payableMsDefault = 7 * dayMs;
/** The lifetime of a code_url, a prepay_id and an h5_url, independent of `time_expire`. */
export const codeMs: Readonly<Record<TradeType, number>> = {
  NATIVE: 2 * hourMs,
  JSAPI: 2 * hourMs,
  MWEB: 5 * minuteMs,
};
const lateSuccessMsDefault = 1000;

/**
 * Creates an order. An identical request for an order that can still be paid adds a new code to it. `code` is the new code.
 *
 * @throws {WechatpayRefusal} when the number belongs to another request, or its order is paid, closed or expired.
 */
export function placeOrder(
  wechatpay: WechatpayState,
  tradeType: TradeType,
  { input, canonical }: ParsedRequest<OrderInput>,
  details: { readonly openid: string | null; readonly code: string },
): OrderRow {
  checkMerchant(wechatpay, input);
  const existing = wechatpay.orders.get(input.out_trade_no);
  if (existing) checkRepeatable(wechatpay, existing, `${tradeType} ${canonical}`);
  const codeUntilAtMs = wechatpay.clock.nowMs() + codeMs[tradeType];
  const order: OrderRow = existing
    ? { ...existing, codeUntilAtMs }
    : {
        id: input.out_trade_no,
        createdWireMs: wechatpay.clock.wireMs(),
        tradeType,
        description: input.description,
        attach: input.attach ?? null,
        notifyUrl: input.notify_url,
        total: input.amount.total,
        asked: `${tradeType} ${canonical}`,
        payableUntilAtMs: wechatpay.clock.nowMs() + payableMs(wechatpay, input.time_expire),
        codeUntilAtMs,
        state: 'NOTPAY',
        bridged: false,
        declines: 0,
        openid: details.openid,
        paid: null,
        refundHeld: 0,
        refundCount: 0,
      };
  wechatpay.codes.put({ id: details.code, order: order.id, untilAtMs: codeUntilAtMs });
  return wechatpay.orders.put(order);
}

function checkMerchant({ merchant }: WechatpayState, { appid, mchid }: OrderInput): void {
  if (mchid !== merchant.mchId) throw new WechatpayRefusal(400, 'MCH_NOT_EXISTS', '商户号不存在');
  if (appid !== merchant.appId) throw new WechatpayRefusal(400, 'APPID_MCHID_NOT_MATCH', 'appid和mchid不匹配');
}

function checkRepeatable(wechatpay: WechatpayState, existing: OrderRow, canonical: string): void {
  if (existing.paid) throw orderPaid();
  if (existing.state === 'CLOSED') throw orderClosed();
  if (existing.asked !== canonical) throw new WechatpayRefusal(403, 'OUT_TRADE_NO_USED', '商户订单号重复');
  if (wechatpay.clock.nowMs() > existing.payableUntilAtMs) throw invalidRequest('订单已过期，请更换商户订单号重新下单');
}

/** The time from now in which the order can be paid. */
function payableMs({ clock }: WechatpayState, timeExpire: string | undefined): number {
  const untilMs = timeExpire === undefined ? null : parseRfc3339(timeExpire);
  return untilMs === null ? payableMsDefault : Math.max(payableMsMin, untilMs - clock.wireMs());
}

/** @throws {WechatpayRefusal} 404 ORDER_NOT_EXIST */
export function orderOf(wechatpay: WechatpayState, outTradeNo: string): OrderRow {
  const order = wechatpay.orders.get(outTradeNo);
  if (!order) throw orderNotExist();
  return order;
}

/** Closes an order; does nothing to a closed one. @throws {WechatpayRefusal} ORDERPAID when the buyer has paid. */
export function closeOrder(wechatpay: WechatpayState, order: OrderRow): OrderRow {
  if (order.paid) throw orderPaid();
  if (order.state === 'CLOSED') return order;
  const late = wechatpay.faults.takeOutcome(['success_after_close'], outcomeSubject(order));
  if (late) wechatpay.schedule(late.ms ?? lateSuccessMsDefault, 'succeed_anyway', order.id);
  return wechatpay.orders.put({ ...order, state: 'CLOSED' });
}

/** The buyer scans the code, or the shop's page opens the payment. The buyer has not confirmed yet. */
export function openOrder(wechatpay: WechatpayState, order: OrderRow): OrderRow {
  checkPayable(wechatpay, order);
  return wechatpay.orders.put({ ...order, state: 'USERPAYING' });
}

/** The buyer leaves, or their bank declines. The order can be paid again, and no notification is sent. */
export function leaveOrder(wechatpay: WechatpayState, order: OrderRow, why: 'declined' | 'left'): OrderRow {
  if (order.paid || order.state === 'CLOSED') return order;
  const declines = order.declines + (why === 'declined' ? 1 : 0);
  return wechatpay.orders.put({ ...order, state: 'NOTPAY', declines });
}

/**
 * The buyer confirms the payment. A coupon covers `coupon` fen of it.
 *
 * @throws {WechatpayRefusal} when the order or its code can no longer be paid, or the coupon is too large.
 */
export function payOrder(wechatpay: WechatpayState, order: OrderRow, coupon = 0): OrderRow {
  checkPayable(wechatpay, order);
  if (!Number.isInteger(coupon) || coupon < 0 || coupon >= order.total) throw invalidRequest('优惠金额不正确');
  const rule = wechatpay.faults.takeOutcome(
    ['processing_then_succeeded', 'processing_then_failed'],
    outcomeSubject(order),
  );
  if (!rule) return completePayment(wechatpay, order, coupon);
  if (rule.ms !== null) {
    wechatpay.schedule(rule.ms, rule.fault === 'processing_then_failed' ? 'pay_failed' : 'pay_succeeded', order.id);
  }
  return wechatpay.orders.put({ ...order, state: 'USERPAYING' });
}

/** Charges the buyer in any state of the order. A paid order does not change. */
export function completePayment(wechatpay: WechatpayState, order: OrderRow, coupon = 0): OrderRow {
  if (order.paid) return order;
  const transactionId = newTransactionId(wechatpay);
  const paid: OrderRow = {
    ...order,
    state: 'SUCCESS',
    openid: order.openid ?? newOpenid(wechatpay),
    paid: {
      transactionId,
      successWireMs: wechatpay.clock.wireMs(),
      successAtMs: wechatpay.clock.nowMs(),
      payerTotal: order.total - coupon,
    },
  };
  wechatpay.transactions.put({ id: transactionId, order: order.id });
  wechatpay.orders.put(paid);
  notifyPayment(wechatpay, paid);
  return paid;
}

/** @throws {WechatpayRefusal} that says why the buyer cannot pay. */
export function checkPayable(wechatpay: WechatpayState, order: OrderRow): void {
  if (order.paid) throw orderPaid();
  if (order.state === 'CLOSED') throw orderClosed();
  if (wechatpay.clock.nowMs() > order.payableUntilAtMs) throw invalidRequest('订单已过期');
  if (wechatpay.clock.nowMs() > order.codeUntilAtMs) throw invalidRequest('支付码已过期');
  if (order.tradeType === 'JSAPI' && !order.bridged) throw invalidRequest('JSAPI支付须先由商户页面调起');
}

function outcomeSubject(order: OrderRow) {
  return { text: JSON.stringify({ ...order, out_trade_no: order.id }) };
}
