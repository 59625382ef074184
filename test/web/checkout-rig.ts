import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import { askControl, control, startTestApp, type TestApp } from '../support/test-app.ts';
import { openWebBrowser } from '../support/web-page.ts';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** How long anything may take, in milliseconds. Only what hangs is to be ended. */
const hangMs = 240_000;

/** The server, its sandbox and a browser. */
export type CheckoutRig = {
  readonly app: TestApp;
  readonly browser: Browser;
  /** A person with a browser of their own, which complains about what its console says. */
  visit(options?: BrowserContextOptions): Promise<Visitor>;
  close(): Promise<void>;
};

export type Visitor = {
  readonly context: BrowserContext;
  newPage(): Promise<Page>;
  /** What the console of any page said that is no information, and requests to the server that contain this text. */
  readonly complaints: string[];
  readonly sent: string[];
};

export async function openRig(): Promise<CheckoutRig> {
  const [app, browser] = await Promise.all([startTestApp({ hasCardForm: true }), openWebBrowser()]);
  return {
    ...{ app, browser },
    visit: (options) => visitWith(browser, options),
    async close() {
      await browser.close();
      await app.close();
    },
  };
}

export async function visitWith(browser: Browser, options: BrowserContextOptions = {}): Promise<Visitor> {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1200, height: 900 }, ...options });
  context.setDefaultTimeout(hangMs);
  const complaints: string[] = [];
  const sent: string[] = [];
  context.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  context.on('request', (request) => sent.push(`${request.url()} ${request.postData() ?? ''}`));
  return { context, complaints, sent, newPage: () => context.newPage() };
}

export type NewOrder = { readonly id: string; readonly link: string };

/** Creates an order as the merchant's server does, and returns the link to its checkout. */
export async function createOrder(
  { client, app }: Pick<TestApp, 'client' | 'app'> | { client: TestApp['client']; app: { url: string } },
  input: object = {},
): Promise<NewOrder> {
  const { createOrder: order } = await client.request<{ createOrder: { id: string; clientToken: string } }>(
    `mutation ($input: CreateOrderInput!) { createOrder(input: $input) { ... on Order { id clientToken } ... on Error { code message } } }`,
    {
      input: {
        idempotencyKey: crypto.randomUUID(),
        currency: 'CNY',
        lines: [
          { name: 'Espresso cup', quantity: 2, unitAmountMinor: 6800 },
          { name: 'Paper filters, 100', quantity: 1, unitAmountMinor: 2500 },
        ],
        ...input,
      },
    },
  );
  return { id: order.id, link: `${app.url}/checkout/${order.id}#${order.clientToken}` };
}

export type PaymentSeen = {
  readonly id: string;
  readonly method: string;
  readonly flow: string;
  readonly status: string;
};

/** The payments of an order, as the merchant sees them. */
export async function paymentsOf(
  { client }: Pick<TestApp, 'client'>,
  orderId: string,
): Promise<readonly PaymentSeen[]> {
  const { order } = await client.request<{ order: { payments: readonly PaymentSeen[] } }>(
    'query ($id: ID!) { order(id: $id) { payments { id method flow status } } }',
    { id: orderId },
  );
  return order.payments;
}

/** Resolves to the one payment of the order that waits for its buyer. */
export async function waitingPayment(app: Pick<TestApp, 'client'>, orderId: string): Promise<PaymentSeen> {
  const waiting = async () => (await paymentsOf(app, orderId)).filter(({ status }) => status === 'ACTION_REQUIRED');
  await expect.poll(waiting).toHaveLength(1);
  const [payment] = await waiting();
  if (payment === undefined) throw new Error('The payment no longer waits.');
  return payment;
}

/** The buyer pays with the provider's app on a phone. */
export async function payByPhone(sandboxUrl: string, { method, id }: PaymentSeen): Promise<void> {
  await control(sandboxUrl, `${method === 'ALIPAY' ? 'alipay' : 'wechatpay'}/buyer/${id}`, { action: 'pay' });
}

/** The number of charges at Stripe for all payments of an order, by the ledger of Stripe. */
export async function chargesOf(app: TestApp, orderId: string): Promise<number> {
  type Ledger = { readonly stripe: { readonly totals: Readonly<Record<string, { readonly charges: number }>> } };
  const { stripe } = await askControl<Ledger>(app.sandboxUrl, 'ledger');
  const payments = await paymentsOf(app, orderId);
  return payments.reduce((sum, { id }) => sum + (stripe.totals[id]?.charges ?? 0), 0);
}

/** The card form in its frame, once it listens. */
export async function cardForm(page: Page) {
  await page.locator('.card-place[data-state="ready"]').waitFor();
  return page.frameLocator('iframe.card-frame');
}

/** Fills in the card form. */
export async function typeCard(page: Page, number: string): Promise<void> {
  const form = await cardForm(page);
  await form.locator('#number').fill(number);
  await form.locator('#expiry').fill('1234');
  await form.locator('#cvc').fill('123');
}

/** What axe finds against WCAG 2.2 AA, each with the elements. */
export async function accessibilityProblems(page: Page): Promise<readonly string[]> {
  // Colours that are fading in have no contrast yet.
  await page.evaluate(`for (const animation of document.getAnimations()) {
    if (animation.effect.getComputedTiming().endTime !== Infinity) animation.finish();
  }`);
  for (const frame of page.frames()) await frame.evaluate(axeSource);
  const results = (await page.evaluate(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })`,
  )) as AxeResults;
  return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
}
