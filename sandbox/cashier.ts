import { html, messagePage, notFoundPage, page } from './cashier-page.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import type { SimulatedProvider } from './provider.ts';

/** The number of payments under each heading. */
const listedMax = 50;

/** Serves the pages for buyers: the list of pending payments, and the payment pages of each provider. */
export function serveCashier(providers: readonly SimulatedProvider[], request: HttpRequest): HttpResponse {
  const [, , kind = ''] = request.path.split('/');
  if (request.method !== 'POST' && request.method !== 'GET' && request.method !== 'HEAD') {
    return messagePage(405, 'Method not allowed', 'The cashier supports GET and POST.');
  }
  if (kind === '') return indexPage(providers);
  return providers.find(({ pageKinds }) => pageKinds.includes(kind))?.servePage(request) ?? notFoundPage();
}

function indexPage(providers: readonly SimulatedProvider[]): HttpResponse {
  const lists = providers
    .flatMap((provider) => provider.pendingPayments())
    .map(({ heading, rows }) => {
      const items = rows
        .slice(0, listedMax)
        .map(
          ({ href, label, price }) =>
            html`<li><a class="name" href="${href}"><code>${label}</code></a><strong class="price">${price}</strong></li>`,
        );
      return html`<h2>${heading}</h2>${items.length > 0 ? html`<ul class="rows">${items}</ul>` : html`<p class="muted">None.</p>`}`;
    });
  return page(
    200,
    'Cashier',
    html`<section class="card"><h1>Pending payments</h1>
<p class="muted">Choose a payment to act as its buyer.</p>
${lists}
</section>`,
  );
}
