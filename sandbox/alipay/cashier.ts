import {
  becameOfRefunds,
  html,
  notFound,
  notice,
  outcome,
  page,
  paymentHead,
  price,
  type Shown,
  shopLink,
} from '../cashier-page.ts';
import { type HttpAnswer, type HttpRequest, redirectAnswer } from '../http.ts';
import type { Waiting } from '../provider.ts';
import { AlipayRefusal } from './errors.ts';
import { beijingTime, yuan } from './formats.ts';
import { cashierPath } from './methods.ts';
import { signedText, unsignedInNotices } from './signing.ts';
import { type Books, newestOffer, type OfferRow, type Product, refundedOf, type TradeRow } from './state.ts';
import { declineTrade, isPast, openTrade, payTrade } from './trades.ts';

/** The first piece of a cashier page's path after `/cashier/`. */
export const alipayPages: readonly string[] = ['alipay', 'alipay-qr'];

/** What a buyer does, at the cashier's page or by the control. Who pays or fails to pay has opened it before. */
export type BuyerAction = 'scan' | 'pay' | 'decline';

/** Does it, and tells the trade that came of it. @throws {AlipayRefusal} when it is too late, or too late for this. */
export function actAsBuyer(books: Books, offer: OfferRow, action: BuyerAction): TradeRow {
  return books.ledger.transact(() => {
    const trade = openTrade(books, offer);
    switch (action) {
      case 'scan':
        return trade;
      case 'pay':
        return payTrade(books, trade);
      case 'decline':
        return declineTrade(books, trade);
    }
  });
}

/** The pages a buyer sees: `/cashier/alipay/<offer>` and `/cashier/alipay-qr/<offer>`. Scripts may post the forms as well. */
export function serveAlipayPage(books: Books, request: HttpRequest): HttpAnswer {
  const [, , , id = '', ...rest] = request.path.replace(/\/$/, '').split('/');
  const offer = rest.length === 0 ? books.offers.get(id) : undefined;
  if (!offer) return notFound();
  try {
    if (request.method !== 'POST') return showOffer(books, offer);
    return act(books, offer, new URLSearchParams(request.body).get('action') ?? '');
  } catch (error) {
    if (error instanceof AlipayRefusal) return notice(409, 'That did not work', error.message);
    throw error;
  }
}

/** What waits to be paid, newest first: what nobody has opened, and what was opened and not paid. */
export function waitingAtAlipay(books: Books): { heading: string; rows: Waiting[] }[] {
  const open = [...books.offersByNumber.all()]
    .flatMap(({ id }) => newestOffer(books, id) ?? [])
    .filter((offer) => stateOf(books, offer).kind === 'payable')
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

function stateOf(books: Books, offer: OfferRow): State {
  const trade = books.trades.get(offer.terms.outTradeNo);
  if (!trade) return isPast(books, offer.openUntilMs) ? { kind: 'expired' } : { kind: 'payable', trade: null };
  if (trade.paidMs !== null) return { kind: 'paid', trade };
  if (trade.status === 'TRADE_CLOSED') return { kind: isPast(books, offer.payUntilMs) ? 'expired' : 'closed' };
  const { amount, subject } = offer.terms;
  const isSame = trade.terms.amount === amount && trade.terms.subject === subject;
  return isSame ? { kind: 'payable', trade } : { kind: 'other_terms' };
}

function showOffer(books: Books, offer: OfferRow): HttpAnswer {
  const state = stateOf(books, offer);
  switch (state.kind) {
    case 'payable':
      return payPage(offer, state.trade);
    case 'paid':
      return paidPage(books, offer, state.trade);
    case 'closed':
      return overPage(offer, 'This payment is closed');
    case 'expired':
      return overPage(offer, 'This payment has expired');
    case 'other_terms':
      return notice(
        409,
        'This payment was changed',
        'ACQ.CONTEXT_INCONSISTENT: it was opened for another amount or subject.',
      );
  }
}

function paidPage(books: Books, offer: OfferRow, trade: TradeRow): HttpAnswer {
  const refunded = refundedOf(books, trade.id);
  const back = shopLink(signedReturn(books, trade));
  const { amount } = trade.terms;
  const { title, text } = becameOfRefunds(refunded, amount, 'cny') ?? {
    title: 'Paid',
    text: `Alipay has it under ${trade.tradeNo}.`,
  };
  return outcome({ ...shown(offer), amount: price(amount, 'cny') }, title, text, back);
}

function overPage(offer: OfferRow, title: string): HttpAnswer {
  return outcome(shown(offer), title, 'Go back to the shop and start again.', shopLink(offer.terms.returnUrl));
}

function shown(offer: OfferRow): Shown {
  const { subject, outTradeNo } = offer.terms;
  return { brand: 'Alipay · 支付宝', amount: written(offer), subject, number: outTradeNo };
}

function act(books: Books, offer: OfferRow, action: string): HttpAnswer {
  const here = cashierPath(offer.id, offer.terms.product);
  switch (action) {
    case 'scan':
    case 'decline':
      actAsBuyer(books, offer, action);
      return redirectAnswer(here);
    case 'pay':
      return redirectAnswer(signedReturn(books, actAsBuyer(books, offer, action)) ?? here);
    case 'leave':
      return redirectAnswer(offer.terms.returnUrl ?? here);
    default:
      return notice(400, 'Not here', 'The cashier understands scan, pay, decline and leave.');
  }
}

const openings: Readonly<Record<Product, string | null>> = {
  page: 'Log in, or scan with the app',
  qr: 'Scan this code with the app',
  wap: null, // the password is the first that Alipay hears of it
};

function payPage(offer: OfferRow, trade: TradeRow | null): HttpAnswer {
  const opening = trade === null ? openings[offer.terms.product] : null;
  const buttons =
    opening === null
      ? html`<button class="primary" name="action" value="pay">Pay ${written(offer)}</button>
<button name="action" value="decline">Try with too little money</button>`
      : html`<button class="primary" name="action" value="scan">${opening}</button>`;
  return page(
    200,
    'Alipay',
    html`<section class="card">${paymentHead(shown(offer))}
${trade?.failure ? html`<p class="alert" role="alert">${trade.failure}</p>` : null}
<form method="post">${buttons}
<button class="quiet" name="action" value="leave">Walk away</button></form></section>`,
  );
}

/** Where the buyer goes after paying: the shop's page with signed parameters. They tell of a payment, but prove no amount received. */
function signedReturn(books: Books, { id, tradeNo, terms }: TradeRow): string | null {
  if (terms.returnUrl === null) return null;
  const fields: Record<string, string> = {
    charset: 'utf-8',
    out_trade_no: id,
    method: `alipay.trade.${terms.product}.pay.return`,
    total_amount: yuan(terms.amount),
    trade_no: tradeNo,
    auth_app_id: books.appId,
    version: '1.0',
    app_id: books.appId,
    seller_id: books.sellerId,
    timestamp: beijingTime(books.clock.wireMs()),
  };
  const sign = books.sign(signedText(Object.entries(fields), unsignedInNotices));
  const url = new URL(terms.returnUrl);
  for (const [name, value] of Object.entries({ ...fields, sign, sign_type: 'RSA2' }))
    url.searchParams.append(name, value);
  return url.href;
}

function written({ terms }: OfferRow): string {
  return price(terms.amount, 'cny');
}
