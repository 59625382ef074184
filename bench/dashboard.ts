import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { chromiumPath } from '../test/support/browser.ts';
import { openWebBrowser } from '../test/support/web-page.ts';
import type { Bench, Measure, Turn } from './support/bench.ts';
import { askGraphql, createOrderText, merchantEventsText, orderInputOf } from './support/graphql.ts';
import { type Product, startProduct } from './support/product.ts';
import { percentile } from './support/statistics.ts';

/** What the dashboard makes of a busy shop, in a real browser. */
export const dashboard: Bench = {
  name: 'dashboard',
  summary: 'the dashboard in Chromium: its first load, and a hundred events a second on its overview.',
  limitSummary: 'a page of ten lines that reads the same subscription and adds a paragraph for each event.',
  product: (turn) =>
    measure(turn, async (page, { url, token }) => {
      await page.goto(`${url}/dashboard#token=${token}`);
      await page.getByText('Live', { exact: true }).waitFor();
    }),
  limit: (turn) =>
    measure(turn, async (page, { url, token }) => {
      await page.route(`${url}/bare`, (route) => route.fulfill({ contentType: 'text/html', body: bareHtml(token) }));
      await page.goto(`${url}/bare`);
      await page.getByText('Live', { exact: true }).waitFor();
    }),
};

const eventsPerSecond = 100;

async function measure(turn: Turn, open: (page: Page, product: Product) => Promise<void>): Promise<Measure[]> {
  const names = ['first load', 'an event is on the screen after, p50', 'an event is on the screen after, p99'];
  if (chromiumPath === null) return names.map((name) => ({ name, unit: 'ms', value: null }));
  const product = await startProduct(turn);
  await createAt(product); // nothing is measured that only the first call costs
  const browser = turn.scope.keep(await openWebBrowser());
  const page = await browser.newPage();
  turn.say('first load');
  const startedMs = performance.now();
  await open(page, product);
  const loadMs = performance.now() - startedMs;
  const scriptBytes = await page.evaluate<number>(
    `performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js')).reduce((sum, { transferSize }) => sum + transferSize, 0)`,
  );

  turn.say(`${eventsPerSecond} events a second`);
  await page.evaluate(watch);
  const seconds = turn.isQuick ? 1 : 15;
  const made: Promise<unknown>[] = [];
  for (const beganMs = performance.now(); made.length < seconds * eventsPerSecond; ) {
    await delay(Math.max(0, beganMs + (made.length * 1000) / eventsPerSecond - performance.now()));
    made.push(createAt(product));
  }
  await Promise.all(made);
  const seen = await page.evaluate<{ latencies: number[]; longestFrameMs: number; framesPerSecond: number }>(
    `window.seenUntil(${made.length})`,
  );
  await browser.close();
  await product.close();
  const { latencies, longestFrameMs, framesPerSecond } = seen;
  return [
    { name: 'first load', unit: 'ms', value: loadMs },
    { name: 'scripts of the first load, compressed', unit: 'kB', value: scriptBytes / 1000 },
    { name: 'an event is on the screen after, p50', unit: 'ms', value: percentile(latencies, 0.5) },
    { name: 'an event is on the screen after, p99', unit: 'ms', value: percentile(latencies, 0.99) },
    { name: 'frames', unit: '/s', value: framesPerSecond },
    { name: 'the longest frame', unit: 'ms', value: longestFrameMs },
  ];
}

let lastNumber = 0;

/** Creates an order whose number carries the time. Node and Chromium of one machine read the same clock. */
function createAt({ url, token }: Product): Promise<unknown> {
  lastNumber += 1;
  return askGraphql(url, token, createOrderText, orderInputOf(`d-${Date.now()}-${lastNumber}`));
}

/** Runs in the page: notes when each order number appears, and how long each frame takes. */
const watch = `(() => {
  const latencies = new Map();
  let longestFrameMs = 0;
  let frames = 0;
  const startedMs = performance.now();
  let lastMs = startedMs;
  const onFrame = (nowMs) => {
    longestFrameMs = Math.max(longestFrameMs, nowMs - lastMs);
    lastMs = nowMs;
    frames += 1;
    requestAnimationFrame(onFrame);
  };
  requestAnimationFrame(onFrame);
  const note = (text) => {
    for (const [number, at] of text.matchAll(/d-(\\d+)-\\d+/g)) {
      if (!latencies.has(number)) latencies.set(number, Date.now() - Number(at));
    }
  };
  let isEnough = () => {};
  // Numbers of before count for nothing.
  note(document.body.textContent);
  const known = new Set(latencies.keys());
  new MutationObserver((records) => {
    for (const { type, target, addedNodes } of records) {
      for (const node of type === 'characterData' ? [target] : addedNodes) note(node.textContent);
    }
    isEnough();
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
  window.seenUntil = (count) => new Promise((resolve) => {
    isEnough = () => {
      if (latencies.size - known.size < count) return;
      const framesPerSecond = (frames * 1000) / (performance.now() - startedMs);
      resolve({ latencies: [...latencies].flatMap(([number, ms]) => known.has(number) ? [] : [ms]), longestFrameMs, framesPerSecond });
    };
    isEnough();
  });
})()`;

const bareHtml = (token: string) => `<!doctype html><title>Bare</title><main></main><script type="module">
  const main = document.querySelector('main');
  const add = (text) => main.append(Object.assign(document.createElement('p'), { textContent: text }));
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: ${JSON.stringify(`Bearer ${token}`)} },
    body: JSON.stringify({ query: ${JSON.stringify(merchantEventsText)} }),
  });
  add('Live');
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) add(text);
</script>`;
