import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { testMasterKeys } from '../support/merchants.ts';
import { createMinter } from '../support/principals.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { openWebBrowser, openWebPage, type WebPage } from '../support/web-page.ts';

type PageOptions = Parameters<typeof openWebPage>[1];

/** A server and a browser that opens its dashboard. */
export type DashboardRig = {
  readonly app: TestApp;
  readonly browser: Browser;
  readonly mint: Awaited<ReturnType<typeof createMinter>>;
  /** The address of a place within the dashboard. */
  at(path: string): string;
  /** Opens a place as the bearer of the token, in a profile of its own. Resolves when events arrive. */
  signedIn(path: string, token: string, options?: PageOptions): Promise<WebPage>;
  close(): Promise<void>;
};

export async function openDashboardRig(): Promise<DashboardRig> {
  const app = await startTestApp({ config: { masterKeys: testMasterKeys } });
  const { merchant } = await app.client.request<{ merchant: { id: string } }>('{ merchant { id } }');
  const mint = await createMinter(app, merchant.id);
  const browser = await openWebBrowser();
  const at = (path: string) => `${app.app.url}/dashboard${path}`;
  return {
    app,
    browser,
    mint,
    at,
    async signedIn(path, token, options = {}) {
      const opened = await openWebPage(browser, options);
      const { page } = opened;
      await page.goto(`${at(path)}#token=${token}`);
      await page
        .getByText('Live', { exact: true })
        .or(page.getByText('实时', { exact: true }))
        .waitFor();
      return opened;
    },
    async close() {
      await browser.close();
      await app.close();
    },
  };
}

/** Closes the page, which must not have complained about anything. */
export async function finish({ page, complaints }: WebPage): Promise<void> {
  await page.context().close();
  expect(complaints).toEqual([]);
}

/** The barriers that axe finds on a desktop and on a phone, and whether the page is wider than the window. */
export async function findFaults({ page, findBarriers }: WebPage): Promise<string[]> {
  const faults: string[] = [];
  for (const width of [1200, 375]) {
    await page.setViewportSize({ width, height: 800 });
    faults.push(...(await findBarriers()).map((found) => `at ${width}: ${found}`));
    const over = await widthOver(page);
    if (over > 0) faults.push(`at ${width}: wider than the window by ${over}`);
  }
  await page.setViewportSize({ width: 1200, height: 800 });
  return faults;
}

function widthOver(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
}
