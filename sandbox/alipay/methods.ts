import { beijingTime } from '../beijing-time.ts';
import { formatYuan } from '../yuan.ts';
import { billLink } from './bills.ts';
import { type AlipayRefusal, tradeNotExist } from './errors.ts';
import { buyer } from './notifications.ts';
import { billParams, read, readTerms, refundParams, refundQueryParams, tradeParams } from './params.ts';
import { findRefund, refundTrade } from './refunds.ts';
import type { GatewayCall } from './request.ts';
import { type AlipayState, newestOffer, type Product, refundedOf, type TradeRow } from './state.ts';
import { closeTrade, findTrade, makeOffer, schedulePaymentAfterClose } from './trades.ts';

/** The response of a method on success, without `code` and `msg`. */
export type Node = Readonly<Record<string, unknown>>;

/**
 * Executes a call inside a transaction. A thrown refusal rolls the transaction back; a returned refusal is the response of a
 * transaction that commits.
 */
export type Method = (alipay: AlipayState, call: GatewayCall) => Node | AlipayRefusal;

/** The methods for a merchant's server. */
export const serverMethods: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['alipay.trade.precreate', precreate],
  ['alipay.trade.query', query],
  ['alipay.trade.close', close],
  ['alipay.trade.refund', refund],
  ['alipay.trade.fastpay.refund.query', queryRefund],
  ['alipay.data.dataservice.bill.downloadurl.query', queryBill],
]);

/** The methods for a buyer's browser. The response is a page. */
export const pageMethods: ReadonlyMap<string, Product> = new Map<string, Product>([
  ['alipay.trade.page.pay', 'page'],
  ['alipay.trade.wap.pay', 'wap'],
]);

export function cashierPath(offerId: string, product: Product): string {
  return `/cashier/${product === 'qr' ? 'alipay-qr' : 'alipay'}/${offerId}`;
}

/** Real codes are `https://qr.alipay.com/…`. These are pages of the sandbox, which a laptop can open. */
function precreate(alipay: AlipayState, call: GatewayCall): Node {
  const terms = readTerms(call, 'qr');
  const offer = makeOffer(alipay, terms);
  return { out_trade_no: terms.outTradeNo, qr_code: `${alipay.baseUrl()}${cashierPath(offer.id, 'qr')}` };
}

/** `send_pay_date` is the only sign that a closed trade was paid, and therefore fully refunded. */
function query(alipay: AlipayState, call: GatewayCall): Node {
  const trade = findTrade(alipay, read(tradeParams, call.biz));
  const { paidMs } = trade;
  const amount = formatYuan(trade.terms.amount);
  const paid = paidMs === null ? formatYuan(0) : amount;
  return {
    ...numbersOf(trade),
    trade_status: trade.status,
    total_amount: amount,
    buyer_logon_id: buyer.logonId,
    buyer_user_id: buyer.id,
    buyer_pay_amount: paid,
    receipt_amount: paid,
    invoice_amount: paid,
    point_amount: formatYuan(0),
    ...(paidMs !== null && {
      send_pay_date: beijingTime(paidMs),
      fund_bill_list: [{ amount, fund_channel: 'ALIPAYACCOUNT' }],
    }),
  };
}

/** Without a trade, nothing is closed: the buyer can still open the link or scan the code. */
function close(alipay: AlipayState, call: GatewayCall): Node | AlipayRefusal {
  const by = read(tradeParams, call.biz);
  const offer = by.trade_no === undefined ? newestOffer(alipay, by.out_trade_no ?? '') : undefined;
  if (offer && !alipay.trades.get(offer.terms.outTradeNo)) {
    schedulePaymentAfterClose(alipay, offer.terms);
    return tradeNotExist();
  }
  return numbersOf(closeTrade(alipay, findTrade(alipay, by)));
}

/** `refund_fee` is the refunded total of the trade; `fund_change` says whether this request moved money. */
function refund(alipay: AlipayState, call: GatewayCall): Node {
  const biz = read(refundParams, call.biz);
  const trade = findTrade(alipay, biz);
  const done = refundTrade(alipay, trade, {
    outRequestNo: biz.out_request_no ?? null,
    amount: biz.refund_amount,
    reason: biz.refund_reason ?? null,
    origin: 'API',
  });
  const { succeededMs } = done.refund;
  return {
    ...numbersOf(trade),
    buyer_logon_id: buyer.logonId,
    buyer_user_id: buyer.id,
    fund_change: done.moved ? 'Y' : 'N',
    refund_fee: formatYuan(refundedOf(alipay, trade.id)),
    ...(succeededMs !== null && {
      gmt_refund_pay: beijingTime(succeededMs),
      send_back_fee: formatYuan(done.refund.amount),
    }),
  };
}

/** An empty response is not an error: the refund does not exist, or it has not succeeded. */
function queryRefund(alipay: AlipayState, call: GatewayCall): Node {
  const biz = read(refundQueryParams, call.biz);
  const trade = findTrade(alipay, biz);
  const found = findRefund(alipay, trade.id, biz.out_request_no);
  if (found?.status !== 'succeeded') return {};
  return {
    ...numbersOf(trade),
    out_request_no: found.outRequestNo,
    total_amount: formatYuan(trade.terms.amount),
    refund_amount: formatYuan(found.amount),
    refund_status: 'REFUND_SUCCESS',
  };
}

function queryBill(alipay: AlipayState, call: GatewayCall): Node {
  const { bill_type, bill_date } = read(billParams, call.biz);
  return { bill_download_url: billLink(alipay, bill_type, bill_date) };
}

function numbersOf({ id, tradeNo }: TradeRow): Node {
  return { trade_no: tradeNo, out_trade_no: id };
}
