import { dayMs } from '../durations.ts';
import { invalidRequest, WechatpayRefusal } from './errors.ts';
import { newRefundId } from './ids.ts';
import type { ParsedRequest, RefundInput } from './input.ts';
import { notifyRefund } from './notifications.ts';
import { orderOf } from './orders.ts';
import type { OrderRow, RefundRow, RefundStatus, WechatpayState } from './state.ts';

/** The number of refunds of one order, including closed ones. */
export const refundsMax = 50;
export const refundWindowMs = 365 * dayMs;
/** A refund succeeds this long after its request, plus up to two seconds. */
const refundMsMin = 1000;
const refundMsSpread = 2001;

/**
 * Accepts a refund as PROCESSING. An identical request with the same number returns the existing refund in its present state.
 *
 * @throws {WechatpayRefusal} INVALID_REQUEST, RESOURCE_NOT_EXISTS
 */
export function requestRefund(wechatpay: WechatpayState, { input, canonical }: ParsedRequest<RefundInput>): RefundRow {
  const existing = wechatpay.refunds.get(input.out_refund_no);
  if (existing) {
    if (existing.asked === canonical) return existing;
    throw invalidRequest('订单金额或退款金额与之前请求不一致，请核实后再试');
  }
  const order = orderToRefund(wechatpay, input.transaction_id, input.out_trade_no);
  if (input.amount.total !== order.total) throw invalidRequest('订单金额不一致，请核实后再试');
  return createRefund(wechatpay, order, {
    outRefundNo: input.out_refund_no,
    amount: input.amount.refund,
    reason: input.reason ?? null,
    notifyUrl: input.notify_url ?? order.notifyUrl,
    asked: canonical,
    origin: 'API',
  });
}

export type NewRefund = Pick<RefundRow, 'amount' | 'reason' | 'notifyUrl' | 'asked' | 'origin'> & {
  readonly outRefundNo: string;
};

/** @throws {WechatpayRefusal} INVALID_REQUEST when the amount exceeds the refundable amount. */
export function createRefund(wechatpay: WechatpayState, order: OrderRow, wanted: NewRefund): RefundRow {
  checkRefundable(wechatpay, order, wanted.amount);
  const { outRefundNo, ...rest } = wanted;
  const refund = wechatpay.refunds.put({
    ...rest,
    id: outRefundNo,
    refundId: newRefundId(wechatpay),
    order: order.id,
    createdWireMs: wechatpay.clock.wireMs(),
    successWireMs: null,
    status: 'PROCESSING',
  });
  const refundHeld = order.refundHeld + refund.amount;
  wechatpay.orders.put({ ...order, refundHeld, refundCount: order.refundCount + 1 });
  scheduleOutcome(wechatpay, refund);
  return refund;
}

/** @throws {WechatpayRefusal} 404 when the order does not exist, 400 when the two numbers belong to different orders. */
export function orderToRefund(
  wechatpay: WechatpayState,
  transactionId: string | undefined,
  outTradeNo: string | undefined,
): OrderRow {
  const number = transactionId === undefined ? outTradeNo : wechatpay.transactions.get(transactionId)?.order;
  const order = number === undefined ? undefined : wechatpay.orders.get(number);
  if (!order) throw new WechatpayRefusal(404, 'RESOURCE_NOT_EXISTS', '订单不存在');
  if (outTradeNo !== undefined && outTradeNo !== order.id) throw invalidRequest('订单号与微信支付订单号不匹配');
  return order;
}

function checkRefundable({ clock }: WechatpayState, order: OrderRow, amount: number): void {
  if (!order.paid) throw invalidRequest('订单未支付，不可退款');
  if (clock.nowMs() > order.paid.successAtMs + refundWindowMs) throw invalidRequest('订单已超过可退款的期限');
  if (order.refundCount >= refundsMax) throw invalidRequest('退款次数超过限制');
  if (amount > order.total - order.refundHeld) throw invalidRequest('申请退款金额超过可退金额: refund amount exceeds');
}

function scheduleOutcome(wechatpay: WechatpayState, refund: RefundRow): void {
  const text = JSON.stringify({ ...refund, out_refund_no: refund.id, out_trade_no: refund.order });
  const rule = wechatpay.faults.takeOutcome(['refund_pending_then_succeeded', 'refund_pending_then_failed'], { text });
  if (!rule) return wechatpay.schedule(usualDelayMs(refund), 'refund_succeeded', refund.id);
  if (rule.ms === null) return; // the console decides
  wechatpay.schedule(
    rule.ms,
    rule.fault === 'refund_pending_then_failed' ? 'refund_failed' : 'refund_succeeded',
    refund.id,
  );
}

function usualDelayMs({ refundId }: RefundRow): number {
  return refundMsMin + (Number(refundId.slice(-6)) % refundMsSpread);
}

/** The states from which a refund may reach each final state. An abnormal refund is completed or closed in the merchant platform. */
const predecessors: Readonly<Record<Exclude<RefundStatus, 'PROCESSING'>, readonly RefundStatus[]>> = {
  SUCCESS: ['PROCESSING', 'ABNORMAL'],
  ABNORMAL: ['PROCESSING'],
  CLOSED: ['PROCESSING', 'ABNORMAL'],
};

/**
 * Moves a refund to a final state and notifies the merchant. Does nothing when its present state does not allow that. Only a closed
 * refund releases its amount: an abnormal one can still be completed.
 */
export function endRefund(
  wechatpay: WechatpayState,
  outRefundNo: string,
  status: Exclude<RefundStatus, 'PROCESSING'>,
): void {
  const refund = wechatpay.refunds.get(outRefundNo);
  if (!refund || !predecessors[status].includes(refund.status)) return;
  const successWireMs = status === 'SUCCESS' ? wechatpay.clock.wireMs() : null;
  const ended = wechatpay.refunds.put({ ...refund, status, successWireMs });
  const order = orderOf(wechatpay, refund.order);
  if (status === 'CLOSED') wechatpay.orders.put({ ...order, refundHeld: order.refundHeld - refund.amount });
  notifyRefund(wechatpay, order, ended);
}
