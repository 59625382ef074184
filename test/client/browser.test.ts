import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chromiumPath } from '../support/browser.ts';
import { confirmCard, createOrder } from '../support/orders.ts';
import { projectRoot } from '../support/server-process.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { openWebBrowser, openWebPage } from '../support/web-page.ts';

/** What a bundler makes of an application that uses the package. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: `export * from './src/main.ts'`, resolveDir: `${projectRoot}/packages/client`, loader: 'ts' },
    ...{ bundle: true, format: 'iife', globalName: 'paystream', platform: 'browser', target: 'es2022', write: false },
  });
  return outputFiles[0]?.text ?? '';
}

/** A page of a shop, with two frames of its own: they share the storage as two tabs do. */
const shop = '<!doctype html><title>Shop</title><iframe src="/tab"></iframe><iframe src="/tab"></iframe>';
const tab = '<!doctype html><title>Tab</title><script src="/client.js"></script>';

let app: TestApp;
let server: Server;
let browser: Browser;
let page: Page;
const isHere = chromiumPath !== null;
beforeAll(async () => {
  if (!isHere) return;
  app = await startTestApp();
  const script = await bundle();
  server = createServer(({ url }, response) => {
    const isScript = url === '/client.js';
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' });
    response.end(isScript ? script : url === '/tab' ? tab : shop);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  browser = await openWebBrowser();
  ({ page } = await openWebPage(browser));
});
afterAll(async () => {
  await browser?.close();
  server?.close();
  await app?.close();
});

test.runIf(isHere)('in a browser: two tabs and a reload pay once, and both transports hear the end', async () => {
  const { id: orderId, eventCursor } = await createOrder(app);
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = JSON.stringify({ url: `${app.app.url}/graphql`, token: app.token });
  const input = JSON.stringify({ orderId, method: 'CARD', flow: 'EMBEDDED' });
  const payInBoth = `Promise.all([frames[0], frames[1]].map((tab) => tab.paystream.createPaystreamClient(${options}).pay(${input})))`;
  await page.goto(origin);
  type Paid = { readonly kind: string; readonly payment: { readonly id: string }; readonly action: object };
  const together = await page.evaluate<Paid[]>(payInBoth);
  expect(await page.evaluate('localStorage.length')).toBe(1);
  await page.reload();
  const later = await page.evaluate<Paid[]>(payInBoth);
  const all = [...together, ...later];
  expect(all.map(({ kind }) => kind)).toEqual(Array(4).fill('actionRequired'));
  expect(new Set(all.map(({ payment }) => payment.id)).size).toBe(1);

  await confirmCard(app, { nextAction: all[0]?.action } as never);
  for (const transport of ['websocket', 'sse']) {
    const types = await page.evaluate<string[]>(`(async () => {
      const client = frames[0].paystream.createPaystreamClient(${options});
      const types = [];
      for await (const { type } of client.follow(${JSON.stringify({ orderId })}, { after: '${eventCursor}', transport: '${transport}' })) {
        types.push(type);
        if (type === 'ORDER_CONFIRMED') return types;
      }
    })()`);
    expect(types).toEqual(['PAYMENT_STARTED', 'PAYMENT_ACTION_REQUIRED', 'PAYMENT_SUCCEEDED', 'ORDER_CONFIRMED']);
  }
  expect(
    await page.evaluate(`frames[1].paystream.createPaystreamClient(${options}).pay(${input}).then(({ kind }) => kind)`),
  ).toBe('paid');
  expect(await page.evaluate('localStorage.length')).toBe(0);
});
