import {
  amountLine,
  type Html,
  html,
  messagePage,
  notFoundPage,
  outcomePage,
  type PaymentSummary,
  page,
  price,
  refundOutcome,
  shopLink,
} from '../cashier-page.ts';
import { type HttpRequest, type HttpResponse, redirectResponse } from '../http.ts';
import { cardFormKind, serveCardForm } from './card-form-page.ts';
import { cardOfNumber, offeredCards, type TestCard } from './cards.ts';
import { finishAuthentication, payInSession } from './checkout.ts';
import { StripeRefusal } from './errors.ts';
import { authenticationUrl } from './objects.ts';
import { confirmIntent } from './payment-attempts.ts';
import type { IntentRow, SessionRow, StripeState } from './state.ts';

/** Serves `/cashier/<kind>/<id>`. Scripts may post the forms too: see the README. */
export function serveStripePage(stripe: StripeState, request: HttpRequest): HttpResponse {
  const [, , kind = '', id = '', ...rest] = request.path.replace(/\/$/, '').split('/');
  const query = new URLSearchParams(request.query);
  const form = request.method === 'POST' ? new URLSearchParams(request.body) : null;
  try {
    if (rest.length > 0) return notFoundPage();
    switch (kind) {
      case 'checkout':
        return checkout(stripe, id, form);
      case '3ds':
        return authentication(stripe, id, query.get('client_secret'), form);
      case 'card':
        return cardForm(stripe, id, query, form);
      case cardFormKind:
        return serveCardForm(request, id);
      default:
        return notFoundPage();
    }
  } catch (error) {
    if (error instanceof StripeRefusal) return messagePage(error.status, 'Payment refused', error.message);
    throw error;
  }
}

/** The open sessions and the payable intents without a session, newest first. */
export function pendingStripePayments(stripe: StripeState) {
  const sessions = [...stripe.sessions.all()].reverse().filter((row) => row.status === 'open');
  const intents = [...stripe.intents.all()].reverse().filter((row) => row.session === null && isPayable(row));
  return [
    {
      heading: 'Checkout pages',
      rows: sessions.map(({ id, amount, currency }) => ({
        href: `/cashier/checkout/${id}`,
        label: shorten(id),
        price: price(amount, currency),
      })),
    },
    {
      heading: 'Card forms',
      rows: intents.map((intent) => ({
        href: cardFormPath(intent),
        label: intent.id,
        price: price(intent.amount, intent.currency),
      })),
    },
  ];
}

function checkout(stripe: StripeState, id: string, form: URLSearchParams | null): HttpResponse {
  const session = stripe.sessions.get(id);
  if (!session) return notFoundPage();
  if (session.status === 'complete') return donePage(stripe, session);
  if (session.status === 'expired') {
    const text = 'Go back to the shop and start again.';
    return outcomePage(summaryOf(session), 'This page has expired', text, shopLink(session.cancelUrl));
  }
  if (!form) return checkoutPage(stripe, session);
  const action = form.get('action');
  if (action === 'leave') return redirectResponse(session.cancelUrl ?? `/cashier/checkout/${session.id}`);
  const card = action === 'decline' ? declinedCard : chosenCard(form);
  const { intent } = stripe.ledger.transact(() => payInSession(stripe, session, card));
  if (intent.status === 'requires_action') return redirectResponse(authenticationUrl(stripe, intent));
  return redirectResponse(isPayable(intent) ? `/cashier/checkout/${session.id}` : successUrl(session));
}

function donePage(stripe: StripeState, session: SessionRow): HttpResponse {
  const intent = session.intent === null ? undefined : stripe.intents.get(session.intent);
  const ended = intent ? outcomeOf(stripe, intent) : alreadyPaid;
  return outcomePage(summaryOf(session), ended.title, ended.text, shopLink(successUrl(session)));
}

function summaryOf({ id, successUrl, amount, currency, lines }: SessionRow): PaymentSummary {
  return {
    brand: new URL(successUrl).host,
    amount: price(amount, currency),
    subject: lines.map(({ name }) => name).join(', '),
    number: id,
  };
}

function checkoutPage(stripe: StripeState, session: SessionRow): HttpResponse {
  const intent = session.intent === null ? undefined : stripe.intents.get(session.intent);
  const lines = session.lines.map(
    (
      line,
    ) => html`<li><span class="name">${line.name}${line.quantity > 1 ? html` <span class="muted">× ${line.quantity}</span>` : null}
${line.description === null ? null : html`<br><span class="muted small">${line.description}</span>`}</span>
<span class="price">${price(line.unitAmount * line.quantity, session.currency)}</span></li>`,
  );
  return page(
    200,
    'Checkout',
    html`<section class="card"><p class="muted">Pay ${new URL(session.successUrl).host}</p>
${amountLine(price(session.amount, session.currency))}
<ul class="lines">${lines}</ul>
${failure(intent)}
<form method="post">${cardChoice}
<button class="primary" name="action" value="pay">Pay ${price(session.amount, session.currency)}</button>
<div class="pair"><button name="action" value="decline">Decline</button>
<button name="action" value="leave">Leave without paying</button></div>
</form></section>`,
  );
}

