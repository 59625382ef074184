import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/browser.ts';
import { createOrder, paidOrder } from '../support/orders.ts';
import { openWebPage } from '../support/web-page.ts';
import { type DashboardRig, findFaults, finish, openDashboardRig } from './dashboard-rig.ts';

describe.runIf(chromiumPath !== null)('the dashboard, from the sign-in to the end of a session', () => {
  let rig: DashboardRig;
  beforeAll(async () => {
    rig = await openDashboardRig();
  });
  afterAll(() => rig.close());

  const focused = 'document.activeElement?.name || document.activeElement?.id || document.activeElement?.tagName';

  test('a token that expires ends the session of a page that asks for nothing, and the keyboard goes on at the sign-in', async () => {
    const opened = await rig.signedIn('/webhooks', await rig.mint('VIEWER', 'vera', 60), {
      expected: [/status of 401/, /WebSocket/],
    });
    const { page } = opened;
    rig.app.clock.advance(61_000);
    await rig.app.app.rounds.endRevoked();
    await page.getByText('You have been signed out').waitFor();
    expect(await page.evaluate(focused)).toBe('token');
    await page.getByLabel('Token').fill(rig.app.token);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Webhooks' }).waitFor();
    expect(await page.evaluate(focused)).toBe('content');
    await finish(opened);
  });

  test('a sign-in link that is opened in a tab with the dashboard signs in, and the token leaves the address', async () => {
    const opened = await openWebPage(rig.browser);
    const { page } = opened;
    await page.goto(rig.at(''));
    await page.getByLabel('Token').waitFor();
    for (const token of [rig.app.token, await rig.mint('VIEWER', 'vera')]) {
      await page.goto(`${rig.at('')}#token=${token}`);
      await page.getByText('Live', { exact: true }).waitFor();
      expect(page.url()).toBe(rig.at(''));
    }
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByText('vera').waitFor();
    await finish(opened);
  });

  test('a browser that blocks the data of sites can be signed in to, and out of', async () => {
    const opened = await openWebPage(rig.browser);
    const { page } = opened;
    await page.addInitScript(`for (const name of ['sessionStorage', 'localStorage']) {
      Object.defineProperty(window, name, { get() { throw new DOMException('Access is denied.', 'SecurityError'); } });
    }`);
    const { orderId } = await paidOrder(rig.app);
    await page.goto(rig.at(`/orders/${orderId}`));
    await page.getByLabel('Token').fill(rig.app.token);
    await page.keyboard.press('Enter');
    await page.locator('[data-payment]').getByRole('button', { name: 'Refund', exact: true }).click();
    await page.getByRole('dialog').getByLabel('Amount in EUR').fill('1.00');
    await page.getByRole('dialog').getByRole('button', { name: 'Refund', exact: true }).click();
    await page.locator('[data-refund]').getByText('Refunded').waitFor();
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    await finish(opened);
  });

  test.each(['/orders/50%', '/orders/%E0%A4%A'])(
    'an address whose percent signs are no text is no page: %s',
    async (path) => {
      const opened = await rig.signedIn(path, rig.app.token);
      await opened.page.getByText('There is no such page').waitFor();
      await opened.page.getByRole('link', { name: 'Orders', exact: true }).click();
      await opened.page.getByRole('heading', { name: 'Orders' }).waitFor();
      await finish(opened);
    },
  );

  test('an error of the page is told, and a reload goes on', async () => {
    const opened = await rig.signedIn('', rig.app.token, { expected: [/./] });
    const { page } = opened;
    await page.route('**/graphql', async (route) => {
      if (!route.request().postData()?.includes('query OrdersPage')) return route.continue();
      await route.fulfill({ contentType: 'application/json', body: '{"data":{"orders":{"nodes":[{}]}}}' });
    });
    await page.getByRole('link', { name: 'Orders', exact: true }).click();
    await page.getByRole('heading', { name: 'This page has stopped because of an error' }).waitFor();
    expect(await findFaults(opened)).toEqual([]);
    await page.unroute('**/graphql');
    await page.getByRole('button', { name: 'Reload the page' }).click();
    await page.getByRole('heading', { name: 'Orders' }).waitFor();
    await finish(opened);
  });

  test('an order with the longest number fits on its page and in every list, and the tab names it', async () => {
    const number = 'N'.repeat(64);
    const { id } = await createOrder(rig.app, { number, customerId: 'c'.repeat(64) });
    const paid = await paidOrder(rig.app, { number: 'M'.repeat(64) });
    const opened = await rig.signedIn(`/orders/${id}`, rig.app.token);
    const { page } = opened;
    await page.getByRole('heading', { name: number }).waitFor();
    expect(await page.title()).toBe(`Order ${number} · Paystream`);
    const faults: Record<string, string[]> = {};
    for (const path of [`/orders/${id}`, '/orders', '/payments', '', `/orders/${paid.orderId}`]) {
      await page.goto(rig.at(path));
      await page.locator('h1').waitFor();
      await page
        .getByText(/N{64}|M{64}/)
        .first()
        .waitFor();
      for (const width of [1280, 1000, 760, 390]) {
        await page.setViewportSize({ width, height: 844 });
        const over = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
        if (over > 0) faults[path] = [...(faults[path] ?? []), `at ${width}: ${over}`];
      }
    }
    expect(faults).toEqual({});
    await finish(opened);
  });
});
