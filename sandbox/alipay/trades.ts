import { businessRefusal, invalidParameter, tradeNotExist, tradeStatusError } from './errors.ts';
import { beijingDate, beijingTime, readBeijingTime } from './formats.ts';
import { notifyTrade } from './notifications.ts';
import { type AlipayState, newDigits, newestOffer, type OfferRow, type Terms, type TradeRow } from './state.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** A QR code can be scanned for about two hours. */
const codeMs = 2 * hourMs;
/** A trade without an expiry of its own can be paid for this long. */
const tradeMsMax = 15 * dayMs;

/**
 * A pay link or a code for these terms; the one that was given before, while it is good. Nothing is owed by it: the trade comes
 * into being by its buyer.
 *
 * @throws {AlipayRefusal} when there is a trade of this number that is over, or on other terms.
 */
export function makeOffer(alipay: AlipayState, terms: Terms): OfferRow {
  const trade = alipay.trades.get(terms.outTradeNo);
  if (trade) checkContinues(trade, terms);
  const earlier = newestOffer(alipay, terms.outTradeNo);
  if (earlier && sameTerms(earlier.terms, terms) && !isPast(alipay, earlier.openUntilMs)) return earlier;
  const payUntilMs = payableUntil(alipay, terms);
  const offer = alipay.offers.put({
    id: alipay.newId(terms.product === 'qr' ? 'qr' : 'pay', 24),
    terms,
    openUntilMs: terms.product === 'qr' ? earliest(alipay.clock.nowMs() + codeMs, payUntilMs) : payUntilMs,
    payUntilMs,
  });
  const offers = alipay.offersByNumber.get(terms.outTradeNo)?.offers ?? [];
  alipay.offersByNumber.put({ id: terms.outTradeNo, offers: [...offers, offer.id] });
  return offer;
}

/** The buyer scans, logs in or gives a password: from now on there is a trade. @throws {AlipayRefusal} */
export function openTrade(alipay: AlipayState, { terms, openUntilMs, payUntilMs }: OfferRow): TradeRow {
  const existing = alipay.trades.get(terms.outTradeNo);
  if (existing) {
    checkContinues(existing, terms);
    return existing;
  }
  if (isPast(alipay, openUntilMs)) throw businessRefusal('ACQ.TRADE_HAS_CLOSE', '二维码或付款链接已失效');
  const nowMs = alipay.clock.wireMs();
  const tradeNo = `${beijingDate(nowMs).replaceAll('-', '')}22001${newDigits(alipay, 15)}`;
  alipay.tradeNumbers.put({ id: tradeNo, outTradeNo: terms.outTradeNo });
  const lastsMs = (payUntilMs ?? Number.POSITIVE_INFINITY) - alipay.clock.nowMs();
  alipay.plan(Math.min(lastsMs, timeoutOf(terms), tradeMsMax), 'expire_trade', terms.outTradeNo);
  return alipay.trades.put({
    id: terms.outTradeNo,
    tradeNo,
    terms,
    status: 'WAIT_BUYER_PAY',
    createdMs: nowMs,
    paidMs: null,
    closedMs: null,
    charges: 0,
    failure: null,
  });
}

/** The buyer pays. @throws {AlipayRefusal} when the trade is over. */
export function payTrade(alipay: AlipayState, trade: TradeRow): TradeRow {
  if (trade.status !== 'WAIT_BUYER_PAY') throw tradeStatusError();
  return takeMoney(alipay, trade, 'TRADE_SUCCESS');
}

/** The buyer's attempt fails; the trade can be paid otherwise. @throws {AlipayRefusal} when the trade is over. */
export function declineTrade(alipay: AlipayState, trade: TradeRow): TradeRow {
  if (trade.status !== 'WAIT_BUYER_PAY') throw tradeStatusError();
  return alipay.trades.put({ ...trade, failure: 'The balance is not sufficient. Try again, or pay by other means.' });
}

/** @throws {AlipayRefusal} for what is not waiting to be paid. */
export function closeTrade(alipay: AlipayState, trade: TradeRow): TradeRow {
  if (trade.status !== 'WAIT_BUYER_PAY') throw tradeStatusError();
  const closed = alipay.trades.put({ ...trade, status: 'TRADE_CLOSED', closedMs: alipay.clock.wireMs() });
  notifyTrade(alipay, closed, 'closed', null);
  planPaymentInSpite(alipay, closed.terms);
  return closed;
}

