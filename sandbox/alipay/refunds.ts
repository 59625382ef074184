import { businessRefusal, invalidParameter, tradeStatusError } from './errors.ts';
import { notifyTrade } from './notices.ts';
import { type Books, claimedOf, type RefundRow, refundedOf, refundsOf, type TradeRow } from './state.ts';

export type NewRefund = {
  /** Null stands for the merchant's number of the trade: then everything goes back at once. */
  readonly outRequestNo: string | null;
  readonly amount: number;
  readonly reason: string | null;
  readonly origin: RefundRow['origin'];
};

/** A refund, and whether money moved because of this request. */
export type Refunded = { readonly refund: RefundRow; readonly moved: boolean };

/**
 * Sends money back; asked again under the same number, it only says what is. A refund that failed has left nothing behind: its number
 * may be used again.
 *
 * @throws {AlipayRefusal} when the number stands for another amount, or the trade does not have so much to give back.
 */
export function refundTrade(books: Books, trade: TradeRow, input: NewRefund): Refunded {
  const outRequestNo = input.outRequestNo ?? trade.id;
  if (input.outRequestNo === null && input.amount !== trade.terms.amount) {
    throw invalidParameter('out_request_no', '部分退款时必须传入');
  }
  const earlier = findRefund(books, trade.id, outRequestNo);
  if (earlier && earlier.status !== 'failed') {
    if (earlier.amount === input.amount) return { refund: earlier, moved: false };
    throw businessRefusal('ACQ.DISCORDANT_REPEAT_REQUEST', '请求信息不一致');
  }
  checkRefundable(books, trade, input.amount);
  const refund = putRefund(books, {
    id: refundId(trade.id, outRequestNo),
    outTradeNo: trade.id,
    outRequestNo,
    amount: input.amount,
    reason: input.reason,
    status: 'pending',
    origin: input.origin,
    createdMs: books.clock.wireMs(),
    succeededMs: null,
  });
  const rule = books.faults.takeOutcome(['refund_pending_then_succeeded', 'refund_pending_then_failed'], {
    text: JSON.stringify({ ...refund, terms: trade.terms }),
  });
  if (rule === null) return { refund: succeedRefund(books, refund), moved: true };
  const act = rule.fault === 'refund_pending_then_succeeded' ? 'refund_succeeded' : 'refund_failed';
  if (rule.ms !== null) books.plan(rule.ms, act, refund.id);
  return { refund, moved: false };
}

/** The money is with the buyer. A trade of which everything has gone back is closed. */
export function succeedRefund(books: Books, refund: RefundRow): RefundRow {
  if (refund.status !== 'pending') throw tradeStatusError();
  const done = books.refunds.put({ ...refund, status: 'succeeded', succeededMs: books.clock.wireMs() });
  const trade = books.trades.get(refund.outTradeNo);
  if (!trade) throw new Error(`refund ${refund.id} has no trade`);
  if (refundedOf(books, trade.id) < trade.terms.amount) {
    notifyTrade(books, trade, 'partly_refunded', done);
  } else {
    const closed = books.trades.put({ ...trade, status: 'TRADE_CLOSED', closedMs: books.clock.wireMs() });
    notifyTrade(books, closed, 'fully_refunded', done);
  }
  return done;
}

/** No money moves; the amount can be refunded again. */
export function failRefund(books: Books, refund: RefundRow): RefundRow {
  if (refund.status !== 'pending') throw tradeStatusError();
  return books.refunds.put({ ...refund, status: 'failed' });
}

export function findRefund(books: Books, outTradeNo: string, outRequestNo: string): RefundRow | undefined {
  return books.refunds.get(refundId(outTradeNo, outRequestNo));
}

/** Of several trades that used the same number, the newest. */
export function findRefundByNumber(books: Books, outRequestNo: string): RefundRow | undefined {
  return [...books.refunds.all()].filter((row) => row.outRequestNo === outRequestNo).at(-1);
}

/** What can still go back, in fen. */
export function refundableOf(books: Books, trade: TradeRow): number {
  return trade.paidMs === null ? 0 : trade.terms.amount - claimedOf(books, trade.id);
}

function checkRefundable(books: Books, trade: TradeRow, amount: number): void {
  if (trade.status === 'TRADE_FINISHED') throw businessRefusal('ACQ.TRADE_HAS_FINISHED', '交易已完结');
  if (trade.paidMs === null) throw tradeStatusError();
  if (amount > refundableOf(books, trade)) throw businessRefusal('ACQ.REFUND_AMT_NOT_EQUAL_TOTAL', '退款金额超限');
}

function putRefund(books: Books, refund: RefundRow): RefundRow {
  const refunds = refundsOf(books, refund.outTradeNo).map(({ id }) => id);
  if (!refunds.includes(refund.id))
    books.refundsByTrade.put({ id: refund.outTradeNo, refunds: [...refunds, refund.id] });
  return books.refunds.put(refund);
}

function refundId(outTradeNo: string, outRequestNo: string): string {
  return `${outTradeNo}/${outRequestNo}`;
}
