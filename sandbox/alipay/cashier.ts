import { beijingTime } from '../beijing-time.ts';
import {
  html,
  messagePage,
  notFoundPage,
  outcomePage,
  type PaymentSummary,
  page,
  paymentHeader,
  price,
  refundOutcome,
  shopLink,
} from '../cashier-page.ts';
import { type HttpRequest, type HttpResponse, redirectResponse } from '../http.ts';
import type { PendingPayment } from '../provider.ts';
import { formatYuan } from '../yuan.ts';
import { AlipayRefusal } from './errors.ts';
import { cashierPath } from './methods.ts';
import { signedText, unsignedInNotifications } from './signing.ts';
import { type AlipayState, newestOffer, type OfferRow, type Product, refundedOf, type TradeRow } from './state.ts';
import { declineTrade, isPast, openTrade, payTrade } from './trades.ts';

/** The first segment after `/cashier/` in the path of a cashier page. */
export const alipayPageKinds: readonly string[] = ['alipay', 'alipay-qr'];

/** An action of a buyer, on a cashier page or through the control API. `pay` and `decline` open the offer first. */
export type BuyerAction = 'scan' | 'pay' | 'decline';

/** Returns the changed trade. @throws {AlipayRefusal} when the offer has expired or the trade can no longer be paid. */
export function actAsBuyer(alipay: AlipayState, offer: OfferRow, action: BuyerAction): TradeRow {
  return alipay.ledger.transact(() => {
    const trade = openTrade(alipay, offer);
    switch (action) {
      case 'scan':
        return trade;
      case 'pay':
        return payTrade(alipay, trade);
      case 'decline':
        return declineTrade(alipay, trade);
    }
  });
}

/** Serves `/cashier/alipay/<offer>` and `/cashier/alipay-qr/<offer>`. Scripts may post the forms too. */
export function serveAlipayPage(alipay: AlipayState, request: HttpRequest): HttpResponse {
  const [, , , id = '', ...rest] = request.path.replace(/\/$/, '').split('/');
  const offer = rest.length === 0 ? alipay.offers.get(id) : undefined;
  if (!offer) return notFoundPage();
  try {
    if (request.method !== 'POST') return showOffer(alipay, offer);
    return act(alipay, offer, new URLSearchParams(request.body).get('action') ?? '');
  } catch (error) {
    if (error instanceof AlipayRefusal) return messagePage(409, 'Payment refused', error.message);
    throw error;
  }
}

/** The offers that can be paid, opened or not, newest first. */
export function pendingAlipayPayments(alipay: AlipayState): { heading: string; rows: PendingPayment[] }[] {
  const open = [...alipay.offersByNumber.all()]
    .flatMap(({ id }) => newestOffer(alipay, id) ?? [])
    .filter((offer) => stateOf(alipay, offer).kind === 'payable')
    .reverse();
  return [
    {
      heading: 'Alipay',
      rows: open.map(({ id, terms }) => ({
        href: cashierPath(id, terms.product),
        label: terms.outTradeNo,
        price: price(terms.amount, 'cny'),
      })),
    },
  ];
}

type State =
  | { readonly kind: 'payable'; readonly trade: TradeRow | null }
  | { readonly kind: 'paid'; readonly trade: TradeRow }
  | { readonly kind: 'closed' | 'expired' | 'other_terms' };

function stateOf(alipay: AlipayState, offer: OfferRow): State {
  const trade = alipay.trades.get(offer.terms.outTradeNo);
  if (!trade) return isPast(alipay, offer.openUntilMs) ? { kind: 'expired' } : { kind: 'payable', trade: null };
  if (trade.paidMs !== null) return { kind: 'paid', trade };
  if (trade.status === 'TRADE_CLOSED') return { kind: isPast(alipay, offer.payUntilMs) ? 'expired' : 'closed' };
  const { amount, subject } = offer.terms;
  const isSame = trade.terms.amount === amount && trade.terms.subject === subject;
  return isSame ? { kind: 'payable', trade } : { kind: 'other_terms' };
}

