import { billLink } from './bills.ts';
import { type AlipayRefusal, tradeNotExist } from './errors.ts';
import { beijingTime, yuan } from './formats.ts';
import { buyer } from './notifications.ts';
import { billParams, read, readTerms, refundParams, refundQueryParams, tradeParams } from './params.ts';
import { findRefund, refundTrade } from './refunds.ts';
import type { GatewayCall } from './request.ts';
import { type AlipayState, newestOffer, type Product, refundedOf, type TradeRow } from './state.ts';
import { closeTrade, findTrade, makeOffer, planPaymentInSpite } from './trades.ts';

/** What a method answers on success, besides `code` and `msg`. */
export type Node = Readonly<Record<string, unknown>>;

/**
 * Reads, does and answers; must run inside a transaction. A refusal that is thrown undoes what was done; one that is returned is only
 * the answer.
 */
export type Method = (alipay: AlipayState, call: GatewayCall) => Node | AlipayRefusal;

/** The methods that a merchant's server calls. */
export const serverMethods: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['alipay.trade.precreate', precreate],
  ['alipay.trade.query', query],
  ['alipay.trade.close', close],
  ['alipay.trade.refund', refund],
  ['alipay.trade.fastpay.refund.query', queryRefund],
  ['alipay.data.dataservice.bill.downloadurl.query', queryBill],
]);

/** The methods that a buyer's browser calls: the answer is a page. */
export const pageMethods: ReadonlyMap<string, Product> = new Map<string, Product>([
  ['alipay.trade.page.pay', 'page'],
  ['alipay.trade.wap.pay', 'wap'],
]);

export function cashierPath(offerId: string, product: Product): string {
  return `/cashier/${product === 'qr' ? 'alipay-qr' : 'alipay'}/${offerId}`;
}

/** Real codes are at https://qr.alipay.com/…; these can be opened by whoever sits at a laptop. */
function precreate(alipay: AlipayState, call: GatewayCall): Node {
  const terms = readTerms(call, 'qr');
  const offer = makeOffer(alipay, terms);
  return { out_trade_no: terms.outTradeNo, qr_code: `${alipay.baseUrl()}${cashierPath(offer.id, 'qr')}` };
}

/** A closed trade tells by `send_pay_date` alone that it was paid, and so that all of it went back. */
function query(alipay: AlipayState, call: GatewayCall): Node {
  const trade = findTrade(alipay, read(tradeParams, call.biz));
  const { paidMs } = trade;
  const amount = yuan(trade.terms.amount);
  const paid = paidMs === null ? yuan(0) : amount;
  return {
    ...numbersOf(trade),
    trade_status: trade.status,
    total_amount: amount,
    buyer_logon_id: buyer.logonId,
    buyer_user_id: buyer.id,
    buyer_pay_amount: paid,
    receipt_amount: paid,
    invoice_amount: paid,
    point_amount: yuan(0),
    ...(paidMs !== null && {
      send_pay_date: beijingTime(paidMs),
      fund_bill_list: [{ amount, fund_channel: 'ALIPAYACCOUNT' }],
    }),
  };
}

/** Nothing is closed while there is no trade: the buyer can still open the link or scan the code. */
function close(alipay: AlipayState, call: GatewayCall): Node | AlipayRefusal {
  const by = read(tradeParams, call.biz);
  const offer = by.trade_no === undefined ? newestOffer(alipay, by.out_trade_no ?? '') : undefined;
  if (offer && !alipay.trades.get(offer.terms.outTradeNo)) {
    planPaymentInSpite(alipay, offer.terms);
    return tradeNotExist();
  }
  return numbersOf(closeTrade(alipay, findTrade(alipay, by)));
}

/** `refund_fee` is what has gone back of the whole trade; `fund_change` says whether money moved just now. */
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
    refund_fee: yuan(refundedOf(alipay, trade.id)),
    ...(succeededMs !== null && { gmt_refund_pay: beijingTime(succeededMs), send_back_fee: yuan(done.refund.amount) }),
  };
}

/** An empty answer is no error: there is no such refund, or its money has not gone back. */
function queryRefund(alipay: AlipayState, call: GatewayCall): Node {
  const biz = read(refundQueryParams, call.biz);
  const trade = findTrade(alipay, biz);
  const found = findRefund(alipay, trade.id, biz.out_request_no);
  if (found?.status !== 'succeeded') return {};
  return {
    ...numbersOf(trade),
    out_request_no: found.outRequestNo,
    total_amount: yuan(trade.terms.amount),
    refund_amount: yuan(found.amount),
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
