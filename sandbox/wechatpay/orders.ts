import { invalidRequest, orderClosed, orderNotExist, orderPaid, WechatpayRefusal } from './errors.ts';
import { newOpenid, newTransactionId } from './ids.ts';
import type { OrderInput, Read } from './input.ts';
import { recordPayment } from './notifications.ts';
import type { OrderRow, TradeType, WechatpayState } from './state.ts';
import { parseRfc3339 } from './time.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** An earlier `time_expire` is moved to this long after the order was made. */
export const payableMsMin = minuteMs;
export const payableMsDefault = 7 * 24 * hourMs;
/** How long a code_url, a prepay_id and an h5_url can be used, whatever `time_expire` says. */
export const codeMs: Readonly<Record<TradeType, number>> = {
  NATIVE: 2 * hourMs,
  JSAPI: 2 * hourMs,
  MWEB: 5 * minuteMs,
};
const lateSuccessMsDefault = 1000;

/**
 * Makes an order, or a new way in to the same one when exactly the same is asked again while it can still be paid. `code` is
 * the new way in.
 *
 * @throws {WechatpayRefusal} when the number was used for something else, or is paid, closed or over.
 */
export function placeOrder(
  wechatpay: WechatpayState,
  tradeType: TradeType,
  { input, asked }: Read<OrderInput>,
  details: { readonly openid: string | null; readonly code: string },
): OrderRow {
  checkMerchant(wechatpay, input);
  const held = wechatpay.orders.get(input.out_trade_no);
  if (held) checkSame(wechatpay, held, `${tradeType} ${asked}`);
  const codeUntilAtMs = wechatpay.clock.nowMs() + codeMs[tradeType];
  const order: OrderRow = held
    ? { ...held, codeUntilAtMs }
    : {
        id: input.out_trade_no,
        createdWireMs: wechatpay.clock.wireMs(),
        tradeType,
        description: input.description,
        attach: input.attach ?? null,
        notifyUrl: input.notify_url,
        total: input.amount.total,
        asked: `${tradeType} ${asked}`,
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

function checkSame(wechatpay: WechatpayState, held: OrderRow, asked: string): void {
  if (held.paid) throw orderPaid();
  if (held.state === 'CLOSED') throw orderClosed();
  if (held.asked !== asked) throw new WechatpayRefusal(403, 'OUT_TRADE_NO_USED', '商户订单号重复');
  if (wechatpay.clock.nowMs() > held.payableUntilAtMs) throw invalidRequest('订单已过期，请更换商户订单号重新下单');
}

/** How long the order can be paid, from now. */
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

/** Closing what is closed is done already. @throws {WechatpayRefusal} ORDERPAID: the buyer was faster. */
export function closeOrder(wechatpay: WechatpayState, order: OrderRow): OrderRow {
  if (order.paid) throw orderPaid();
  if (order.state === 'CLOSED') return order;
  const late = wechatpay.faults.takeOutcome(['success_after_close'], outcomeSubject(order));
  if (late) wechatpay.plan(late.ms ?? lateSuccessMsDefault, 'succeed_anyway', order.id);
  return wechatpay.orders.put({ ...order, state: 'CLOSED' });
}

/** The buyer scans, or the shop's page opens the payment: they stand before the pay button. */
export function openOrder(wechatpay: WechatpayState, order: OrderRow): OrderRow {
  checkPayable(wechatpay, order);
  return wechatpay.orders.put({ ...order, state: 'USERPAYING' });
}

/** The buyer went away, or their bank said no: it can be tried again, and nobody is told. */
export function leaveOrder(wechatpay: WechatpayState, order: OrderRow, why: 'declined' | 'left'): OrderRow {
  if (order.paid || order.state === 'CLOSED') return order;
  const declines = order.declines + (why === 'declined' ? 1 : 0);
  return wechatpay.orders.put({ ...order, state: 'NOTPAY', declines });
}

/**
 * The buyer presses Pay. A coupon pays `coupon` fen of it.
 *
 * @throws {WechatpayRefusal} when the order is over, or its code, or the coupon is too large.
 */
export function payOrder(wechatpay: WechatpayState, order: OrderRow, coupon = 0): OrderRow {
  checkPayable(wechatpay, order);
  if (!Number.isInteger(coupon) || coupon < 0 || coupon >= order.total) throw invalidRequest('优惠金额不正确');
  const rule = wechatpay.faults.takeOutcome(
    ['processing_then_succeeded', 'processing_then_failed'],
    outcomeSubject(order),
  );
  if (!rule) return succeed(wechatpay, order, coupon);
  if (rule.ms !== null) {
    wechatpay.plan(rule.ms, rule.fault === 'processing_then_failed' ? 'pay_failed' : 'pay_succeeded', order.id);
  }
  return wechatpay.orders.put({ ...order, state: 'USERPAYING' });
}

/** Takes the money, in whatever state the order is; an order that is paid stays as it is. */
export function succeed(wechatpay: WechatpayState, order: OrderRow, coupon = 0): OrderRow {
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
  recordPayment(wechatpay, paid);
  return paid;
}

/** @throws {WechatpayRefusal} saying why the buyer cannot pay. */
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
