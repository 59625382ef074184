import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/browser.ts';
import { control, startTestApp, type TestApp } from '../support/test-app.ts';
import { openWebBrowser } from '../support/web-page.ts';
import { createOrder, paymentsOf, visitWith } from './checkout-rig.ts';

/**
 * Stands at js.stripe.com, which tests cannot reach: it notes what the page asks of Stripe.js, draws a field in the place that it is given, and
 * answers `confirmPayment` as the test says. The PaymentIntents are those of the sandbox.
 */
const script = `window.asked = [];
window.answers = [];
window.Stripe = (key, options) => {
  asked.push(['Stripe', key, options]);
  return {
    elements(settings) {
      asked.push(['elements', settings]);
      return {
        create(type, more) {
          asked.push(['create', type, more]);
          const listeners = {};
          return {
            on: (event, listen) => { listeners[event] = listen; },
            mount(place) {
              const field = document.createElement('div');
              field.textContent = 'Stripe’s fields';
              place.append(field);
              setTimeout(() => listeners.ready(), 0);
            },
            destroy() {},
          };
        },
        update: (settings) => asked.push(['update', settings]),
      };
    },
    async confirmPayment(options) {
      asked.push(['confirmPayment', { ...options, elements: undefined }]);
      return answers.shift();
    },
  };
};`;

describe.skipIf(chromiumPath === null)('the checkout with Stripe’s own form', () => {
  let app: TestApp;
  let browser: Browser;
  beforeAll(async () => {
    [app, browser] = await Promise.all([startTestApp(), openWebBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    await app.close();
  });

  async function openCardForm(answer: 'script' | 'nothing') {
    const visitor = await visitWith(browser);
    await visitor.context.route('https://js.stripe.com/**', (route) =>
      answer === 'script' ? route.fulfill({ contentType: 'text/javascript', body: script }) : route.abort(),
    );
    const order = await createOrder(app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await page.getByRole('button', { name: /^Card/ }).click();
    return { visitor, order, page };
  }

  test('the script comes from Stripe, gets the secret of the payment, and a card that it refuses can be tried again', async () => {
    const { visitor, order, page } = await openCardForm('script');
    await page.getByText('Stripe’s fields').waitFor();
    await page.locator('.card-place[data-state="ready"]').waitFor();
    await page.evaluate(`answers.push({ error: { type: 'card_error', message: 'Your card was declined.' } }, {})`);
    const pay = page.getByRole('button', { name: 'Pay CN¥161.00' });
    await pay.press('Enter');
    await page.getByText('Your card was declined.').waitFor();
    await page.getByLabel('Language').selectOption('zh');
    await page.getByLabel('语言').selectOption('en');
    await pay.press('Enter');
    const asked = await page.evaluate<[string, ...unknown[]][]>('asked');
    const secret = expect.stringMatching(/^pi_\w+_secret_\w+$/);
    const update = (locale: string) => ['update', expect.objectContaining({ locale })];
    const confirm = [
      'confirmPayment',
      { redirect: 'if_required', confirmParams: { return_url: `${app.app.url}/checkout/${order.id}?back` } },
    ];
    expect(asked).toEqual([
      ['Stripe', 'pk_test_paystream', { locale: 'en' }],
      ['elements', expect.objectContaining({ clientSecret: secret, locale: 'en' })],
      ['create', 'payment', expect.anything()],
      ...[confirm, update('zh'), update('en'), confirm],
    ]);
    const settings = asked[1]?.[1] as { readonly clientSecret: string };
    await control(app.sandboxUrl, `stripe/payment_intents/${settings.clientSecret.split('_secret_')[0]}/succeed`, {});
    await page.getByRole('heading', { name: 'Payment received' }).waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test('where Stripe cannot be reached, the buyer can enter the card on Stripe’s page instead', async () => {
    const { visitor, order, page } = await openCardForm('nothing');
    await page.getByText('The card form could not be loaded.').waitFor();
    await page.getByRole('button', { name: 'Enter the card on the provider’s page' }).click();
    await page.getByRole('button', { name: /^Pay CN¥161/ }).click();
    await page.getByRole('heading', { name: 'Payment received' }).waitFor();
    expect((await paymentsOf(app, order.id)).map(({ flow, status }) => [flow, status])).toEqual([
      ['EMBEDDED', 'CANCELED'],
      ['REDIRECT', 'SUCCEEDED'],
    ]);
    await visitor.context.close();
  });
});