/** The refund window is over. What was never paid was paid for something that cannot be refunded. @throws {AlipayRefusal} */
export function finishTrade(alipay: AlipayState, trade: TradeRow): TradeRow {
  if (trade.status === 'WAIT_BUYER_PAY') return takeMoney(alipay, trade, 'TRADE_FINISHED');
  if (trade.status !== 'TRADE_SUCCESS') throw tradeStatusError();
  const finished = alipay.trades.put({ ...trade, status: 'TRADE_FINISHED' });
  notifyTrade(alipay, finished, 'finished', null);
  return finished;
}

/** Pays whatever the state: also what is closed, also what nobody has opened. What is paid stays as it is. */
export function payAnyway(alipay: AlipayState, outTradeNo: string): void {
  const offer = newestOffer(alipay, outTradeNo);
  const trade = alipay.trades.get(outTradeNo) ?? (offer && openTrade(alipay, { ...offer, openUntilMs: null }));
  if (trade && trade.paidMs === null) takeMoney(alipay, trade, 'TRADE_SUCCESS');
}

/** The rule that has a payment succeed although its merchant gave it up, if there is one. */
export function planPaymentInSpite(alipay: AlipayState, terms: Terms): void {
  const rule = alipay.faults.takeOutcome(['success_after_close'], { text: JSON.stringify(terms) });
  if (rule) alipay.plan(rule.ms ?? 0, 'pay_anyway', terms.outTradeNo);
}

/** By `trade_no`, which wins, or by the merchant's number. @throws {AlipayRefusal} when there is none. */
export function findTrade(
  alipay: AlipayState,
  by: { out_trade_no?: string | undefined; trade_no?: string | undefined },
): TradeRow {
  const { out_trade_no, trade_no } = by;
  if (out_trade_no === undefined && trade_no === undefined)
    throw invalidParameter('out_trade_no', '和 trade_no 不能同时为空');
  const outTradeNo = trade_no === undefined ? out_trade_no : alipay.tradeNumbers.get(trade_no)?.outTradeNo;
  const trade = alipay.trades.get(outTradeNo ?? '');
  if (!trade) throw tradeNotExist();
  return trade;
}

/** That instant has come. Null never comes. */
export function isPast(alipay: AlipayState, untilMs: number | null): boolean {
  return untilMs !== null && alipay.clock.nowMs() >= untilMs;
}

function takeMoney(alipay: AlipayState, trade: TradeRow, status: 'TRADE_SUCCESS' | 'TRADE_FINISHED'): TradeRow {
  const paid = alipay.trades.put({
    ...trade,
    status,
    paidMs: alipay.clock.wireMs(),
    closedMs: null,
    charges: trade.charges + 1,
    failure: null,
  });
  notifyTrade(alipay, paid, 'paid', null);
  return paid;
}

function checkContinues(trade: TradeRow, terms: Terms): void {
  if (trade.paidMs !== null) throw businessRefusal('ACQ.TRADE_HAS_SUCCESS', '交易已被支付');
  if (trade.status === 'TRADE_CLOSED') throw businessRefusal('ACQ.TRADE_HAS_CLOSE', '交易已经关闭');
  if (trade.terms.amount !== terms.amount || trade.terms.subject !== terms.subject) {
    throw businessRefusal('ACQ.CONTEXT_INCONSISTENT', '交易信息被篡改');
  }
}

function sameTerms(a: Terms, b: Terms): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function earliest(atMs: number, otherMs: number | null): number {
  return otherMs === null ? atMs : Math.min(atMs, otherMs);
}

/** When the terms end by themselves, whether a trade exists or not, on the sandbox's clock. */
function payableUntil({ clock }: AlipayState, { timeExpire, timeoutExpress }: Terms): number | null {
  const wireMs =
    timeExpire !== null ? readBeijingTime(timeExpire) : timeoutExpress === '1c' ? endOfToday(clock.wireMs()) : null;
  return wireMs === null ? null : clock.nowMs() + wireMs - clock.wireMs();
}

/** `1c`: the trade closes at the end of the day, whenever it was made. */
function endOfToday(wireMs: number): number | null {
  const midnightMs = readBeijingTime(`${beijingTime(wireMs).slice(0, 10)} 00:00:00`);
  return midnightMs === null ? null : midnightMs + dayMs;
}

/** How long a trade lasts from its beginning: `90m`, `2h`, `15d`. */
function timeoutOf({ timeoutExpress }: Terms): number {
  const [, count, unit] = /^(\d+)([mhd])$/.exec(timeoutExpress ?? '') ?? [];
  if (unit === undefined) return Number.POSITIVE_INFINITY;
  return Number(count) * { m: minuteMs, h: hourMs, d: dayMs }[unit as 'm' | 'h' | 'd']; // the pattern says so
}
