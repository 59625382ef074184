import { beijingTime } from '../beijing-time.ts';
import { formatYuan } from '../yuan.ts';
import { buyer } from './notifications.ts';
import { type AlipayState, type RefundRow, refundsOf, type TradeRow } from './state.ts';

/** One row of the business bill: a payment, or a refund with a negative amount. Amounts are fen. */
export type BillRow = {
  readonly tradeNo: string;
  readonly outTradeNo: string;
  readonly kind: '交易' | '退款';
  readonly subject: string;
  readonly createdMs: number;
  readonly finishedMs: number;
  readonly amount: number;
  /** Empty for a payment. */
  readonly outRequestNo: string;
};

export type Period = { readonly fromMs: number; readonly untilMs: number };

/** The columns of 业务明细 in order. */
export const columns: readonly string[] = [
  ...['支付宝交易号', '商户订单号', '业务类型', '商品名称', '创建时间', '完成时间', '门店编号', '门店名称', '操作员'],
  ...['终端号', '对方账户', '订单金额（元）', '商家实收（元）', '支付宝红包（元）', '集分宝（元）', '支付宝优惠（元）'],
  ...[
    '商家优惠（元）',
    '券核销金额（元）',
    '券名称',
    '商家红包消费金额（元）',
    '卡消费金额（元）',
    '退款批次号/请求号',
  ],
  ...['服务费（元）', '分润（元）', '备注'],
];

export function cellsOf(row: BillRow): string[] {
  const none = formatYuan(0);
  const amount = formatYuan(row.amount);
  return [
    ...[row.tradeNo, row.outTradeNo, row.kind, row.subject, beijingTime(row.createdMs), beijingTime(row.finishedMs)],
    ...['', '', '', ''],
    ...[buyer.logonId, amount, amount, none, none, none, none, none, '', none, none],
    ...[row.outRequestNo, none, none, ''],
  ];
}

/** The payments and refunds of the period, in the order of completion. */
export function rowsOfLedger(alipay: AlipayState, { fromMs, untilMs }: Period): BillRow[] {
  const isWithin = (ms: number | null): ms is number => ms !== null && ms >= fromMs && ms < untilMs;
  const rows: BillRow[] = [];
  for (const trade of alipay.trades.all()) {
    if (isWithin(trade.paidMs)) rows.push(paymentRow(trade, trade.paidMs));
    for (const refund of refundsOf(alipay, trade.id)) {
      if (isWithin(refund.succeededMs)) rows.push(refundRow(trade, refund, refund.succeededMs));
    }
  }
  return rows.sort((a, b) => a.finishedMs - b.finishedMs);
}

/** Invented rows, reproducible for the same period. Every tenth row is a refund of the row before. */
export function* syntheticRows({ fromMs, untilMs }: Period, count: number): Generator<BillRow> {
  const day = beijingTime(fromMs).slice(0, 10).replaceAll('-', '');
  const stepMs = Math.floor((untilMs - fromMs) / Math.max(1, count));
  for (let n = 0; n < count; n += 1) {
    const isRefund = n % 10 === 9;
    const trade = isRefund ? n - 1 : n;
    const number = String(trade).padStart(9, '0');
    const atMs = fromMs + n * stepMs;
    const amount = 1 + ((trade * 7919) % 1_000_000);
    yield {
      tradeNo: `${day}22001900000${number}`,
      outTradeNo: `madeup_${number}`,
      kind: isRefund ? '退款' : '交易',
      subject: `茶叶 ${trade % 1000}`,
      createdMs: atMs,
      finishedMs: atMs,
      amount: isRefund ? -amount : amount,
      outRequestNo: isRefund ? `madeup_rfd_${number}` : '',
    };
  }
}

function paymentRow(trade: TradeRow, finishedMs: number): BillRow {
  return {
    tradeNo: trade.tradeNo,
    outTradeNo: trade.id,
    kind: '交易',
    subject: trade.terms.subject,
    createdMs: trade.createdMs,
    finishedMs,
    amount: trade.terms.amount,
    outRequestNo: '',
  };
}

function refundRow(trade: TradeRow, refund: RefundRow, finishedMs: number): BillRow {
  return {
    ...paymentRow(trade, finishedMs),
    kind: '退款',
    createdMs: refund.createdMs,
    amount: -refund.amount,
    outRequestNo: refund.outRequestNo,
  };
}