function showOffer(alipay: AlipayState, offer: OfferRow): HttpResponse {
  const state = stateOf(alipay, offer);
  switch (state.kind) {
    case 'payable':
      return payPage(offer, state.trade);
    case 'paid':
      return paidPage(alipay, offer, state.trade);
    case 'closed':
      return overPage(offer, 'This payment is closed');
    case 'expired':
      return overPage(offer, 'This payment has expired');
    case 'other_terms':
      return messagePage(
        409,
        'This payment was changed',
        'ACQ.CONTEXT_INCONSISTENT: it was opened with another amount or subject.',
      );
  }
}

function paidPage(alipay: AlipayState, offer: OfferRow, trade: TradeRow): HttpResponse {
  const refunded = refundedOf(alipay, trade.id);
  const back = shopLink(signedReturn(alipay, trade));
  const { amount } = trade.terms;
  const { title, text } = refundOutcome(refunded, amount, 'cny') ?? {
    title: 'Paid',
    text: `Alipay’s trade number is ${trade.tradeNo}.`,
  };
  return outcomePage({ ...summaryOf(offer), amount: price(amount, 'cny') }, title, text, back);
}

function overPage(offer: OfferRow, title: string): HttpResponse {
  return outcomePage(summaryOf(offer), title, 'Go back to the shop and start again.', shopLink(offer.terms.returnUrl));
}

function summaryOf(offer: OfferRow): PaymentSummary {
  const { subject, outTradeNo } = offer.terms;
  return { brand: 'Alipay · 支付宝', amount: priceOf(offer), subject, number: outTradeNo };
}

function act(alipay: AlipayState, offer: OfferRow, action: string): HttpResponse {
  const here = cashierPath(offer.id, offer.terms.product);
  switch (action) {
    case 'scan':
    case 'decline':
      actAsBuyer(alipay, offer, action);
      return redirectResponse(here);
    case 'pay':
      return redirectResponse(signedReturn(alipay, actAsBuyer(alipay, offer, action)) ?? here);
    case 'leave':
      return redirectResponse(offer.terms.returnUrl ?? here);
    default:
      return messagePage(400, 'Unknown action', 'The action must be scan, pay, decline or leave.');
  }
}

const openings: Readonly<Record<Product, string | null>> = {
  page: 'Log in, or scan with the app',
  qr: 'Scan this code with the app',
  wap: null, // the trade is created when the buyer enters the password
};

function payPage(offer: OfferRow, trade: TradeRow | null): HttpResponse {
  const opening = trade === null ? openings[offer.terms.product] : null;
  const buttons =
    opening === null
      ? html`<button class="primary" name="action" value="pay">Pay ${priceOf(offer)}</button>
<button name="action" value="decline">Pay with an insufficient balance</button>`
      : html`<button class="primary" name="action" value="scan">${opening}</button>`;
  return page(
    200,
    'Alipay',
    html`<section class="card">${paymentHeader(summaryOf(offer))}
${trade?.failure ? html`<p class="alert" role="alert">${trade.failure}</p>` : null}
<form method="post">${buttons}
<button class="quiet" name="action" value="leave">Leave without paying</button></form></section>`,
  );
}

/** The return URL of the shop with signed parameters. They do not prove the received amount. Null without a return URL. */
function signedReturn(alipay: AlipayState, { id, tradeNo, terms }: TradeRow): string | null {
  if (terms.returnUrl === null) return null;
  const fields: Record<string, string> = {
    charset: 'utf-8',
    out_trade_no: id,
    method: `alipay.trade.${terms.product}.pay.return`,
    total_amount: formatYuan(terms.amount),
    trade_no: tradeNo,
    auth_app_id: alipay.appId,
    version: '1.0',
    app_id: alipay.appId,
    seller_id: alipay.sellerId,
    timestamp: beijingTime(alipay.clock.wireMs()),
  };
  const sign = alipay.sign(signedText(Object.entries(fields), unsignedInNotifications));
  const url = new URL(terms.returnUrl);
  for (const [name, value] of Object.entries({ ...fields, sign, sign_type: 'RSA2' }))
    url.searchParams.append(name, value);
  return url.href;
}

function priceOf({ terms }: OfferRow): string {
  return price(terms.amount, 'cny');
}
