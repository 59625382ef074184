import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/browser.ts';
import { testMasterKeys } from '../support/merchants.ts';
import { confirmCard, createOrder, paidOrder, payOrder, readOrder } from '../support/orders.ts';
import { createMinter } from '../support/principals.ts';
import { control, startTestApp } from '../support/test-app.ts';
import { openWebPage } from '../support/web-page.ts';
import { type DashboardRig, findFaults, finish, openDashboardRig } from './dashboard-rig.ts';

/** The most that a refund of an order may be without another person. */
const limitMinor = 1000;
/** What the scripts of the first page may have, compressed. */
const scriptBytesMax = 200_000;

describe.runIf(chromiumPath !== null)('the dashboard', () => {
  let rig: DashboardRig;
  let app: DashboardRig['app'];
  let browser: DashboardRig['browser'];
  let mint: DashboardRig['mint'];
  beforeAll(async () => {
    rig = await openDashboardRig();
    ({ app, browser, mint } = rig);
    const limits = `[{ currency: EUR, amountMinor: ${limitMinor} }]`;
    await app.client.request(`mutation { setRefundLimits(limits: ${limits}) { __typename } }`);
  });
  afterAll(() => rig.close());

  const at = (path: string) => rig.at(path);
  const signedIn: DashboardRig['signedIn'] = (...args) => rig.signedIn(...args);

  test('the link of the start signs in, and the token does not stay in the address', async () => {
    const opened = await signedIn('', app.token);
    const { page } = opened;
    expect(page.url()).toBe(at(''));
    await page.reload();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await finish(opened);
  });

  test('a token that is wrong, or of a customer, is refused with the reason; another signs in and out', async () => {
    const opened = await openWebPage(browser, { expected: [/status of 401/] });
    const { page } = opened;
    await page.goto(at('/orders'));
    const field = page.getByLabel('Token');
    const submit = page.getByRole('button', { name: 'Sign in' });
    const enter = async (token: string) => {
      await field.fill(token);
      await submit.click();
    };
    await submit.click();
    await page.getByText('Enter a token.').waitFor();
    await enter('wrong-token-of-nobody');
    await page.getByText('The token is not valid').waitFor();
    await enter(await mint('CUSTOMER', 'carol'));
    await page.getByText('belongs to a buyer or a customer').waitFor();
    await enter(`Bearer ${await mint('VIEWER', 'vera')}`);
    await page.getByRole('heading', { name: 'Orders' }).waitFor();
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByText('vera').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await field.waitFor();
    await page.reload();
    await field.waitFor();
    await finish(opened);
  });

  test('an order that is paid appears in the feed, in the list and on its page, without a reload', async () => {
    const [feed, list] = [await signedIn('?currency=CNY', app.token), await signedIn('/orders', app.token)];
    const order = await createOrder(app, { currency: 'CNY' });
    const row = list.page.locator(`[data-order="${order.id}"]`);
    await row.getByText('Unpaid').waitFor();
    const detail = await signedIn(`/orders/${order.id}`, app.token);
    await detail.page.getByText('No payment yet').waitFor();
    for (const { page } of [feed, list, detail]) await page.evaluate('window.isSame = true');

    const payment = await payOrder(app, order.id, { method: 'ALIPAY', flow: 'QR_CODE' });
    await control(app.sandboxUrl, `alipay/buyer/${payment.id}`, { action: 'pay' });
    await feed.page.locator('.feed-row', { hasText: order.number }).getByText('Payment succeeded').waitFor();
    await feed.page.locator('.tile', { hasText: 'Captured' }).getByText('CN¥25.00').waitFor();
    await feed.page.locator('.chart canvas').waitFor();
    await row.getByText('Paid', { exact: true }).waitFor();
    await detail.page.locator(`[data-payment="${payment.id}"]`).getByText('Succeeded').waitFor();
    await detail.page.locator('.timeline').getByText('Order confirmed').waitFor();
    for (const { page } of [feed, list, detail]) expect(await page.evaluate('window.isSame')).toBe(true);
    for (const opened of [feed, list, detail]) await finish(opened);
  });

  test.each([
    ['en-GB', 'Insufficient funds, the buyer can try again'],
    ['zh-CN', '余额不足，买家可以重试'],
  ])('in %s, the feed and the timeline tell a declined card from the first request to act', async (locale, text) => {
    const order = await createOrder(app);
    const opened = await signedIn('', app.token, { locale });
    const { page } = opened;
    await confirmCard(app, await payOrder(app, order.id), 'pm_card_chargeDeclinedInsufficientFunds');
    await page.locator('.feed-row', { hasText: order.number }).getByText(text).waitFor();
    await page.goto(at(`/orders/${order.id}`));
    const entries = page.locator('.timeline li', { hasText: text });
    await entries.getByText('Your card has insufficient funds.').waitFor();
    expect(await entries.count()).toBe(1);
    expect(await page.locator('.timeline li').count()).toBe(4);
    await finish(opened);
  });

  test('a refund is confirmed in a dialog, and made once though its answer is lost', async () => {
    const { orderId, payment } = await paidOrder(app);
    const opened = await signedIn(`/orders/${orderId}`, app.token, { expected: [/Failed to load resource/] });
    const { page } = opened;
    const dialog = await openRefund(page, '9.99');
    // The server gets the request, and the page never gets the answer.
    let isLost = false;
    await page.route('**/graphql', async (route) => {
      if (isLost || !route.request().postData()?.includes('mutation RequestRefund')) return route.continue();
      isLost = true;
      await route.fetch();
      await route.abort();
    });
    await dialog.getByRole('button', { name: 'Refund', exact: true }).click();
    await dialog.getByText('The server did not answer').waitFor();
    // Closed and opened again, it is still the same refund.
    await page.keyboard.press('Escape');
    await page.locator(`[data-payment="${payment.id}"]`).getByRole('button', { name: 'Refund', exact: true }).click();
    expect(await dialog.getByLabel('Amount in EUR').inputValue()).toBe('9.99');
    expect(await dialog.getByLabel('Amount in EUR').isEnabled()).toBe(false);
    await dialog.getByRole('button', { name: 'Send again' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.locator('[data-refund]').getByText('Refunded').waitFor();
    expect(await page.locator('[data-refund]').count()).toBe(1);
    expect(await readOrder(app, orderId)).toMatchObject({ refunded: { amountMinor: 999 } });
    await finish(opened);
  });

  test('an amount that is not one is refused in the dialog', async () => {
    const { orderId } = await paidOrder(app);
    const opened = await signedIn(`/orders/${orderId}`, app.token);
    for (const amount of ['0', '12,345', 'ten', '1000000']) {
      const dialog = await openRefund(opened.page, amount);
      await dialog.getByRole('button', { name: 'Refund', exact: true }).click();
      await dialog.getByText('Enter an amount of at most').waitFor();
      await dialog.getByRole('button', { name: 'Back' }).click();
    }
    expect(await readOrder(app, orderId)).toMatchObject({ refunded: { amountMinor: 0 } });
    await finish(opened);
  });

  test('a refund above the limit waits for a second person, who approves it', async () => {
    const { orderId } = await paidOrder(app);
    const ada = await signedIn(`/orders/${orderId}`, await mint('OPERATOR', 'ada'));
    const bob = await signedIn(`/orders/${orderId}`, await mint('OPERATOR', 'bob'));
    const dialog = await openRefund(ada.page, '15.00');
    await dialog.getByRole('button', { name: 'Refund', exact: true }).click();
    await ada.page.getByText('Another person has to approve it').waitFor();
    expect(await ada.page.getByRole('button', { name: 'Approve' }).count()).toBe(0);

    await bob.page.getByRole('button', { name: 'Approve' }).click();
    await bob.page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
    for (const { page } of [bob, ada]) await page.locator('[data-refund]').getByText('Refunded').waitFor();
    expect(await readOrder(app, orderId)).toMatchObject({ refunded: { amountMinor: 1500 } });
    await finish(ada);
    await finish(bob);
  });

  test('a viewer sees everything and is offered nothing', async () => {
    const { orderId } = await paidOrder(app);
    const opened = await signedIn(`/orders/${orderId}`, await mint('VIEWER', 'vera'));
    await opened.page.getByText('Succeeded').first().waitFor();
    await opened.page.getByText('•••• 4242').waitFor();
    for (const name of ['Refund', 'Cancel order', 'Ask provider', 'Cancel payment']) {
      expect(await opened.page.getByRole('button', { name, exact: true }).count()).toBe(0);
    }
    await finish(opened);
  });

  test('a server that takes only trusted documents takes those of the page', async () => {
    const strict = await startTestApp({ config: { masterKeys: testMasterKeys, trustedDocuments: new Map() } });
    const { merchant } = await strict.client.request<{ merchant: { id: string } }>('{ merchant { id } }');
    const token = await (await createMinter(strict, merchant.id))('OPERATOR', 'olga');
    const { orderId } = await paidOrder(strict);
    const opened = await openWebPage(browser);
    const { page } = opened;
    await page.goto(`${strict.app.url}/dashboard/orders/${orderId}#token=${token}`);
    await page.getByText('Live', { exact: true }).waitFor();
    const dialog = await openRefund(page, '1.00');
    await dialog.getByRole('button', { name: 'Refund', exact: true }).click();
    await page.locator('[data-refund]').getByText('Refunded').waitFor();
    for (const name of ['Overview', 'Orders', 'Payments', 'Refunds', 'Webhooks', 'To do']) {
      await page.getByRole('link', { name, exact: true }).first().click();
      await page.getByRole('heading', { name, level: 1 }).waitFor();
    }
    await page.locator('.empty').first().waitFor();
    expect(await page.getByText('This could not be loaded').count()).toBe(0);
    await finish(opened);
    await strict.close();
  });

  test('an order is canceled from its page', async () => {
    const order = await createOrder(app);
    const opened = await signedIn(`/orders/${order.id}`, app.token);
    const { page } = opened;
    await page.getByRole('button', { name: 'Cancel order' }).click();
    await page.getByRole('dialog').getByLabel('Reason (optional)').fill('Out of stock');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel order' }).click();
    await page.locator('.order-head').getByText('Canceled').waitFor();
    expect(await readOrder(app, order.id)).toMatchObject({ status: 'CANCELED' });
    await finish(opened);
  });

  test('filters and pages are in the address, so that a list can be shared', async () => {
    const customerId = 'buyer-of-the-shared-list';
    for (let count = 0; count < 27; count += 1) await createOrder(app, { customerId });
    const opened = await signedIn(`/orders?search=${customerId}`, app.token);
    const { page } = opened;
    const rows = page.locator('[data-order]');
    await page.getByText('27 orders').waitFor();
    expect(await rows.count()).toBe(25);
    const first = await rows.first().getAttribute('data-order');
    await page.getByRole('button', { name: 'Next page' }).click();
    await expect.poll(() => rows.count()).toBe(2);
    expect(page.url()).toContain('after=');
    await page.reload();
    await expect.poll(() => rows.count()).toBe(2);
    await page.goBack();
    await expect.poll(() => rows.first().getAttribute('data-order')).toBe(first);

    await page.getByLabel('Payment', { exact: true }).selectOption('PAID');
    await page.getByText('No order matches').waitFor();
    expect(new URL(page.url()).searchParams.get('paid')).toBe('PAID');
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByText('No order matches').waitFor({ state: 'hidden' });
    expect(page.url()).toBe(at('/orders'));
    await page.getByLabel('Search').fill(String(first));
    await expect.poll(() => rows.count()).toBe(1);
    await finish(opened);
  });

  test('a busy shop leaves the feed bounded, and every event counted', async () => {
    const opened = await signedIn('', app.token);
    const { page } = opened;
    const orders = 150;
    for (let done = 0; done < orders; done += 50) {
      await Promise.all(Array.from({ length: 50 }, () => createOrder(app)));
    }
    await page.getByText(`${orders} new events`).waitFor();
    expect(await page.locator('.feed-row').count()).toBe(100);
    await finish(opened);
  });

  test('the first page loads little script, and nothing from elsewhere', async () => {
    const opened = await openWebPage(browser);
    const { page } = opened;
    const addresses: string[] = [];
    page.on('request', (request) => addresses.push(request.url()));
    await page.goto(`${at('')}#token=${app.token}`);
    await page.getByText('Live', { exact: true }).waitFor();
    const bytes = await page.evaluate<number>(`performance.getEntriesByType('resource')
      .filter(({ name }) => name.endsWith('.js')).reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)`);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(scriptBytesMax);
    expect(addresses.filter((address) => !address.startsWith(app.app.url))).toEqual([]);
    await finish(opened);
  });

  describe.each(['en', 'zh'] as const)('in %s', (language) => {
    test.each(['light', 'dark'] as const)('has no barriers and does not overflow, %s', async (colorScheme) => {
      const { orderId } = await paidOrder(app);
      const open = await createOrder(app);
      const locale = language === 'zh' ? 'zh-CN' : 'en-GB';
      const operator = await mint('OPERATOR', 'olga');
      const opened = await signedIn('', operator, { locale, colorScheme });
      const { page } = opened;
      const faults: Record<string, string[]> = {};
      const look = async (name: string) => {
        const found = await findFaults(opened);
        if (found.length > 0) faults[name] = found;
      };
      await page.locator('.feed-row').first().waitFor();
      await page.locator('.chart canvas').waitFor();
      await look('overview');
      await page.goto(at('/orders'));
      await page.locator('[data-order]').first().waitFor();
      await look('orders');
      await page.goto(at('/orders?search=nothing-like-this'));
      await page.locator('.empty').waitFor();
      await look('no orders');
      await page.goto(at(`/orders/${orderId}`));
      await page.locator('[data-payment]').waitFor();
      await look('order');
      await page.locator('[data-payment] .button').first().click();
      await page.getByRole('dialog').waitFor();
      await look('dialog');
      await page.goto(at(`/orders/${open.id}`));
      await page.locator('.order-head').waitFor();
      await look('open order');
      await page.goto(at('/attention'));
      await page.locator('.empty').first().waitFor();
      await look('to do');
      await page.locator('.account').click();
      await page.locator('.account-popup').waitFor();
      await look('account');
      await page.locator('.account-popup .button').click();
      await page.locator('.sign-in').waitFor();
      await look('sign-in');
      expect(faults).toEqual({});
      await finish(opened);
    });
  });
});

/** Opens the dialog of the first payment that can be refunded, and enters the amount. */
async function openRefund(page: Page, amount: string) {
  await page.locator('[data-payment]').getByRole('button', { name: 'Refund', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Amount in EUR').fill(amount);
  return dialog;
}
