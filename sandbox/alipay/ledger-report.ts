import { type AlipayState, type RefundRow, refundedOf, refundsOf, type TradeRow } from './state.ts';

/** The totals of one merchant's number, in fen. */
export type AlipayTotals = {
  readonly currency: 'cny';
  /** 0 until a buyer opens the link or scans the code. */
  readonly trades: number;
  /** How often the buyer was charged; more than once is a double charge. */
  readonly charges: number;
  readonly captured: number;
  readonly refunded: number;
  readonly refundPending: number;
};

export type LedgerTrade = {
  readonly outTradeNo: string;
  readonly tradeNo: string;
  readonly status: TradeRow['status'];
  readonly product: TradeRow['terms']['product'];
  readonly amount: number;
  readonly subject: string;
  readonly charges: number;
  readonly refunded: number;
  readonly paidAt: string | null;
  readonly closedAt: string | null;
};

export type LedgerRefund = Pick<RefundRow, 'id' | 'outTradeNo' | 'outRequestNo' | 'amount' | 'status' | 'origin'>;

export type AlipayLedger = {
  readonly trades: readonly LedgerTrade[];
  readonly refunds: readonly LedgerRefund[];
  /** By `out_trade_no`, including links and codes that no buyer has opened. */
  readonly totals: Readonly<Record<string, AlipayTotals>>;
};

/** The true state at Alipay, oldest first; with `paymentId`, an `out_trade_no`, only of that payment. */
export function readAlipayLedger(alipay: AlipayState, paymentId: string | null): AlipayLedger {
  const numbers = paymentId === null ? Array.from(alipay.offersByNumber.all(), ({ id }) => id) : [paymentId];
  const known = numbers.filter((number) => alipay.offersByNumber.get(number) !== undefined);
  return {
    trades: known.flatMap((number) => alipay.trades.get(number) ?? []).map((trade) => tradeInLedger(alipay, trade)),
    refunds: known.flatMap((number) => refundsOf(alipay, number)).map(refundInLedger),
    totals: Object.fromEntries(known.map((number) => [number, totalsOf(alipay, number)])),
  };
}

export function tradeInLedger(alipay: AlipayState, trade: TradeRow): LedgerTrade {
  const { id, tradeNo, status, terms, charges, paidMs, closedMs } = trade;
  return {
    outTradeNo: id,
    tradeNo,
    status,
    product: terms.product,
    amount: terms.amount,
    subject: terms.subject,
    charges,
    refunded: refundedOf(alipay, id),
    paidAt: paidMs === null ? null : new Date(paidMs).toISOString(),
    closedAt: closedMs === null ? null : new Date(closedMs).toISOString(),
  };
}

export function refundInLedger({ id, outTradeNo, outRequestNo, amount, status, origin }: RefundRow): LedgerRefund {
  return { id, outTradeNo, outRequestNo, amount, status, origin };
}

function totalsOf(alipay: AlipayState, outTradeNo: string): AlipayTotals {
  const trade = alipay.trades.get(outTradeNo);
  const charges = trade?.charges ?? 0;
  const pending = refundsOf(alipay, outTradeNo).filter(({ status }) => status === 'pending');
  return {
    currency: 'cny',
    trades: trade ? 1 : 0,
    charges,
    captured: charges * (trade?.terms.amount ?? 0),
    refunded: refundedOf(alipay, outTradeNo),
    refundPending: pending.reduce((sum, { amount }) => sum + amount, 0),
  };
}
