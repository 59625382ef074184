import { businessRefusal, invalidParameter, tradeStatusError } from './errors.ts';
import { notifyTrade } from './notifications.ts';
import { type AlipayState, claimedOf, type RefundRow, refundedOf, refundsOf, type TradeRow } from './state.ts';

export type NewRefund = {
  /** Null: the `out_trade_no` is used, which is allowed only for a full refund. */
  readonly outRequestNo: string | null;
  readonly amount: number;
  readonly reason: string | null;
  readonly origin: RefundRow['origin'];
};

/** A refund, and whether this request moved money. */
export type Refunded = { readonly refund: RefundRow; readonly moved: boolean };

/**
 * Refunds a trade. A repeated number returns the existing refund and moves no money; the number of a failed refund may be used
 * again.
 *
 * @throws {AlipayRefusal} when the number belongs to a refund with another amount, or the amount exceeds the refundable amount.
 */
export function refundTrade(alipay: AlipayState, trade: TradeRow, input: NewRefund): Refunded {
  const outRequestNo = input.outRequestNo ?? trade.id;
  if (input.outRequestNo === null && input.amount !== trade.terms.amount) {
    throw invalidParameter('out_request_no', '部分退款时必须传入');
  }
  const earlier = findRefund(alipay, trade.id, outRequestNo);
  if (earlier && earlier.status !== 'failed') {
    if (earlier.amount === input.amount) return { refund: earlier, moved: false };
    throw businessRefusal('ACQ.DISCORDANT_REPEAT_REQUEST', '请求信息不一致');
  }
  checkRefundable(alipay, trade, input.amount);
  const refund = putRefund(alipay, {
    id: refundId(trade.id, outRequestNo),
    outTradeNo: trade.id,
    outRequestNo,
    amount: input.amount,
    reason: input.reason,
    status: 'pending',
    origin: input.origin,
    createdMs: alipay.clock.wireMs(),
    succeededMs: null,
  });
  const rule = alipay.faults.takeOutcome(['refund_pending_then_succeeded', 'refund_pending_then_failed'], {
    text: JSON.stringify({ ...refund, terms: trade.terms }),
  });
  if (rule === null) return { refund: succeedRefund(alipay, refund), moved: true };
  const act = rule.fault === 'refund_pending_then_succeeded' ? 'refund_succeeded' : 'refund_failed';
  if (rule.ms !== null) alipay.schedule(rule.ms, act, refund.id);
  return { refund, moved: false };
}

/** The buyer receives the money. A fully refunded trade is closed. */
export function succeedRefund(alipay: AlipayState, refund: RefundRow): RefundRow {
  if (refund.status !== 'pending') throw tradeStatusError();
  const done = alipay.refunds.put({ ...refund, status: 'succeeded', succeededMs: alipay.clock.wireMs() });
  const trade = alipay.trades.get(refund.outTradeNo);
  if (!trade) throw new Error(`refund ${refund.id} has no trade`);
  if (refundedOf(alipay, trade.id) < trade.terms.amount) {
    notifyTrade(alipay, trade, 'partly_refunded', done);
  } else {
    const closed = alipay.trades.put({ ...trade, status: 'TRADE_CLOSED', closedMs: alipay.clock.wireMs() });
    notifyTrade(alipay, closed, 'fully_refunded', done);
  }
  return done;
}

/** The refund fails and moves no money. Its amount can be refunded again. */
export function failRefund(alipay: AlipayState, refund: RefundRow): RefundRow {
  if (refund.status !== 'pending') throw tradeStatusError();
  return alipay.refunds.put({ ...refund, status: 'failed' });
}

export function findRefund(alipay: AlipayState, outTradeNo: string, outRequestNo: string): RefundRow | undefined {
  return alipay.refunds.get(refundId(outTradeNo, outRequestNo));
}

/** The newest refund with this number: several trades may use the same one. */
export function findRefundByNumber(alipay: AlipayState, outRequestNo: string): RefundRow | undefined {
  return [...alipay.refunds.all()].filter((row) => row.outRequestNo === outRequestNo).at(-1);
}

/** The amount that can still be refunded, in fen. */
export function refundableOf(alipay: AlipayState, trade: TradeRow): number {
  return trade.paidMs === null ? 0 : trade.terms.amount - claimedOf(alipay, trade.id);
}

function checkRefundable(alipay: AlipayState, trade: TradeRow, amount: number): void {
  if (trade.status === 'TRADE_FINISHED') throw businessRefusal('ACQ.TRADE_HAS_FINISHED', '交易已完结');
  if (trade.paidMs === null) throw tradeStatusError();
  if (amount > refundableOf(alipay, trade)) throw businessRefusal('ACQ.REFUND_AMT_NOT_EQUAL_TOTAL', '退款金额超限');
}

function putRefund(alipay: AlipayState, refund: RefundRow): RefundRow {
  const refunds = refundsOf(alipay, refund.outTradeNo).map(({ id }) => id);
  if (!refunds.includes(refund.id))
    alipay.refundsByTrade.put({ id: refund.outTradeNo, refunds: [...refunds, refund.id] });
  return alipay.refunds.put(refund);
}

function refundId(outTradeNo: string, outRequestNo: string): string {
  return `${outTradeNo}/${outRequestNo}`;
}
