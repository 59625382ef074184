import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFailed, test, vi } from 'vitest';
import { forgetCustomer, openCustomer } from '../../web/shop/session.ts';
import { chromiumPath } from '../support/browser.ts';
import { makeHome, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { openWebBrowser } from '../support/web-page.ts';
import {
  accessibilityProblems,
  payByPhone,
  typeCard,
  type Visitor,
  visitWith,
  waitingPayment,
} from './checkout-rig.ts';

const browserHere = chromiumPath !== null;
const fetchHere = fetch;

/** What a newcomer has after `npm start`: a process of its own with its own sandbox. */
describe.skipIf(!browserHere)('the demo shop', () => {
  let home: Awaited<ReturnType<typeof makeHome>>;
  let server: ServerProcess;
  let browser: Awaited<ReturnType<typeof openWebBrowser>>;
  beforeAll(async () => {
    home = await makeHome();
    [server, browser] = await Promise.all([startServerProcess(home), openWebBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    await server.kill();
  });

  /** Puts two things into the basket and goes to the checkout. Returns the id of the order. */
  async function checkOut(page: Page): Promise<string> {
    await page.goto(`${server.url}/shop`);
    await page.getByRole('button', { name: 'Add to basket : Espresso cup' }).click();
    await page.getByRole('button', { name: 'Add to basket : Hand grinder' }).click();
    await page.getByRole('button', { name: 'Check out' }).click();
    await page.getByRole('heading', { name: 'How would you like to pay?' }).waitFor();
    return new URL(page.url()).pathname.split('/')[2] ?? '';
  }

  const pay: Readonly<Record<string, (page: Page, orderId: string) => Promise<void>>> = {
    async Card(page) {
      await typeCard(page, '4242424242424242');
      await page.getByRole('button', { name: 'Pay CN¥336.00' }).press('Enter');
    },
    async Alipay(_page, orderId) {
      await payByPhone(server.sandboxUrl, await waitingPayment(server, orderId));
    },
    async 'WeChat Pay'(page) {
      const [cashier] = await Promise.all([
        page.context().waitForEvent('page'),
        page.getByRole('link', { name: 'No phone at hand?' }).click(),
      ]);
      await cashier.getByRole('button', { name: /^Pay CN¥336/ }).click();
    },
  };

  test.each(Object.keys(pay))('from the basket to paid with %s, and back', async (name) => {
    const visitor = await visitWith(browser);
    const page = await visitor.newPage();
    const answers: string[] = [];
    page.on('response', async (response) => {
      if (!/graphql|session/.test(response.url())) return;
      answers.push(`${response.status()} ${response.url()} ${(await response.text().catch(() => '')).slice(0, 200)}`);
    });
    onTestFailed(async () => {
      console.log(page.url(), await page.locator('body').innerText(), visitor.complaints, visitor.sent.slice(-10));
      console.log(answers.slice(-10), await page.evaluate('JSON.stringify({ ...sessionStorage })'));
    });
    const orderId = await checkOut(page);
    await page.getByRole('heading', { name: 'Pay Corner Coffee' }).waitFor();
    await page.getByRole('button', { name: new RegExp(`^${name}`) }).click();
    await pay[name]?.(page, orderId);
    await page.getByRole('heading', { name: 'Payment received' }).waitFor();
    // By its address: on a busy machine headless Chromium now and then loses a click on what has just appeared.
    const back = await page.getByRole('link', { name: 'Back to Corner Coffee' }).getAttribute('href');
    await page.goto(new URL(back ?? '', page.url()).href);
    await page.getByText('Paid', { exact: true }).waitFor();
    await page.getByText('Your basket is empty.').waitFor();
    const link = await page.getByRole('link', { name: 'See it in the dashboard' }).first().getAttribute('href');
    expect(link).toBe(`/dashboard/orders/${orderId}#token=${server.token}`);
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test('the server is killed and started again while a code is shown: the page says so, recovers, and the payment counts once', async () => {
    const visitor = await visitWith(browser);
    const page = await visitor.newPage();
    const orderId = await checkOut(page);
    await page.getByRole('button', { name: /^Alipay/ }).click();
    await page.getByRole('heading', { name: 'Scan to pay with Alipay' }).waitFor();
    await server.kill();
    await page.getByText('Connection lost. Reconnecting…').waitFor();
    server = await startServerProcess(home);
    await page.getByText('Connection lost. Reconnecting…').waitFor({ state: 'detached' });
    await payByPhone(server.sandboxUrl, await waitingPayment(server, orderId));
    await page.getByRole('heading', { name: 'Payment received' }).waitFor();
    await visitor.context.close();
  });

  test('the basket survives a reload and a change of the language, and one basket is one order', async () => {
    const visitor = await visitWith(browser);
    const page = await visitor.newPage();
    await page.goto(`${server.url}/shop`);
    await page.getByRole('button', { name: 'Add to basket : Paper filters, 100' }).click();
    await page.getByRole('button', { name: 'One more: Paper filters, 100' }).click();
    await page.reload();
    await page.getByText('2 items').waitFor();
    await page.getByLabel('Language').selectOption('zh');
    await page.getByText('2 件商品').waitFor();
    await page.getByRole('button', { name: '去结账' }).dblclick();
    await page.getByRole('heading', { name: '请选择付款方式' }).waitFor();
    await page.getByText('滤纸 100 张').waitFor();
    await page.goto(`${server.url}/shop`);
    await expect.poll(() => page.getByRole('link', { name: '去付款' }).count()).toBe(1);
    await visitor.context.close();
  });

  test('a page that asks twice at once is one customer, and forgets only the one that was refused', async () => {
    const kept = new Map<string, string>();
    const { url } = server;
    vi.stubGlobal('fetch', (path: string, init: RequestInit) => fetchHere(url + path, init));
    vi.stubGlobal('sessionStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    });
    try {
      const [one, other] = await Promise.all([openCustomer(), openCustomer()]);
      expect(other).toEqual(one);
      expect(await openCustomer()).toEqual(one);
      forgetCustomer(one);
      const newer = await openCustomer();
      expect(newer.customerId).not.toBe(one.customerId);
      forgetCustomer(one);
      expect(await openCustomer()).toEqual(newer);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test.each([
    ['en-GB', 'light', 1200],
    ['zh-CN', 'dark', 375],
  ] as const)('axe finds nothing, and nothing is cut off: %s, %s, %i px', async (locale, colorScheme, width) => {
    const visitor: Visitor = await visitWith(browser, { locale, colorScheme, viewport: { width, height: 800 } });
    const page = await visitor.newPage();
    await page.goto(`${server.url}/shop`);
    await page
      .getByRole('button', { name: /Add to basket|加入购物车/ })
      .first()
      .click();
    await page.getByRole('button', { name: /Check out|去结账/ }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test.each([
    ['a page of another origin', { host: '', origin: 'https://evil.test' }, 403],
    ['a foreign name that leads here', { host: 'evil.test', origin: '' }, 403],
  ])('%s gets no customer', async (_who, { host, origin }, status) => {
    const { request } = await import('node:http');
    const { port } = new URL(server.url);
    const headers = { host: host === '' ? `127.0.0.1:${port}` : host, ...(origin !== '' && { origin }) };
    const answered = await new Promise<number | undefined>((resolve, reject) => {
      const call = request({ host: '127.0.0.1', port, path: '/shop/session', method: 'POST', headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      call.on('error', reject).end();
    });
    expect(answered).toBe(status);
  });
});
