import { beijingTime } from '../beijing-time.ts';
import { formatYuan } from '../yuan.ts';
import type { Merchant, OrderRow, RefundRow } from './state.ts';

export const billTypes = ['ALL', 'SUCCESS', 'REFUND'] as const;
export type BillType = (typeof billTypes)[number];

/** The payments and refunds of a day. The rows are immutable, so a prepared bill does not change. */
export type BillContent = {
  readonly merchant: Merchant;
  readonly date: string;
  readonly payments: readonly OrderRow[];
  readonly refunds: readonly { readonly refund: RefundRow; readonly order: OrderRow }[];
  /** The number of additional invented payments. */
  readonly synthetic: number;
};

const start =
  '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额';
const refundNames = '微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态';
const headers: Readonly<Record<BillType, string>> = {
  ALL: `${start},${refundNames},商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注`,
  SUCCESS: `${start},商品名称,商户数据包,手续费,费率,订单金额,费率备注`,
  REFUND: `${start},退款申请时间,退款成功时间,${refundNames},商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注`,
};
const summaryHeader = '总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额';
const feeRate = '0.60%';

type Trade = {
  readonly at: string;
  readonly transactionId: string;
  readonly outTradeNo: string;
  readonly openid: string;
  readonly tradeType: string;
  readonly name: string;
  readonly attach: string;
  readonly totalFen: number;
  readonly couponFen: number;
};

/** The lines of a bill, one at a time, so that a large bill is never in memory as a whole. It starts with a byte order mark. */
export function* billText(content: BillContent, type: BillType): Generator<string> {
  const sums = { count: 0n, total: 0n, refunded: 0n, feeFen: 0n };
  yield `\uFEFF${headers[type]}\r\n`;
  if (type !== 'REFUND') {
    for (const trade of trades(content)) {
      sums.count += 1n;
      sums.total += BigInt(trade.totalFen);
      sums.feeFen += feeFen(trade.totalFen);
      yield line(paymentCells(content.merchant, trade, type));
    }
  }
  if (type !== 'SUCCESS') {
    for (const { refund, order } of content.refunds) {
      sums.count += 1n;
      sums.refunded += BigInt(refund.amount);
      sums.feeFen -= feeFen(refund.amount);
      yield line(refundCells(content.merchant, refund, order, type));
    }
  }
  yield `${summaryHeader}\r\n`;
  const { count, total, refunded } = sums;
  yield line([
    String(count),
    formatYuan(total),
    formatYuan(refunded),
    '0.00',
    fee(sums.feeFen),
    formatYuan(total),
    formatYuan(refunded),
  ]);
}

function* trades(content: BillContent): Generator<Trade> {
  for (const order of content.payments) yield tradeOf(order);
  yield* syntheticTrades(content);
}

function tradeOf(order: OrderRow): Trade {
  return {
    at: beijingTime(order.paid?.successWireMs ?? 0),
    transactionId: order.paid?.transactionId ?? '',
    outTradeNo: order.id,
    openid: order.openid ?? '',
    tradeType: order.tradeType,
    name: onOneLine(order.description),
    attach: onOneLine(order.attach ?? ''),
    totalFen: order.total,
    couponFen: order.total - (order.paid?.payerTotal ?? order.total),
  };
}

const daySeconds = 86_400;

function* syntheticTrades({ date, synthetic }: BillContent): Generator<Trade> {
  const day = date.replaceAll('-', '');
  for (let index = 0; index < synthetic; index += 1) {
    const number = String(index).padStart(10, '0');
    yield {
      at: `${date} ${timeOfDay(Math.floor((index * daySeconds) / synthetic))}`,
      transactionId: `4200099999${day}${number}`,
      outTradeNo: `synthetic_${day}_${number}`,
      openid: 'oSynthetic000000000000000000',
      tradeType: 'NATIVE',
      name: 'Tea, green',
      attach: '',
      totalFen: 1 + ((index * 7919) % 100_000),
      couponFen: 0,
    };
  }
}

function timeOfDay(second: number): string {
  const parts = [Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

function paymentCells(merchant: Merchant, trade: Trade, type: BillType): readonly string[] {
  const refund = type === 'ALL' ? ['0', '0', '0.00', '0.00', '', ''] : [];
  const requested = type === 'ALL' ? ['0.00'] : [];
  return [
    ...tradeCells(merchant, trade, trade.at, 'SUCCESS'),
    ...[formatYuan(trade.totalFen), formatYuan(trade.couponFen)],
    ...refund,
    ...[trade.name, trade.attach, fee(feeFen(trade.totalFen)), feeRate, formatYuan(trade.totalFen)],
    ...requested,
    '',
  ];
}

function refundCells(merchant: Merchant, refund: RefundRow, order: OrderRow, type: BillType): readonly string[] {
  const trade = tradeOf(order);
  const doneAt = beijingTime(refund.successWireMs ?? 0);
  return [
    ...tradeCells(merchant, trade, doneAt, 'REFUND'),
    ...['0.00', '0.00'],
    ...(type === 'REFUND' ? [beijingTime(refund.createdWireMs), doneAt] : []),
    ...[refund.refundId, refund.id, formatYuan(refund.amount), '0.00', 'ORIGINAL', refund.status],
    ...[trade.name, trade.attach, fee(-feeFen(refund.amount)), feeRate, '0.00', formatYuan(refund.amount), ''],
  ];
}

function tradeCells({ appId, mchId }: Merchant, trade: Trade, at: string, state: string): readonly string[] {
  const { transactionId, outTradeNo, openid, tradeType } = trade;
  return [at, appId, mchId, '0', '', transactionId, outTradeNo, openid, tradeType, state, 'OTHERS', 'CNY'];
}

/** A backtick before every cell keeps spreadsheets from converting numbers. Nothing is escaped, not even commas. */
function line(cells: readonly string[]): string {
  return `\`${cells.join(',`')}\r\n`;
}

function onOneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}

/** 0.6 %, rounded to whole fen. */
function feeFen(amountFen: number): bigint {
  return (BigInt(amountFen) * 6n + 500n) / 1000n;
}

/** Fees have five decimals. */
function fee(fen: bigint): string {
  return `${formatYuan(fen)}000`;
}