function authentication(
  stripe: StripeState,
  id: string,
  secret: string | null,
  form: URLSearchParams | null,
): HttpResponse {
  const intent = stripe.intents.get(id);
  if (!intent || secret !== intent.clientSecret) return notFoundPage();
  if (intent.status !== 'requires_action') {
    return messagePage(
      200,
      'No authentication required',
      'Your bank does not wait for a confirmation of this payment.',
      shopLink(intent.returnUrl),
    );
  }
  if (!form) {
    return page(
      200,
      'Your bank',
      html`<section class="card center"><h1>Confirm that it is you</h1>
<p class="muted">Your bank's 3-D Secure page, for testing</p>${amountLine(price(intent.amount, intent.currency))}
<form method="post"><button class="primary" name="action" value="complete">Complete authentication</button>
<button name="action" value="fail">Fail authentication</button></form></section>`,
    );
  }
  const passed = form.get('action') === 'complete';
  const attempt = stripe.ledger.transact(() => finishAuthentication(stripe, intent, passed));
  return redirectResponse(afterAuthentication(stripe, attempt.intent));
}

/** The page after the authentication: the shop, the session's page to try again, or the card form. */
function afterAuthentication(stripe: StripeState, intent: IntentRow): string {
  const session = intent.session === null ? undefined : stripe.sessions.get(intent.session);
  if (session) return session.status === 'complete' ? successUrl(session) : `/cashier/checkout/${session.id}`;
  if (intent.returnUrl === null) return cardFormPath(intent);
  const url = new URL(intent.returnUrl);
  url.searchParams.set('payment_intent', intent.id);
  url.searchParams.set('payment_intent_client_secret', intent.clientSecret);
  url.searchParams.set('redirect_status', isPayable(intent) ? 'failed' : 'succeeded');
  return url.href;
}

/** A replacement for the card fields that a shop embeds, to test without a shop. */
function cardForm(stripe: StripeState, id: string, query: URLSearchParams, form: URLSearchParams | null): HttpResponse {
  const intent = stripe.intents.get(id);
  if (!intent || query.get('client_secret') !== intent.clientSecret) return notFoundPage();
  if (intent.session !== null) return redirectResponse(`/cashier/checkout/${intent.session}`);
  if (form && isPayable(intent)) {
    const card = form.get('action') === 'decline' ? declinedCard : chosenCard(form);
    const options = { returnUrl: null, errorOnRequiresAction: false };
    const attempt = stripe.ledger.transact(() => confirmIntent(stripe, intent, card, options));
    const waits = attempt.intent.status === 'requires_action';
    return redirectResponse(waits ? authenticationUrl(stripe, attempt.intent) : cardFormPath(intent));
  }
  if (!isPayable(intent)) {
    const { title, text } = outcomeOf(stripe, intent);
    const subject = intent.description ?? 'Card payment';
    const amount = price(intent.amount, intent.currency);
    return outcomePage({ brand: 'Card', amount, subject, number: intent.id }, title, text, null);
  }
  return page(
    200,
    'Pay by card',
    html`<section class="card"><p class="muted">${intent.description ?? 'Pay by card'}</p>
${amountLine(price(intent.amount, intent.currency))}
${failure(intent)}
<form method="post">${cardChoice}
<button class="primary" name="action" value="pay">Pay ${price(intent.amount, intent.currency)}</button>
<button name="action" value="decline">Decline</button></form></section>`,
  );
}

const alreadyPaid = { title: 'Paid', text: 'This payment is already paid.' } as const;

function outcomeOf(stripe: StripeState, intent: IntentRow): { readonly title: string; readonly text: string } {
  switch (intent.status) {
    case 'succeeded': {
      const charge = intent.latestCharge === null ? undefined : stripe.charges.get(intent.latestCharge);
      return refundOutcome(charge?.amountRefunded ?? 0, intent.amountReceived, intent.currency) ?? alreadyPaid;
    }
    case 'requires_capture':
      return { title: 'Authorized', text: 'The amount is reserved on your card until the shop captures it.' };
    case 'canceled':
      return { title: 'Canceled', text: 'Your card was not charged. Go back to the shop and start again.' };
    default:
      return { title: 'Processing', text: 'Your bank has not confirmed the payment yet.' };
  }
}

function isPayable(intent: IntentRow): boolean {
  const { status } = intent;
  return status === 'requires_payment_method' || status === 'requires_confirmation' || status === 'requires_action';
}

const declinedCard = cardOfNumber('4000000000000002');

function chosenCard(form: URLSearchParams): TestCard {
  return cardOfNumber(form.get('card') ?? '4242424242424242');
}

const cardChoice = html`<label for="card">Test card, by its last four digits</label>
<select id="card" name="card">${offeredCards.map(
  (card) => html`<option value="${card.number}">${card.number.slice(-4)} · ${card.label}</option>`,
)}</select>`;

function failure(intent: IntentRow | undefined): Html | null {
  return intent?.lastError ? html`<p class="alert" role="alert">${intent.lastError.message}</p>` : null;
}

function cardFormPath(intent: IntentRow): string {
  return `/cashier/card/${intent.id}?client_secret=${encodeURIComponent(intent.clientSecret)}`;
}

function successUrl(session: SessionRow): string {
  return session.successUrl.replaceAll('{CHECKOUT_SESSION_ID}', session.id);
}

function shorten(id: string): string {
  return `${id.slice(0, 20)}…`;
}
