import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/browser.ts';
import { makeHome, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { openWebBrowser, openWebPage } from '../support/web-page.ts';

/** Events before, between and after the deaths of the server. */
const ordersOfEachLife = 5;

describe.runIf(chromiumPath !== null)('while the dashboard is open', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openWebBrowser();
  });
  afterAll(() => browser.close());

  test('the server dies and comes back: the page says so, misses nothing and shows nothing twice', async () => {
    const home = await makeHome();
    let server = await startServerProcess(home);
    // Requests of a page whose server is away are written to the console by the browser.
    const expected = [/net::ERR_|status of 503|WebSocket connection/];
    const { page, complaints } = await openWebPage(browser, { expected });
    const [, address = ''] = /^Dashboard +(\S+)$/m.exec(server.banner.join('\n')) ?? [];
    await page.goto(address);
    const live = page.locator('.connection[data-state="live"]');
    await live.waitFor();

    for (let life = 0; life < 3; life += 1) {
      if (life > 0) {
        await server.kill();
        await page.getByText('No connection to the server since').waitFor();
        server = await startServerProcess(home);
      }
      // At once: the page may not be back yet.
      for (let count = 0; count < ordersOfEachLife; count += 1) await createOrder(server, `life-${life}-${count}`);
      await live.waitFor();
      await page.getByText(`${(life + 1) * ordersOfEachLife} new events`).waitFor();
    }
    const { events } = await server.client.request<{ events: { nodes: { id: string }[] } }>(
      '{ events(first: 100, orderBy: NEWEST_FIRST) { nodes { id } } }',
    );
    const shown = await page
      .locator('.feed-row')
      .evaluateAll((rows) => rows.map((row) => (row as { dataset: { event?: string } }).dataset.event));
    expect(shown).toEqual(events.nodes.map(({ id }) => id));
    expect(complaints).toEqual([]);
    await page.context().close();
    await server.stop();
  });
});

async function createOrder({ client }: ServerProcess, idempotencyKey: string): Promise<void> {
  const line = '{ name: "Cup", quantity: 1, unitAmountMinor: 1250 }';
  const input = `{ idempotencyKey: "${idempotencyKey}", currency: EUR, lines: [${line}] }`;
  await client.request(`mutation { createOrder(input: ${input}) { __typename } }`);
}
