import { readFileSync } from 'node:fs';
import { html, messagePage, notFoundPage } from '../cashier-page.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';

/** The kind of the page in its path: `/cashier/card-form`. */
export const cardFormKind = 'card-form';

/** The files of the form, read once. */
const files: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {
  'form.js': { type: 'text/javascript', text: readFileSync(new URL('./card-form/form.js', import.meta.url), 'utf8') },
  'form.css': { type: 'text/css', text: readFileSync(new URL('./card-form/form.css', import.meta.url), 'utf8') },
};

/** A few numbers to try, with the key of the text that says what each does. */
const offered = [
  { number: '4242424242424242', text: 'pays' },
  { number: '4000000000000002', text: 'declined' },
  { number: '4000002500003155', text: 'secure' },
] as const;

/**
 * Serves the card fields that a page embeds where it would use Stripe.js: `/cashier/card-form?origin=<origin of the page>`. Only a page of
 * that origin may frame it, and only such a page is told the outcome.
 */
export function serveCardForm(request: HttpRequest, file: string): HttpResponse {
  const found = files[file];
  if (file !== '' && found === undefined) return notFoundPage();
  if (found !== undefined) return answer(`${found.type}; charset=utf-8`, found.text, "default-src 'none'");
  const host = originIn(new URLSearchParams(request.query).get('origin'));
  if (host === null) {
    return messagePage(400, 'This form belongs into a page', 'Embed it with ?origin= and the origin of the page.');
  }
  const policy = [
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'",
    `frame-ancestors ${host}`,
  ].join('; ');
  return answer('text/html; charset=utf-8', documentFor(host), policy);
}

/** The origin of an http or https page; null for anything else. */
function originIn(text: string | null): string | null {
  const url = text !== null && URL.canParse(text) ? new URL(text) : null;
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text ? url.origin : null;
}

function answer(type: string, body: string, policy: string): HttpResponse {
  return {
    status: 200,
    headers: {
      'Content-Type': type,
      'Cache-Control': 'no-store',
      'Content-Security-Policy': policy,
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    },
    body,
  };
}

function documentFor(host: string): string {
  const field = (name: string, hint: string | null, attributes: string) => html`<div class="field">
<label for="${name}" data-text="${name}"></label>
<input id="${name}" inputmode="numeric" autocomplete="${attributes}" aria-describedby="${name}-problem"${
    hint === null ? html` placeholder="1234 1234 1234 1234" maxlength="23"` : html` data-hint="${hint}" maxlength="7"`
  }>
<p class="problem" id="${name}-problem" role="alert"></p>
</div>`;
  const cards = offered.map(
    ({ number, text }) =>
      html`<button type="button" data-card="${number}">${number.slice(-4)} <span data-text="${text}"></span></button>`,
  );
  return html`<!doctype html>
<html lang="en" data-host="${host}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Card</title>
<link rel="stylesheet" href="/cashier/card-form/form.css">
</head>
<body>
<main id="body">
<form id="form" novalidate>
${field('number', null, 'cc-number')}
<div class="row">${field('expiry', 'expiryHint', 'cc-exp')}${field('cvc', 'cvcHint', 'cc-csc')}</div>
<div class="cards"><span data-text="try"></span>${cards}</div>
<button hidden></button>
</form>
<section id="bank" class="bank" hidden>
<h1 data-text="bank"></h1>
<p data-text="bankAsks"></p>
<div class="row"><button id="approve" class="primary" type="button" data-text="approve"></button>
<button id="refuse" type="button" data-text="refuse"></button></div>
</section>
</main>
<script type="module" src="/cashier/card-form/form.js"></script>
</body>
</html>
`.text;
}
