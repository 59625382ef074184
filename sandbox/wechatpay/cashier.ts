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
import { type HttpRequest, type HttpResponse, isWebUrl, redirectResponse } from '../http.ts';
import type { PendingPayment } from '../provider.ts';
import { openByBridge, readBridgeCall } from './bridge.ts';
import { WechatpayRefusal } from './errors.ts';
import { leaveOrder, orderOf, payOrder } from './orders.ts';
import { codeFromText, textOfCode } from './payment-endpoints.ts';
import type { CodeRow, OrderRow, Payment, TradeType, WechatpayOptions, WechatpayState } from './state.ts';

const root = '/cashier/wechatpay';

/**
 * Serves the pages of the buyer's phone. `/cashier/wechatpay?code=<code_url or prepay_id>` redirects to `/cashier/wechatpay/<code>`; an
 * `h5_url` is `/cashier/wechatpay/h5?prepay_id=…`.
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
  const back = step === 'h5' ? returnUrl(query.get('redirect_url')) : null;
  try {
    return request.method === 'POST'
      ? act(wechatpay, options, code, request, back)
      : show(wechatpay, code, order, back);
  } catch (error) {
    if (error instanceof WechatpayRefusal) return messagePage(error.status, 'Payment refused', error.message);
    if (error instanceof ControlError) return messagePage(error.status, 'Payment refused', error.message);
    throw error;
  }
}

const headings: Readonly<Record<TradeType, string>> = {
  NATIVE: 'WeChat Pay: QR codes',
  JSAPI: 'WeChat Pay: inside WeChat',
  MWEB: 'WeChat Pay: in the phone’s browser',
};

/** The orders that can be paid, newest first, each with its newest code. */
export function pendingWechatpayPayments(wechatpay: WechatpayState) {
  const newest = new Map<string, CodeRow>();
  for (const code of wechatpay.codes.all()) newest.set(code.order, code);
  const open = [...wechatpay.orders.all()].reverse().flatMap((order) => {
    const code = newest.get(order.id);
    return code && order.paid === null && endReason(wechatpay, code, order) === null ? { code, order } : [];
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
  const code = text === null ? undefined : wechatpay.codes.get(codeFromText(text.trim()));
  if (code) return redirectResponse(pagePath(code, orderOf(wechatpay, code.order).tradeType));
  return page(
    text === null ? 200 : 404,
    'WeChat Pay',
    html`<section class="card"><h1>Which QR code?</h1>
${text === null ? null : html`<p class="alert" role="alert">There is no such code.</p>`}
<form method="get" action="${root}"><label for="code">Content of the QR code, or a prepay_id</label>
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
    if (endReason(wechatpay, code, order) !== null) return again;
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
        return messagePage(400, 'Unknown action', 'The action must be pay, decline, leave or bridge.');
    }
  });
}

function show(wechatpay: WechatpayState, code: CodeRow, order: OrderRow, back: string | null): HttpResponse {
  const end = endReason(wechatpay, code, order);
  if (end !== null) return outcomePage(summaryOf(order), end.title, end.text, shopLink(back));
  return page(
    200,
    'WeChat Pay',
    html`<section class="card">${paymentHeader(summaryOf(order))}
<p class="muted small"><code>${textOfCode(code.id)}</code></p>
${order.declines === 0 ? null : html`<p class="alert" role="alert">The bank declined the payment. You can try again.</p>`}
${order.tradeType === 'JSAPI' && !order.bridged ? bridgeForm : payForm(price(order.total, 'cny'))}</section>`,
  );
}

function summaryOf({ total, description, id }: OrderRow): PaymentSummary {
  return { brand: 'WeChat Pay · 微信支付', amount: price(total, 'cny'), subject: description, number: id };
}

function payForm(amount: string): Html {
  return html`<form method="post"><button class="primary" name="action" value="pay">Pay ${amount}</button>
<div class="pair"><button name="action" value="decline">Decline</button>
<button name="action" value="leave">Leave without paying</button></div></form>`;
}

const bridgeForm = html`<form method="post">
<label for="call">WeChat opens this payment when the shop’s page calls the bridge. Paste the arguments of that call as JSON</label>
<textarea id="call" name="call" rows="8" required></textarea>
<button class="primary" name="action" value="bridge">Open the payment</button></form>`;

/** The title and text for an order that can no longer be paid; null while it can. */
function endReason(wechatpay: WechatpayState, code: CodeRow, order: OrderRow): { title: string; text: string } | null {
  const nowMs = wechatpay.clock.nowMs();
  if (order.paid) return outcomeOf(wechatpay, order, order.paid);
  if (nowMs > order.payableUntilAtMs) {
    return { title: 'This order has expired', text: 'Go back to the shop and start again.' };
  }
  if (order.state === 'CLOSED') return { title: 'Closed', text: 'The shop has closed this order.' };
  if (nowMs > code.untilAtMs) return { title: 'This code has expired', text: 'Ask the shop for a new code.' };
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
  const paid = { title: 'Paid', text: `WeChat Pay’s transaction id is ${transactionId}.` };
  return refundOutcome(returned, order.total, 'cny') ?? paid;
}

/** The `redirect_url` of an `h5_url`; null unless it is an http(s) URL. */
function returnUrl(url: string | null): string | null {
  return url !== null && isWebUrl(url) ? url : null;
}

function withReturn(path: string, back: string | null): string {
  return back === null ? path : `${path}&redirect_url=${encodeURIComponent(back)}`;
}
