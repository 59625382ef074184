import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/browser.ts';
import { readOrder, refreshPayment, sweepUntil } from '../support/orders.ts';
import { control } from '../support/test-app.ts';
import {
  accessibilityProblems,
  type CheckoutRig,
  cardForm,
  chargesOf,
  createOrder,
  openRig,
  payByPhone,
  paymentsOf,
  typeCard,
  waitingPayment,
} from './checkout-rig.ts';

describe.skipIf(chromiumPath === null)('the checkout', () => {
  let rig: CheckoutRig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig.close());

  const method = (page: Page, name: string) => page.getByRole('button', { name: new RegExp(`^${name}`) });
  const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name, level: 2 });
  const seen = (page: Page, name: string | RegExp) => heading(page, name).waitFor();

  test('a card is entered at the provider: the page and its server never get it, and the token leaves the address', async () => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await method(page, 'Card').click();
    await typeCard(page, '4242424242424242');
    // By key: headless Chromium loses a click beside a frame of another origin whose height has just changed.
    await page.getByRole('button', { name: 'Pay CN¥161.00' }).press('Enter');
    await seen(page, 'Payment received');
    expect(page.url()).toBe(`${rig.app.app.url}/checkout/${order.id}`);
    const ownRequests = visitor.sent.filter((request) => request.startsWith(rig.app.app.url));
    expect(ownRequests.join()).not.toMatch(/4242|ct_/);
    expect(await chargesOf(rig.app, order.id)).toBe(1);
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test.each([
    ['ALIPAY', 'Alipay', 'Scan to pay with Alipay'],
    ['WECHAT_PAY', 'WeChat Pay', 'Scan to pay with WeChat Pay'],
  ])('a code of %s turns into a tick by itself', async (_method, name, title) => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await method(page, name).click();
    await seen(page, title);
    await page.getByRole('img', { name: `QR code for ${name}` }).waitFor();
    await payByPhone(rig.app.sandboxUrl, await waitingPayment(rig.app, order.id));
    await seen(page, 'Payment received');
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test('the buyer goes to Alipay’s website, comes back to the checkout and sees the outcome', async () => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await method(page, 'Alipay').click();
    await page.getByRole('button', { name: 'Pay on the Alipay website instead' }).click();
    await page.getByRole('button', { name: 'Log in, or scan with the app' }).click();
    await page.getByRole('button', { name: /^Pay CN¥161/ }).click();
    await seen(page, 'Payment received');
    expect(page.url()).toBe(`${rig.app.app.url}/checkout/${order.id}`);
    const payments = await paymentsOf(rig.app, order.id);
    expect(payments.map(({ flow, status }) => [flow, status])).toEqual([
      ['QR_CODE', 'CANCELED'],
      ['REDIRECT', 'SUCCEEDED'],
    ]);
    await visitor.context.close();
  });

  test('the outcome arrives although every callback of the provider is lost', async () => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await method(page, 'Alipay').click();
    await page.getByRole('button', { name: 'Pay on the Alipay website instead' }).click();
    await page.getByRole('button', { name: 'Log in, or scan with the app' }).click();
    await control(rig.app.sandboxUrl, 'faults', { fault: 'drop', match: { type: '*' }, times: 100 });
    await page.getByRole('button', { name: /^Pay CN¥161/ }).click();
    await seen(page, 'Payment received');
    await fetch(`${rig.app.sandboxUrl}/control/faults`, { method: 'DELETE' });
    await visitor.context.close();
  });

  test('who leaves the provider without paying can go on there, or pay otherwise', async () => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await method(page, 'Alipay').click();
    await page.getByRole('button', { name: 'Pay on the Alipay website instead' }).click();
    await page.getByRole('button', { name: 'Leave without paying' }).click();
    await seen(page, 'Your payment is not finished yet');
    await page.getByRole('button', { name: 'Other ways to pay' }).click();
    await method(page, 'WeChat Pay').click();
    await seen(page, 'Scan to pay with WeChat Pay');
    await payByPhone(rig.app.sandboxUrl, await waitingPayment(rig.app, order.id));
    await seen(page, 'Payment received');
    await visitor.context.close();
  });

  test('a declined card says why, and the second one pays; the order is charged once', async () => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await method(page, 'Card').click();
    await typeCard(page, '4000000000000002');
    const pay = page.getByRole('button', { name: 'Pay CN¥161.00' });
    await pay.press('Enter');
    await page.getByText('Your bank declined the card. Try another card, or another way to pay.').waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await typeCard(page, '4242424242424242');
    await pay.press('Enter');
    await seen(page, 'Payment received');
    expect(await paymentsOf(rig.app, order.id)).toHaveLength(1);
    expect(await chargesOf(rig.app, order.id)).toBe(1);
    await visitor.context.close();
  });

  test.each([
    ['Approve', 'Payment received', 1],
    ['Refuse', 'Pay by card', 0],
  ])('a card whose bank asks the buyer: %s', async (answer, title, charges) => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await method(page, 'Card').click();
    await typeCard(page, '4000002500003155');
    await page.getByRole('button', { name: 'Pay CN¥161.00' }).press('Enter');
    await page.frameLocator('iframe.card-frame').getByRole('button', { name: answer }).click();
    await seen(page, title);
    if (charges === 0) await page.getByText('Your bank could not confirm that it was you.').waitFor();
    expect(await chargesOf(rig.app, order.id)).toBe(charges);
    await visitor.context.close();
  });

  test('fields that are missing are named in the form, and nothing is sent', async () => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await method(page, 'Card').click();
    const form = await cardForm(page);
    await form.locator('#number').fill('4242 4242 4242 4241');
    await page.getByRole('button', { name: 'Pay CN¥161.00' }).press('Enter');
    await form.getByText('This card number is not complete or has a typing mistake.').waitFor();
    await form.getByText('Enter the month and the year on the card.').waitFor();
    expect(visitor.sent.filter((request) => request.includes('/confirm'))).toEqual([]);
    await visitor.context.close();
  });

  test('a reload in the middle of a payment shows the same payment', async () => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await method(page, 'WeChat Pay').click();
    await seen(page, 'Scan to pay with WeChat Pay');
    await page.reload();
    await seen(page, 'Scan to pay with WeChat Pay');
    await page.reload();
    await payByPhone(rig.app.sandboxUrl, await waitingPayment(rig.app, order.id));
    await seen(page, 'Payment received');
    expect(await paymentsOf(rig.app, order.id)).toHaveLength(1);
    await visitor.context.close();
  });

  test('an answer that is lost, and a double click, start one payment', async () => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    let lost = 0;
    await page.route('**/graphql', async (route) => {
      const isPay = route.request().postData()?.includes('payOrder') ?? false;
      if (!isPay || lost === 1) return route.continue();
      lost += 1;
      await route.fetch(); // the server has done it, and the page never learns
      await route.abort('connectionreset');
    });
    await method(page, 'WeChat Pay').dblclick();
    await seen(page, 'Scan to pay with WeChat Pay');
    expect(lost).toBe(1);
    expect(await paymentsOf(rig.app, order.id)).toHaveLength(1);
    await visitor.context.close();
  });

  test('two tabs that start at the same time share one payment, and both see it paid', async () => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const pages = [await visitor.newPage(), await visitor.newPage()];
    // A browser draws only the tab in front, so the tests press the buttons of both by script.
    const inFront = async (look: (page: Page) => Promise<unknown>) => {
      for (const page of pages) {
        await page.bringToFront();
        await look(page);
      }
    };
    const press = (selector: string) =>
      Promise.all(pages.map((page) => page.evaluate(`document.querySelector('${selector}')?.click()`)));
    await Promise.all(pages.map((page) => page.goto(order.link)));
    await inFront((page) => method(page, 'Card').waitFor());
    await press('.method');
    await inFront((page) => typeCard(page, '4242424242424242'));
    await press('.button.brand');
    await inFront((page) => seen(page, 'Payment received'));
    expect(await paymentsOf(rig.app, order.id)).toHaveLength(1);
    expect(await chargesOf(rig.app, order.id)).toBe(1);
    await visitor.context.close();
  });

  test('a phone goes to the provider’s page, and comes back in a tab that knows nothing of the first', async () => {
    const phone = { viewport: { width: 375, height: 700 }, hasTouch: true, isMobile: true };
    const visitor = await rig.visit(phone);
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await method(page, 'WeChat Pay').tap();
    await page.getByRole('button', { name: /^Pay CN¥161/ }).waitFor();
    const { id } = await waitingPayment(rig.app, order.id);
    await control(rig.app.sandboxUrl, `wechatpay/buyer/${id}`, { action: 'pay' });
    const other = await visitor.newPage();
    await other.goto(`${rig.app.app.url}/checkout/${order.id}?back`);
    await seen(other, 'Payment received');
    await visitor.context.close();
  });

  test.each([
    ['without its token', (link: string) => link.replace(/#.*/, ''), 'This link is not complete'],
    ['with a wrong token', (link: string) => link.replace(/.{5}$/, 'AAAAA'), 'This link is not valid'],
    [
      'with the token of another order',
      (link: string) => link.replace(/ord_[^#]+/, 'ord_01jd8m0v6te4r8x3y5z7a9b1c2'),
      'This link is not valid',
    ],
  ])('a link %s says so', async (_what, spoil, title) => {
    const visitor = await rig.visit();
    const { link } = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(spoil(link));
    await page.getByRole('heading', { name: title }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await visitor.context.close();
  });

  test('a link that is opened in a tab with the page already is taken, and its token leaves the address', async () => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link.replace(/#.*/, ''));
    await page.getByRole('heading', { name: 'This link is not complete' }).waitFor();
    await page.goto(order.link);
    await seen(page, 'How would you like to pay?');
    expect(page.url()).toBe(order.link.replace(/#.*/, ''));
    await visitor.context.close();
  });

  test.each([45, -45])('a code can be used on a device whose clock is %i minutes wrong', async (minutes) => {
    const visitor = await rig.visit();
    await visitor.context.addInitScript(`{
      const Right = Date, wrongMs = ${minutes} * 60_000;
      globalThis.Date = class extends Right {
        constructor(...given) { given.length > 0 ? super(...given) : super(Right.now() + wrongMs); }
        static now() { return Right.now() + wrongMs; }
      };
    }`);
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await method(page, 'Alipay').click();
    await page.locator('.qr[data-stale="false"]').waitFor();
    await page.getByText('Waiting for your payment…').waitFor();
    await payByPhone(rig.app.sandboxUrl, await waitingPayment(rig.app, order.id));
    await seen(page, 'Payment received');
    await visitor.context.close();
  });

  test('a code that could not be renewed is renewed later', async () => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    let pays = 0;
    const isLate = () => pays < 3;
    await page.route('**/graphql', async (route) => {
      const sent = route.request().postData() ?? '';
      if (sent.includes('payOrder')) pays += 1;
      if (!sent.includes('query Checkout')) return route.continue();
      // The code is over from the beginning, and stays so until it is renewed for the second time.
      const text = await (await route.fetch()).text();
      const over = text.replace(/("content":"[^"]*","expiresAt":)"[^"]*"/g, '$1"2026-01-01T00:00:00.000Z"');
      await route.fulfill({ contentType: 'application/json', body: isLate() ? over : text });
    });
    await page.goto(order.link);
    await method(page, 'Alipay').click();
    await expect.poll(() => pays, { timeout: 240_000 }).toBe(3);
    await page.locator('.qr[data-stale="false"]').waitFor();
    await page.getByText('Waiting for your payment…').waitFor();
    await visitor.context.close();
  });

  test('an order that is canceled while the buyer looks at it says so at once', async () => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await seen(page, 'How would you like to pay?');
    await rig.app.client.request('mutation ($id: ID!) { cancelOrder(input: { orderId: $id }) { __typename } }', {
      id: order.id,
    });
    await seen(page, 'This order was canceled');
    expect(await accessibilityProblems(page)).toEqual([]);
    await visitor.context.close();
  });

  test.each([
    ['REVIEW', 'Your payment came after the order was closed'],
    ['REFUND', 'Payment refunded'],
  ])('money that comes after the order was canceled, under the policy %s: "%s"', async (policy, title) => {
    await rig.app.client.request(`mutation { setLatePaymentPolicy(policy: ${policy}) { __typename } }`);
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await method(page, 'Card').click();
    await cardForm(page);
    const payment = await waitingPayment(rig.app, order.id);
    await rig.app.client.request('mutation ($id: ID!) { cancelOrder(input: { orderId: $id }) { __typename } }', {
      id: order.id,
    });
    await seen(page, 'This order was canceled');
    const { payments } = await readOrder(rig.app, order.id);
    const { providerPaymentId } = payments.find(({ id }) => id === payment.id) ?? {};
    await control(rig.app.sandboxUrl, `stripe/payment_intents/${providerPaymentId}/succeed`, {});
    rig.app.clock.advance(1100);
    await refreshPayment(rig.app, payment.id);
    if (policy === 'REFUND') {
      await sweepUntil(rig.app, order.id, ({ paymentStatus }) => paymentStatus === 'REFUNDED');
    }
    await seen(page, title);
    expect(await page.getByText('You have not been charged').count()).toBe(0);
    await page.reload();
    await seen(page, title);
    expect(await accessibilityProblems(page)).toEqual([]);
    await rig.app.client.request('mutation { setLatePaymentPolicy(policy: ACCEPT) { __typename } }');
    await visitor.context.close();
  });

  test('an order that expires while the buyer looks at it says so, and takes its methods away', async () => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app, { expiresInSeconds: 60 });
    const page = await visitor.newPage();
    await page.goto(order.link);
    await page
      .getByRole('timer')
      .filter({ hasText: /^Time left to pay: (1:00|0:[0-5]\d)$/ })
      .waitFor();
    await seen(page, 'How would you like to pay?');
    rig.app.clock.advance(61_000);
    await rig.app.app.rounds.expireOrders();
    await seen(page, 'This order has expired');
    expect(await method(page, 'Card').count()).toBe(0);
    expect(await accessibilityProblems(page)).toEqual([]);
    await visitor.context.close();
  });

  test('the way back to the shop is offered only where the merchant allows it', async () => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(`${order.link}&return=${encodeURIComponent('https://shop.test/thanks')}`);
    await method(page, 'WeChat Pay').click();
    await payByPhone(rig.app.sandboxUrl, await waitingPayment(rig.app, order.id));
    await seen(page, 'Payment received');
    const back = page.getByRole('link', { name: /^Back to/ });
    expect(await back.getAttribute('href')).toBe('https://shop.test/thanks');
    await page.goto('about:blank');
    await page.goto(`${order.link}&return=${encodeURIComponent('javascript:alert(1)')}`);
    await seen(page, 'Payment received');
    expect(await back.count()).toBe(0);
    await visitor.context.close();
  });

  test('only the checkout may load Stripe’s script and frames, and no page runs inline scripts', async () => {
    const policyOf = async (path: string) => {
      const page = await fetch(`${rig.app.app.url}${path}`);
      return page.headers.get('content-security-policy') ?? '';
    };
    const [checkout, dashboard, shop] = await Promise.all(['/checkout/ord_1', '/dashboard', '/shop'].map(policyOf));
    expect(checkout).toContain("script-src 'self' https://js.stripe.com;");
    expect(checkout).toContain(`frame-src https://js.stripe.com https://hooks.stripe.com ${rig.app.sandboxUrl}`);
    expect(`${dashboard}${shop}`).not.toContain('stripe');
    expect(`${checkout}${dashboard}${shop}`).not.toContain('unsafe');
  });

  test.each([
    ['en-GB', 'light', 1200],
    ['zh-CN', 'dark', 375],
    ['en-GB', 'dark', 375],
    ['zh-CN', 'light', 1200],
  ] as const)('axe finds nothing on the way to a paid order: %s, %s, %i px', async (locale, colorScheme, width) => {
    const visitor = await rig.visit({ locale, colorScheme, viewport: { width, height: 1000 } });
    const isChinese = locale === 'zh-CN';
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await seen(page, isChinese ? '请选择付款方式' : 'How would you like to pay?');
    expect(await accessibilityProblems(page)).toEqual([]);
    await method(page, isChinese ? '银行卡' : 'Card').click();
    await cardForm(page);
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole('button', { name: isChinese ? '其他付款方式' : 'Other ways to pay' }).click();
    await method(page, isChinese ? '支付宝' : 'Alipay').click();
    await page.getByRole('img', { name: /QR|二维码/ }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await payByPhone(rig.app.sandboxUrl, await waitingPayment(rig.app, order.id));
    await seen(page, isChinese ? '付款成功' : 'Payment received');
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test('everything can be done with the keyboard', async () => {
    const visitor = await rig.visit();
    const order = await createOrder(rig.app);
    const page = await visitor.newPage();
    await page.goto(order.link);
    await method(page, 'Card').focus();
    await page.keyboard.press('Enter');
    const form = await cardForm(page);
    await expect.poll(() => page.evaluate('document.activeElement?.textContent')).toBe('Pay by card');
    await form.locator('#number').focus();
    await page.keyboard.type('4242424242424242');
    await page.keyboard.press('Tab');
    await page.keyboard.type('1234');
    await page.keyboard.press('Tab');
    await page.keyboard.type('123');
    await page.keyboard.press('Enter');
    await seen(page, 'Payment received');
    await visitor.context.close();
  });
});
