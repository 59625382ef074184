import {
  type Html,
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
import { ControlError, readJson } from '../control-input.ts';
import { type HttpRequest, type HttpResponse, redirectResponse } from '../http.ts';
import type { PendingPayment } from '../provider.ts';
import { openByBridge, readBridgeCall } from './bridge.ts';
import { WechatpayRefusal } from './errors.ts';
import { leaveOrder, orderOf, payOrder } from './orders.ts';
import { codeIn, codeText } from './payment-endpoints.ts';
import type { CodeRow, OrderRow, Payment, TradeType, WechatpayOptions, WechatpayState } from './state.ts';

const root = '/cashier/wechatpay';

/**
 * The buyer's phone: `/cashier/wechatpay?code=<code_url or prepay_id>` finds the page of a code, `/cashier/wechatpay/<code>`,
 * and `/cashier/wechatpay/h5?prepay_id=…` is what an `h5_url` names.
 */
export function serveWechatpayPage(
  wechatpay: WechatpayState,
  options: WechatpayOptions,
  request: HttpRequest,
): HttpResponse {
  const [, , , step = '', ...rest] = request.path.replace(/\/$/, '').split('/');
  const query = new URLSearchParams(request.query);
  if (rest.length > 0) return notFoundPage();
  if (step === '') return findCode(wechatpay, query.get('code'));
  const id = step === 'h5' ? query.get('prepay_id') : step;
  const code = wechatpay.codes.get(id ?? '');
  if (!code) return notFoundPage();
  const order = orderOf(wechatpay, code.order);
  if ((order.tradeType === 'MWEB') !== (step === 'h5')) return redirectResponse(pagePath(code, order.tradeType));
  const back = step === 'h5' ? returnTo(query.get('redirect_url')) : null;
  try {
    return request.method === 'POST'
      ? act(wechatpay, options, code, request, back)
      : show(wechatpay, code, order, back);
  } catch (error) {
    if (error instanceof WechatpayRefusal) return messagePage(error.status, 'That did not work', error.message);
    if (error instanceof ControlError) return messagePage(error.status, 'That did not work', error.message);
    throw error;
  }
}

const headings: Readonly<Record<TradeType, string>> = {
  NATIVE: 'WeChat Pay: QR codes',
  JSAPI: 'WeChat Pay: inside WeChat',
  MWEB: 'WeChat Pay: in the phone’s browser',
};

/** What waits to be paid, newest first, by the newest code of each order. */
export function pendingWechatpayPayments(wechatpay: WechatpayState) {
  const newest = new Map<string, CodeRow>();
  for (const code of wechatpay.codes.all()) newest.set(code.order, code);
  const open = [...wechatpay.orders.all()].reverse().flatMap((order) => {
    const code = newest.get(order.id);
    return code && order.paid === null && whyOver(wechatpay, code, order) === null ? { code, order } : [];
  });
  return (['NATIVE', 'JSAPI', 'MWEB'] as const).map((tradeType) => ({
    heading: headings[tradeType],
    rows: open.flatMap(({ code, order }): PendingPayment[] =>
      order.tradeType === tradeType
        ? [{ href: pagePath(code, tradeType), label: order.id, price: price(order.total, 'cny') }]
        : [],
    ),
  }));
}

function pagePath({ id }: CodeRow, tradeType: TradeType): string {
  return tradeType === 'MWEB' ? `${root}/h5?prepay_id=${id}` : `${root}/${id}`;
}

/** Which QR code? */
function findCode(wechatpay: WechatpayState, text: string | null): HttpResponse {
  const code = text === null ? undefined : wechatpay.codes.get(codeIn(text.trim()));
  if (code) return redirectResponse(pagePath(code, orderOf(wechatpay, code.order).tradeType));
  return page(
    text === null ? 200 : 404,
    'WeChat Pay',
    html`<section class="card"><h1>Which QR code?</h1>
${text === null ? null : html`<p class="alert" role="alert">There is no such code.</p>`}
<form method="get" action="${root}"><label for="code">What the QR code says, or a prepay_id</label>
<input id="code" name="code" placeholder="weixin://wxpay/bizpayurl?pr=…" required>
<button class="primary">Scan</button></form></section>`,
  );
}

function act(
  wechatpay: WechatpayState,
  options: WechatpayOptions,
  code: CodeRow,
  request: HttpRequest,
  back: string | null,
): HttpResponse {
  const form = new URLSearchParams(request.body);
  const again = redirectResponse(withReturn(pagePath(code, orderOf(wechatpay, code.order).tradeType), back));
  return wechatpay.ledger.transact(() => {
    const order = orderOf(wechatpay, code.order);
    if (whyOver(wechatpay, code, order) !== null) return again;
    switch (form.get('action')) {
      case 'bridge':
        openByBridge(wechatpay, options, readBridgeCall(readJson({ ...request, body: form.get('call') ?? '' })));
        return again;
      case 'pay':
        payOrder(wechatpay, order);
        return back === null ? again : redirectResponse(back);
      case 'decline':
        leaveOrder(wechatpay, order, 'declined');
        return again;
      case 'leave':
        leaveOrder(wechatpay, order, 'left');
        return redirectResponse(back ?? '/cashier');
      default:
        return messagePage(400, 'That did not work', 'The action must be pay, decline, leave or bridge.');
    }
  });
}

function show(wechatpay: WechatpayState, code: CodeRow, order: OrderRow, back: string | null): HttpResponse {
  const over = whyOver(wechatpay, code, order);
  if (over !== null) return outcomePage(summaryOf(order), over.title, over.text, shopLink(back));
  return page(
    200,
    'WeChat Pay',
    html`<section class="card">${paymentHeader(summaryOf(order))}
<p class="muted small"><code>${codeText(code.id)}</code></p>
${order.declines === 0 ? null : html`<p class="alert" role="alert">The bank declined. You can try again.</p>`}
${order.tradeType === 'JSAPI' && !order.bridged ? bridgeForm : payForm(price(order.total, 'cny'))}</section>`,
  );
}

function summaryOf({ total, description, id }: OrderRow): PaymentSummary {
  return { brand: 'WeChat Pay · 微信支付', amount: price(total, 'cny'), subject: description, number: id };
}

function payForm(amount: string): Html {
  return html`<form method="post"><button class="primary" name="action" value="pay">Pay ${amount}</button>
<div class="pair"><button name="action" value="decline">Decline</button>
<button name="action" value="leave">Walk away</button></div></form>`;
}

const bridgeForm = html`<form method="post">
<label for="call">WeChat opens this payment when the shop’s page calls its bridge. Paste the arguments of that call, as JSON</label>
<textarea id="call" name="call" rows="8" required></textarea>
<button class="primary" name="action" value="bridge">Open the payment</button></form>`;

/** Why nothing can be paid here any more; null while it can. */
function whyOver(wechatpay: WechatpayState, code: CodeRow, order: OrderRow): { title: string; text: string } | null {
  const nowMs = wechatpay.clock.nowMs();
  if (order.paid) return outcomeOf(wechatpay, order, order.paid);
  if (nowMs > order.payableUntilAtMs) {
    return { title: 'This order has expired', text: 'Go back to the shop and start again.' };
  }
  if (order.state === 'CLOSED') return { title: 'Closed', text: 'The shop has closed this order.' };
  if (nowMs > code.untilAtMs) return { title: 'Too late', text: 'This code is over. Ask the shop for a new one.' };
  return null;
}

function outcomeOf(
  wechatpay: WechatpayState,
  order: OrderRow,
  { transactionId }: Payment,
): { title: string; text: string } {
  const returned = [...wechatpay.refunds.all()]
    .filter((refund) => refund.order === order.id && refund.status === 'SUCCESS')
    .reduce((sum, { amount }) => sum + amount, 0);
  const paid = { title: 'Paid', text: `WeChat Pay has it under ${transactionId}.` };
  return refundOutcome(returned, order.total, 'cny') ?? paid;
}

/** Where an `h5_url` is told to go back to; nothing but a web page. */
function returnTo(url: string | null): string | null {
  return url !== null && /^https?:\/\//.test(url) && URL.canParse(url) ? url : null;
}

function withReturn(path: string, back: string | null): string {
  return back === null ? path : `${path}&redirect_url=${encodeURIComponent(back)}`;
}
