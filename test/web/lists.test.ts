import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/browser.ts';
import { createOrder, paidOrder, payOrder, requestRefund } from '../support/orders.ts';
import { type DashboardRig, findFaults, finish, openDashboardRig } from './dashboard-rig.ts';

/** Takes the dialog for files away, as in Firefox and Safari. Chromium without a screen could not show it. */
const withoutDialog = 'delete window.showSaveFilePicker';

describe.runIf(chromiumPath !== null)('the lists of the dashboard', () => {
  let rig: DashboardRig;
  beforeAll(async () => {
    rig = await openDashboardRig();
  });
  afterAll(() => rig.close());

  const open = async (path: string, token: string, script: string, expected: readonly RegExp[] = []) => {
    const opened = await rig.signedIn(path, token, { expected });
    await opened.page.addInitScript(script);
    await opened.page.reload();
    await opened.page.getByText('Live', { exact: true }).waitFor();
    return opened;
  };
  const clickDownload = (page: Page) => page.getByRole('button', { name: 'Download CSV' }).click();
  const downloaded = async (page: Page) => {
    const [download] = await Promise.all([page.waitForEvent('download'), clickDownload(page)]);
    return { name: download.suggestedFilename(), lines: linesOf(await readFile(await download.path(), 'utf8')) };
  };

  test.each(['MERCHANT', 'OPERATOR', 'VIEWER'] as const)(
    'a %s downloads the orders that the filters show',
    async (role) => {
      const { app, mint } = rig;
      const customerId = `customer-${randomUUID()}`;
      const orders = await Promise.all([0, 1, 2].map(() => createOrder(app, { customerId })));
      await createOrder(app);
      const token = role === 'MERCHANT' ? app.token : await mint(role, 'olga');
      const opened = await open(`/orders?search=${customerId}&sort=oldest&status=OPEN,CLOSING`, token, withoutDialog);
      await opened.page.getByText('3 orders').waitFor();
      const { name, lines } = await downloaded(opened.page);
      expect(name).toBe('orders.csv');
      expect(lines[0]).toMatch(/^\uFEFFid,number,status/);
      expect(lines.slice(1).map((line) => line.split(',')[0])).toEqual(orders.map(({ id }) => id).sort());
      await opened.page.getByText('orders.csv is saved.').waitFor();
      await opened.page.getByRole('button', { name: 'Close' }).click();
      await opened.page.getByText('orders.csv is saved.').waitFor({ state: 'hidden' });
      await finish(opened);
    },
  );

  test('where the browser has a dialog for files, the export goes into the chosen file', async () => {
    const { app } = rig;
    const customerId = `customer-${randomUUID()}`;
    const order = await createOrder(app, { customerId });
    // A file that the browser keeps for the page stands for the one that a person chooses: the rest is real.
    const dialog = `window.showSaveFilePicker = async ({ suggestedName }) =>
      (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true });`;
    const opened = await open(`/orders?search=${customerId}`, app.token, dialog);
    await opened.page.getByText('1 order', { exact: true }).waitFor();
    await clickDownload(opened.page);
    await opened.page.getByText('orders.csv is saved.').waitFor();
    const text = await opened.page.evaluate<string>(`navigator.storage.getDirectory()
      .then((folder) => folder.getFileHandle('orders.csv')).then((handle) => handle.getFile()).then((file) => file.text())`);
    expect(linesOf(text)[1]).toContain(order.id);
    await finish(opened);
  });

  test('a person who closes the dialog downloads nothing', async () => {
    const dialog = `window.showSaveFilePicker = async () => {
      window.isAsked = true;
      throw new DOMException('closed', 'AbortError');
    };`;
    const opened = await open('/orders', rig.app.token, dialog);
    let requests = 0;
    opened.page.on('request', (request) => {
      if (request.url().includes('/exports/')) requests += 1;
    });
    await clickDownload(opened.page);
    await expect.poll(() => opened.page.evaluate('window.isAsked')).toBe(true);
    expect(await opened.page.locator('.notice').count()).toBe(0);
    expect(requests).toBe(0);
    await finish(opened);
  });

  describe('behind a line that is cut', () => {
    let cutting: Server;
    let url: string;
    beforeAll(async () => {
      // Sends the beginning of an export, and drops the connection.
      cutting = createServer((_, response) => {
        response.writeHead(200, { 'content-type': 'text/csv' });
        response.write('id,number\r\nord_1,1\r\n', () => response.destroy());
      });
      await new Promise<void>((resolve) => cutting.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(cutting.address() as AddressInfo).port}`;
    });
    afterAll(() => new Promise((resolve) => cutting.close(resolve)));

    test('nothing is saved, and the page says so', async () => {
      const dialog = `window.showSaveFilePicker = async ({ suggestedName }) =>
        (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true });`;
      for (const script of [withoutDialog, dialog]) {
        const opened = await open('/orders', rig.app.token, script, [/ERR_/]);
        const { page } = opened;
        let downloads = 0;
        page.on('download', () => {
          downloads += 1;
        });
        await page.route('**/exports/**', (route) => route.continue({ url }));
        await clickDownload(page);
        await page.getByText('orders.csv was not saved. The download was cut').waitFor();
        expect(downloads).toBe(0);
        const files = await page.evaluate<string[]>(`(async () => {
          const names = [];
          for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name);
          return names;
        })()`);
        expect(files).toEqual([]);
        await finish(opened);
      }
    });
  });

  test('a server that is busy with exports is told from one that is away', async () => {
    const opened = await open('/orders', rig.app.token, withoutDialog, [/status of 503|ERR_/]);
    const { page } = opened;
    await page.route('**/exports/**', (route) => route.fulfill({ status: 503, json: { error: 'Too many exports.' } }));
    await clickDownload(page);
    await page.getByText('orders.csv was not saved. The server is sending other exports').waitFor();
    await page.unroute('**/exports/**');
    await page.route('**/exports/**', (route) => route.abort());
    await clickDownload(page);
    await page.getByText('orders.csv was not saved. The server cannot be reached').waitFor();
    await finish(opened);
  });

  test('an export is canceled, and another can begin', async () => {
    const opened = await open('/orders', rig.app.token, withoutDialog, [/ERR_/]);
    const { page } = opened;
    await page.route('**/exports/**', () => undefined); // never answered
    await clickDownload(page);
    await page.getByText('Downloading orders.csv').waitFor();
    expect(await page.getByRole('button', { name: 'Download CSV' }).isDisabled()).toBe(true);
    // It goes on while another page is shown.
    await page.getByRole('link', { name: 'Refunds' }).click();
    await page.getByRole('heading', { name: 'Refunds' }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Downloading orders.csv').waitFor({ state: 'hidden' });
    await page.unroute('**/exports/**');
    expect((await downloaded(page)).name).toBe('refunds.csv');
    await finish(opened);
  });

  test('payments by status, method and day are in the address, and are downloaded', async () => {
    const { app } = rig;
    const paid = await paidOrder(app);
    const order = await createOrder(app, { currency: 'CNY' });
    const waiting = await payOrder(app, order.id, { method: 'ALIPAY', flow: 'QR_CODE' });
    const opened = await open('/payments', app.token, withoutDialog);
    const { page } = opened;
    const rows = page.locator('[data-payment]');
    await page.locator(`[data-payment="${paid.payment.id}"]`).getByText('Succeeded').waitFor();
    await page.locator(`[data-payment="${waiting.id}"]`).getByText('Waits for buyer').waitFor();
    await page.getByLabel('Method').selectOption('ALIPAY');
    await page.locator(`[data-payment="${paid.payment.id}"]`).waitFor({ state: 'hidden' });
    await page.getByLabel('Status').selectOption('ACTION_REQUIRED');
    await page.getByLabel('From').fill('2001-01-01');
    await page.getByText('1 payment', { exact: true }).waitFor();
    const { searchParams } = new URL(page.url());
    expect(Object.fromEntries(searchParams)).toEqual({
      ...{ method: 'ALIPAY', status: 'ACTION_REQUIRED', from: '2001-01-01' },
    });
    await page.reload();
    await expect.poll(() => rows.count()).toBe(1);
    const { name, lines } = await downloaded(page);
    expect(name).toBe('payments.csv');
    expect(lines.slice(1).map((line) => line.split(',')[0])).toEqual([waiting.id]);

    await page.getByLabel('To').fill('2001-01-02');
    await page.getByText('No payment matches').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByLabel('Search').fill(String(paid.payment.providerPaymentId));
    await page.getByText('1 payment', { exact: true }).waitFor();
    await page.locator(`[data-payment="${paid.payment.id}"]`).getByRole('link').click();
    await page.locator('.order-head').waitFor();
    expect(page.url()).toBe(rig.at(`/orders/${paid.orderId}`));
    await finish(opened);
  });

  test('a payment and a refund appear in their lists without a reload', async () => {
    const { app, mint } = rig;
    const limits = '[{ currency: EUR, amountMinor: 1000 }]';
    await app.client.request(`mutation { setRefundLimits(limits: ${limits}) { __typename } }`);
    const payments = await rig.signedIn('/payments', app.token);
    const refunds = await rig.signedIn('/refunds', app.token);
    for (const { page } of [payments, refunds]) {
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.evaluate('window.isSame = true');
    }
    const { payment } = await paidOrder(app);
    const row = payments.page.locator(`[data-payment="${payment.id}"]`);
    await row.getByText('Succeeded').waitFor();
    await requestRefund(app, { paymentId: payment.id, amountMinor: 500, reason: 'One cup broke' });
    await row.getByText('€5.00').waitFor();
    const refundRow = refunds.page.locator('[data-refund]', { hasText: 'One cup broke' });
    await refundRow.getByText('Refunded').waitFor();
    for (const { page } of [payments, refunds]) expect(await page.evaluate('window.isSame')).toBe(true);
    await finish(payments);

    // Of a person, above the limit: it waits.
    const ada = await rig.signedIn(`/orders/${(await paidOrder(app)).orderId}`, await mint('OPERATOR', 'ada'));
    await ada.page.locator('[data-payment]').getByRole('button', { name: 'Refund', exact: true }).click();
    const dialog = ada.page.getByRole('dialog');
    await dialog.getByLabel('Amount in EUR').fill('15.00');
    await dialog.getByRole('button', { name: 'Refund', exact: true }).click();
    await refunds.page.locator('[data-refund]', { hasText: 'ada' }).getByText('Needs approval').waitFor();
    await finish(ada);
    await refunds.page.getByLabel('Approval').selectOption('NEEDED');
    await refunds.page.getByText('1 refund', { exact: true }).waitFor();
    await refunds.page.getByLabel('Method').selectOption('ALIPAY');
    await refunds.page.getByText('No refund matches').waitFor();
    await finish(refunds);
  });

  test('a page of payments has 25, and the next one the rest', async () => {
    const { app } = rig;
    for (let count = 0; count < 26; count += 1) {
      await payOrder(app, (await createOrder(app, { currency: 'CNY' })).id, { method: 'WECHAT_PAY', flow: 'QR_CODE' });
    }
    const opened = await rig.signedIn('/payments?method=WECHAT_PAY&sort=oldest', app.token);
    const { page } = opened;
    const rows = page.locator('[data-payment]');
    await page.getByText('26 payments').waitFor();
    expect(await rows.count()).toBe(25);
    await page.getByRole('button', { name: 'Next page' }).click();
    await expect.poll(() => rows.count()).toBe(1);
    await page.reload();
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByRole('button', { name: 'Previous page' }).click();
    await expect.poll(() => rows.count()).toBe(25);
    await finish(opened);
  });

  test.each([
    ['en-GB', 'light'],
    ['en-GB', 'dark'],
    ['zh-CN', 'light'],
    ['zh-CN', 'dark'],
  ] as const)('in %s, %s, have no barriers and do not overflow', async (locale, colorScheme) => {
    const { app } = rig;
    const { payment } = await paidOrder(app);
    await requestRefund(app, { paymentId: payment.id, amountMinor: 500, reason: 'One cup broke' });
    const opened = await rig.signedIn('/payments', app.token, { locale, colorScheme });
    const { page } = opened;
    await page.locator('[data-payment]').first().waitFor();
    const faults: Record<string, string[]> = { payments: await findFaults(opened) };
    await page.route('**/exports/**', () => undefined); // never answered
    await page.evaluate(withoutDialog);
    await page.locator('.page-head .button').click();
    await page.locator('.notice').waitFor();
    faults.running = await findFaults(opened);
    await page.goto(rig.at('/refunds'));
    await page.locator('[data-refund]').first().waitFor();
    faults.refunds = await findFaults(opened);
    await page.goto(rig.at('/refunds?from=2001-01-01&to=2001-01-01'));
    await page.locator('.empty').waitFor();
    faults.none = await findFaults(opened);
    expect(Object.values(faults).flat()).toEqual([]);
    await finish(opened);
  });
});

function linesOf(text: string): string[] {
  return text.split('\r\n').filter((line) => line !== '');
}
