import { decimalsOf } from './currencies.ts';
import type { HttpResponse } from './http.ts';

/** Escaped HTML. Only `html` creates it, so that no unescaped text reaches a page. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Html | readonly Html[] | null;

/** Builds HTML. Values are escaped, except for Html. */
export function html(literals: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(literals.reduce((text, literal, index) => text + escaped(values[index - 1] ?? null) + literal));
}

function escaped(value: Value): string {
  if (value === null) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map((part) => part.text).join('');
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** `€12.34` */
export function price(amountMinor: number, currency: string): string {
  const decimals = decimalsOf(currency);
  const format = new Intl.NumberFormat('en', {
    style: 'currency',
    currency: currency.toUpperCase(),
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  return format.format(amountMinor / 10 ** decimals);
}

/** A complete page, without scripts and external resources. */
export function page(status: number, title: string, body: Html): HttpResponse {
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<div class="ribbon">Sandbox: no real money moves here</div>
<main>${body}</main>
<footer>Paystream sandbox cashier</footer>
</body>
</html>
`;
  return {
    status,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-store',
      'Content-Security-Policy':
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    },
    body: document.text,
  };
}

/** The description of a payment on its page. */
export type PaymentSummary = {
  /** The provider's brand name. */
  readonly brand: string;
  readonly amount: string;
  readonly subject: string;
  /** The merchant's number of the payment. */
  readonly number: string;
};

/** The amount in large type on one line: the style sheet divides the width of the card by `--chars`. */
export function amountLine(amount: string): Html {
  return html`<p class="amount" style="--chars:${amount.length}">${amount}</p>`;
}

/** The upper part of a payment page. */
export function paymentHeader({ brand, amount, subject, number }: PaymentSummary): Html {
  return html`<p class="muted">${brand}</p>
${amountLine(amount)}
<p class="subject">${subject}<span class="number">${number}</span></p>`;
}

/** The page of a payment that can no longer be paid. */
export function outcomePage(summary: PaymentSummary, title: string, text: string, link: Html | null): HttpResponse {
  return page(
    200,
    title,
    html`<section class="card">${paymentHeader(summary)}
<h1>${title}</h1><p class="muted">${text}</p>${link}</section>`,
  );
}

/** The title and the text for a refunded or partly refunded payment; null for one without refunds. */
export function refundOutcome(
  refunded: number,
  paid: number,
  currency: string,
): { readonly title: string; readonly text: string } | null {
  if (refunded === 0) return null;
  return refunded < paid
    ? { title: 'Partly refunded', text: `You got ${price(refunded, currency)} of your payment back.` }
    : { title: 'Refunded', text: 'You got your whole payment back.' };
}

/** A link to the shop; null without a URL. */
export function shopLink(url: string | null): Html | null {
  return url === null ? null : html`<p><a href="${url}">Back to the shop</a></p>`;
}

/** A page with a message and no payment. */
export function messagePage(status: number, title: string, text: string, link: Html | null = null): HttpResponse {
  return page(
    status,
    title,
    html`<section class="card center"><h1>${title}</h1><p class="muted">${text}</p>${link}</section>`,
  );
}

export function notFoundPage(): HttpResponse {
  return messagePage(404, 'Payment not found', 'The link is wrong, or the sandbox has started with an empty ledger.');
}

const style = `
:root{--ink:#1a1f36;--muted:#5b6478;--line:#e3e8ee;--paper:#fff;--ground:#f4f6fb;--accent:#4f46e5;--accent-ink:#fff;
--bad:#b42318;--bad-ground:#fef3f2;--warn:#7a4b00;--warn-ground:#fff4d6;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaf2;--muted:#a2a9bb;--line:#2c3347;--paper:#181d2b;--ground:#0f131d;
--accent:#7c74ff;--accent-ink:#0f131d;--bad:#ff9d92;--bad-ground:#331815;--warn:#ffd98a;--warn-ground:#33270c}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;background:var(--ground);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;overflow-wrap:anywhere}
.ribbon{background:var(--warn-ground);color:var(--warn);text-align:center;font-size:.8125rem;font-weight:600;padding:.4rem 1rem}
main{flex:1;width:100%;max-width:27.5rem;margin:0 auto;padding:clamp(1rem,4vw,2rem) 1rem}
footer{text-align:center;color:var(--muted);font-size:.8125rem;padding:1.5rem}
.card{container-type:inline-size;background:var(--paper);border:1px solid var(--line);border-radius:14px;padding:clamp(1.125rem,5vw,1.5rem);
box-shadow:0 1px 2px rgba(20,25,45,.05),0 12px 32px rgba(20,25,45,.07)}
.center{text-align:center}
h1{font-size:1.125rem;margin:0 0 .25rem}
h2{font-size:1rem;margin:1.75rem 0 .5rem}
.amount{font-size:1.25rem;font-size:min(2.25rem,calc(100cqi/(.7*var(--chars))));font-weight:700;letter-spacing:-.02em;line-height:1.2;
margin:0 0 1rem;white-space:nowrap}
.muted{color:var(--muted);margin:.25rem 0}
.small{font-size:.8125rem}
.lines{list-style:none;margin:0 0 1.25rem;padding:0;border-top:1px solid var(--line)}
.lines li{padding:.625rem 0;border-bottom:1px solid var(--line)}
.lines li,.rows li{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.125rem 1rem}
.name{flex:1 1 9rem;min-width:0}
.price{margin-left:auto;white-space:nowrap;font-variant-numeric:tabular-nums}
.subject{margin:0 0 1.25rem;padding:.625rem 0;border:solid var(--line);border-width:1px 0}
.number{display:block;color:var(--muted);font-size:.8125rem}
label{display:block;font-size:.875rem;font-weight:600;margin-bottom:.375rem}
select,input,textarea{width:100%;font:inherit;color:inherit;background:var(--paper);border:1px solid var(--line);border-radius:9px;padding:.625rem .75rem}
button{width:100%;font:inherit;font-weight:600;border-radius:9px;padding:.75rem;margin-top:.75rem;cursor:pointer;
border:1px solid var(--line);background:var(--paper);color:var(--ink)}
button.primary{background:var(--accent);border-color:var(--accent);color:var(--accent-ink);margin-top:1.25rem}
button.quiet{border-color:transparent;background:transparent;color:var(--muted);font-weight:500}
button:hover{filter:brightness(.96)}
select:focus-visible,input:focus-visible,textarea:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:.75rem}
.alert{background:var(--bad-ground);color:var(--bad);border-radius:9px;padding:.625rem .875rem;margin:0 0 1rem;font-size:.9375rem}
a{color:var(--accent)}
.rows{list-style:none;margin:0;padding:0}
.rows li{padding:.5rem 0;border-top:1px solid var(--line)}
select{text-overflow:ellipsis}
code{font-size:.8125rem}
`;
