import { beijingDate, parseBeijingDate, parseBeijingTime } from '../beijing-time.ts';
import { dayMs, hourMs, minuteMs } from '../durations.ts';
import { newDigits } from '../random.ts';
import { businessRefusal, invalidParameter, tradeNotExist, tradeStatusError } from './errors.ts';
import { notifyTrade } from './notifications.ts';
import { type AlipayState, newestOffer, type OfferRow, type Terms, type TradeRow } from './state.ts';

/** A QR code can be scanned for about two hours. */
const codeMs = 2 * hourMs;
/** The time to pay a trade without an expiry of its own. */
const tradeMsMax = 15 * dayMs;

/**
 * Returns a payment link or code for the terms; the existing one while it is valid. The trade is created later, when the buyer opens
 * it.
 *
 * @throws {AlipayRefusal} when the number has a trade that has ended or has other terms.
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

/** The buyer scans the code, logs in or enters a password, which creates the trade. @throws {AlipayRefusal} */
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
  alipay.schedule(Math.min(lastsMs, timeoutOf(terms), tradeMsMax), 'expire_trade', terms.outTradeNo);
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

/** The buyer pays. @throws {AlipayRefusal} when the trade has ended. */
export function payTrade(alipay: AlipayState, trade: TradeRow): TradeRow {
  if (trade.status !== 'WAIT_BUYER_PAY') throw tradeStatusError();
  return chargeBuyer(alipay, trade, 'TRADE_SUCCESS');
}

/** The buyer's attempt fails; the trade can still be paid. @throws {AlipayRefusal} when the trade has ended. */
export function declineTrade(alipay: AlipayState, trade: TradeRow): TradeRow {
  if (trade.status !== 'WAIT_BUYER_PAY') throw tradeStatusError();
  return alipay.trades.put({
    ...trade,
    failure: 'Your balance is insufficient. Try again, or use another way to pay.',
  });
}

/** @throws {AlipayRefusal} when the trade does not wait for payment. */
export function closeTrade(alipay: AlipayState, trade: TradeRow): TradeRow {
  if (trade.status !== 'WAIT_BUYER_PAY') throw tradeStatusError();
  const closed = alipay.trades.put({ ...trade, status: 'TRADE_CLOSED', closedMs: alipay.clock.wireMs() });
  notifyTrade(alipay, closed, 'closed', null);
  schedulePaymentAfterClose(alipay, closed.terms);
  return closed;
}

/** Ends the refund window of a paid trade. An unpaid trade is paid for a product without refunds. @throws {AlipayRefusal} */
export function finishTrade(alipay: AlipayState, trade: TradeRow): TradeRow {
  if (trade.status === 'WAIT_BUYER_PAY') return chargeBuyer(alipay, trade, 'TRADE_FINISHED');
  if (trade.status !== 'TRADE_SUCCESS') throw tradeStatusError();
  const finished = alipay.trades.put({ ...trade, status: 'TRADE_FINISHED' });
  notifyTrade(alipay, finished, 'finished', null);
  return finished;
}

/** Pays a trade in any state, including a closed one and one that no buyer has opened. A paid trade does not change. */
export function forcePayment(alipay: AlipayState, outTradeNo: string): void {
  const offer = newestOffer(alipay, outTradeNo);
  const trade = alipay.trades.get(outTradeNo) ?? (offer && openTrade(alipay, { ...offer, openUntilMs: null }));
  if (trade && trade.paidMs === null) chargeBuyer(alipay, trade, 'TRADE_SUCCESS');
}

/** Applies the fault `success_after_close`, if a rule matches: the buyer pays after the merchant has closed the payment. */
export function schedulePaymentAfterClose(alipay: AlipayState, terms: Terms): void {
  const rule = alipay.faults.takeOutcome(['success_after_close'], { text: JSON.stringify(terms) });
  if (rule) alipay.schedule(rule.ms ?? 0, 'pay_anyway', terms.outTradeNo);
}

/** Finds a trade by `trade_no`, which takes precedence, or by the merchant's number. @throws {AlipayRefusal} ACQ.TRADE_NOT_EXIST */
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

/** True when the sandbox's clock has reached the instant. Null is never reached. */
export function isPast(alipay: AlipayState, untilMs: number | null): boolean {
  return untilMs !== null && alipay.clock.nowMs() >= untilMs;
}

function chargeBuyer(alipay: AlipayState, trade: TradeRow, status: 'TRADE_SUCCESS' | 'TRADE_FINISHED'): TradeRow {
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

/** The last instant to pay that the terms set by themselves, on the sandbox's clock; null when they set none. */
function payableUntil({ clock }: AlipayState, { timeExpire, timeoutExpress }: Terms): number | null {
  const wireMs =
    timeExpire !== null ? parseBeijingTime(timeExpire) : timeoutExpress === '1c' ? endOfToday(clock.wireMs()) : null;
  return wireMs === null ? null : clock.nowMs() + wireMs - clock.wireMs();
}

/** `1c`: the trade closes at the end of the day on which it is created. */
function endOfToday(wireMs: number): number | null {
  const midnightMs = parseBeijingDate(beijingDate(wireMs));
  return midnightMs === null ? null : midnightMs + dayMs;
}

/** The lifetime of a trade from its creation: `90m`, `2h`, `15d`. */
function timeoutOf({ timeoutExpress }: Terms): number {
  const [, count, unit] = /^(\d+)([mhd])$/.exec(timeoutExpress ?? '') ?? [];
  if (unit === undefined) return Number.POSITIVE_INFINITY;
  return Number(count) * { m: minuteMs, h: hourMs, d: dayMs }[unit as 'm' | 'h' | 'd']; // the pattern allows no other unit
}
