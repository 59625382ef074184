import { invalidRequest, WechatpayRefusal } from './errors.ts';
import { newRefundId } from './ids.ts';
import type { Read, RefundInput } from './input.ts';
import { recordRefund } from './notifications.ts';
import { orderOf } from './orders.ts';
import type { Books, OrderRow, RefundRow, RefundStatus } from './state.ts';

/** Partial refunds of one order, closed ones included. */
export const refundsMax = 50;
export const refundWindowMs = 365 * 24 * 3_600_000;
/** A refund is done this long after it was accepted, or up to two seconds later. */
const refundMsMin = 1000;
const refundMsSpread = 2001;

/**
 * Accepts a refund: nothing has gone back yet. The same number with the same parameters is the same refund, whatever became
 * of it.
 *
 * @throws {WechatpayRefusal} INVALID_REQUEST, RESOURCE_NOT_EXISTS
 */
export function requestRefund(books: Books, { input, asked }: Read<RefundInput>): RefundRow {
  const held = books.refunds.get(input.out_refund_no);
  if (held) {
    if (held.asked === asked) return held;
    throw invalidRequest('订单金额或退款金额与之前请求不一致，请核实后再试');
  }
  const order = orderToRefund(books, input.transaction_id, input.out_trade_no);
  if (input.amount.total !== order.total) throw invalidRequest('订单金额不一致，请核实后再试');
  return createRefund(books, order, {
    outRefundNo: input.out_refund_no,
    amount: input.amount.refund,
    reason: input.reason ?? null,
    notifyUrl: input.notify_url ?? order.notifyUrl,
    asked,
    origin: 'API',
  });
}

export type NewRefund = Pick<RefundRow, 'amount' | 'reason' | 'notifyUrl' | 'asked' | 'origin'> & {
  readonly outRefundNo: string;
};

/** @throws {WechatpayRefusal} INVALID_REQUEST when the order cannot give back so much. */
export function createRefund(books: Books, order: OrderRow, wanted: NewRefund): RefundRow {
  checkRefundable(books, order, wanted.amount);
  const { outRefundNo, ...rest } = wanted;
  const refund = books.refunds.put({
    ...rest,
    id: outRefundNo,
    refundId: newRefundId(books),
    order: order.id,
    createdWireMs: books.clock.wireMs(),
    successWireMs: null,
    status: 'PROCESSING',
  });
  const refundHeld = order.refundHeld + refund.amount;
  books.orders.put({ ...order, refundHeld, refundCount: order.refundCount + 1 });
  planOutcome(books, refund);
  return refund;
}

/** @throws {WechatpayRefusal} 404 when there is no such order, 400 when the two numbers name two orders. */
export function orderToRefund(
  books: Books,
  transactionId: string | undefined,
  outTradeNo: string | undefined,
): OrderRow {
  const number = transactionId === undefined ? outTradeNo : books.transactions.get(transactionId)?.order;
  const order = number === undefined ? undefined : books.orders.get(number);
  if (!order) throw new WechatpayRefusal(404, 'RESOURCE_NOT_EXISTS', '订单不存在');
  if (outTradeNo !== undefined && outTradeNo !== order.id) throw invalidRequest('订单号与微信支付订单号不匹配');
  return order;
}

function checkRefundable({ clock }: Books, order: OrderRow, amount: number): void {
  if (!order.paid) throw invalidRequest('订单未支付，不可退款');
  if (clock.nowMs() > order.paid.successAtMs + refundWindowMs) throw invalidRequest('订单已超过可退款的期限');
  if (order.refundCount >= refundsMax) throw invalidRequest('退款次数超过限制');
  if (amount > order.total - order.refundHeld) throw invalidRequest('申请退款金额超过可退金额: refund amount exceeds');
}

function planOutcome(books: Books, refund: RefundRow): void {
  const text = JSON.stringify({ ...refund, out_refund_no: refund.id, out_trade_no: refund.order });
  const rule = books.faults.takeOutcome(['refund_pending_then_succeeded', 'refund_pending_then_failed'], { text });
  if (!rule) return books.plan(usualDelayMs(refund), 'refund_succeeded', refund.id);
  if (rule.ms === null) return; // the console decides
  books.plan(rule.ms, rule.fault === 'refund_pending_then_failed' ? 'refund_failed' : 'refund_succeeded', refund.id);
}

function usualDelayMs({ refundId }: RefundRow): number {
  return refundMsMin + (Number(refundId.slice(-6)) % refundMsSpread);
}

/** From where a refund may come to each end. What failed is put right by hand in the merchant platform, or closed there. */
const comesFrom: Readonly<Record<Exclude<RefundStatus, 'PROCESSING'>, readonly RefundStatus[]>> = {
  SUCCESS: ['PROCESSING', 'ABNORMAL'],
  ABNORMAL: ['PROCESSING'],
  CLOSED: ['PROCESSING', 'ABNORMAL'],
};

/**
 * Brings a refund to an end, and tells the merchant. What does not fit its present state does nothing. Only a closed one
 * frees its amount: an abnormal one still waits for somebody to put it right.
 */
export function endRefund(books: Books, outRefundNo: string, status: Exclude<RefundStatus, 'PROCESSING'>): void {
  const refund = books.refunds.get(outRefundNo);
  if (!refund || !comesFrom[status].includes(refund.status)) return;
  const successWireMs = status === 'SUCCESS' ? books.clock.wireMs() : null;
  const ended = books.refunds.put({ ...refund, status, successWireMs });
  const order = orderOf(books, refund.order);
  if (status === 'CLOSED') books.orders.put({ ...order, refundHeld: order.refundHeld - refund.amount });
  recordRefund(books, order, ended);
}
