import { type TradeState, transactionObject } from './objects.ts';
import type { OrderRow, RefundRow, WechatpayState } from './state.ts';

/** The totals of one order, in fen. */
export type WechatpayTotals = {
  readonly currency: 'cny';
  /** The number of orders with this `out_trade_no`: always 1. */
  readonly transactions: number;
  /** How often the buyer was charged. */
  readonly charges: number;
  readonly captured: number;
  /** The total of succeeded refunds. An abnormal refund counts neither here nor as pending, and its amount cannot be refunded again. */
  readonly refunded: number;
  readonly refundPending: number;
};

export type LedgerRefund = Pick<RefundRow, 'amount' | 'status' | 'origin' | 'reason'> & {
  /** WeChat Pay's `refund_id`. */
  readonly id: string;
  readonly outRefundNo: string;
  readonly outTradeNo: string;
};

export type WechatpayLedger = {
  readonly transactions: readonly (object & { readonly out_trade_no: string; readonly trade_state: TradeState })[];
  readonly refunds: readonly LedgerRefund[];
  /** By `out_trade_no`. */
  readonly totals: Readonly<Record<string, WechatpayTotals>>;
};

/** The true state at WeChat Pay, oldest first; with `paymentId`, an `out_trade_no`, only of that payment. */
export function readWechatpayLedger(wechatpay: WechatpayState, paymentId: string | null): WechatpayLedger {
  const orders = [...wechatpay.orders.all()].filter((row) => paymentId === null || row.id === paymentId);
  const refunds = [...wechatpay.refunds.all()].filter((row) => paymentId === null || row.order === paymentId);
  return {
    transactions: orders.map((row) => transactionObject(wechatpay, row)),
    refunds: refunds.map(refundInLedger),
    totals: Object.fromEntries(orders.map((row) => [row.id, totalsOf(row, refunds)])),
  };
}

function refundInLedger(row: RefundRow): LedgerRefund {
  const { id, refundId, order, amount, status, origin, reason } = row;
  return { id: refundId, outRefundNo: id, outTradeNo: order, amount, status, origin, reason };
}

function totalsOf(order: OrderRow, refunds: readonly RefundRow[]): WechatpayTotals {
  const sum = (status: RefundRow['status']): number =>
    refunds.reduce((total, row) => total + (row.order === order.id && row.status === status ? row.amount : 0), 0);
  return {
    currency: 'cny',
    transactions: 1,
    charges: order.paid ? 1 : 0,
    captured: order.paid ? order.total : 0,
    refunded: sum('SUCCESS'),
    refundPending: sum('PROCESSING'),
  };
}
