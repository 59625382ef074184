import { GraphQLClient } from 'graphql-request';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { CreateOrderInput, PayOrderInput } from '../../generated/graphql/graphql.ts';
import { withFreshKeys } from '../../src/graphql/graphiql-page.ts';
import { chromiumPath } from '../support/browser.ts';
import { createOrder, payOrder } from '../support/orders.ts';
import { control, startTestApp, type TestApp, untilCallbacksCame } from '../support/test-app.ts';
import { openWebBrowser, openWebPage } from '../support/web-page.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

type Tab = 'CreateOrder' | 'FollowOrder' | 'PayOrder' | 'PayByCode' | 'Order' | 'RequestRefund' | 'FollowAll';

/** Loads GraphiQL, and returns the operation of each of its tabs by name. */
async function loadTabs(): Promise<Record<Tab, string>> {
  const page = await (await fetch(`${app.app.url}/graphql`, { headers: { accept: 'text/html' } })).text();
  const [, options = '{}'] = /querySelector\('#root'\),\s*(\{.*\}),\s*\);/.exec(page) ?? [];
  const { defaultTabs } = JSON.parse(options) as { defaultTabs: { query: string }[] };
  return Object.fromEntries(
    defaultTabs.map(({ query }) => [/^(?:query|mutation|subscription) (\w+)/m.exec(query)?.[1], query]),
  );
}

/** Presses play: the operation as it stands, with the ids put in that it leaves out. */
async function play(operation: string, id = ''): Promise<Record<string, unknown>> {
  const client = new GraphQLClient(`${app.app.url}/graphql`, { headers: { authorization: `Bearer ${app.token}` } });
  const data = await client.request<Record<string, Record<string, unknown>>>(operation.replace(/(ord|pay)_…/, id));
  const [answer] = Object.values(data);
  if (answer === undefined || 'code' in answer) throw new Error(`Refused: ${JSON.stringify(data)}`);
  return answer;
}

describe('the walk through the tabs of GraphiQL', () => {
  test.each(['today', 'a day and an hour later, on the same data'])(
    'works %s, and every key may be repeated',
    async () => {
      const tabs = await loadTabs();
      const order = await play(tabs.CreateOrder);
      expect(order).toMatchObject({ status: 'OPEN', paymentStatus: 'UNPAID' });
      expect((await play(tabs.CreateOrder)).id).toBe(order.id);

      const payment = await play(tabs.PayOrder, String(order.id));
      expect(payment.status).toBe('ACTION_REQUIRED');
      expect((await play(tabs.PayOrder, String(order.id))).id).toBe(payment.id);
      const { url } = payment.nextAction as { url: string };
      const paid = await fetch(url, {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams({ action: 'pay' }),
      });
      await untilCallbacksCame(app);
      expect(await play(tabs.Order, String(order.id))).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PAID' });
      expect(paid.headers.get('location')).toBe(`${app.app.url}/return`);

      const refund = await play(tabs.RequestRefund, String(payment.id));
      expect((await play(tabs.RequestRefund, String(payment.id))).id).toBe(refund.id);
      app.clock.advance(25 * 3_600_000);
    },
  );

  test.each([
    ['my-first-order', 'my-first-order-0123abcd'], // stored by an earlier version
    ['my-first-refund-89abcdef', 'my-first-refund-0123abcd'], // stored by an earlier page
    ['my-first-order-2', 'my-first-order-2'], // typed in
    ['my-first-payment-89abcdef-again', 'my-first-payment-89abcdef-again'],
  ])('of a stored tab the key %s becomes %s', (stored, fresh) => {
    expect(withFreshKeys(`idempotencyKey: "${stored}"`, '0123abcd')).toBe(`idempotencyKey: "${fresh}"`);
  });

  test('an order waits in it for a day, not for half an hour', async () => {
    const { CreateOrder, PayByCode } = await loadTabs();
    const order = await play(CreateOrder);
    app.clock.advance(23 * 3_600_000);
    await app.app.rounds.sweep();
    expect(await play(PayByCode, String(order.id))).toMatchObject({ status: 'ACTION_REQUIRED' });
  });
});

describe('the page to which the buyer comes back', () => {
  const read = async (address: string) => {
    const response = await fetch(address);
    return { headers: response.headers, text: (await response.text()).replaceAll(/<style>.*<\/style>|\s+/gs, ' ') };
  };
  const start = async (input: Partial<CreateOrderInput> = {}, pay: Partial<PayOrderInput> = {}) => {
    const order = await createOrder(app, { currency: 'CNY', ...input });
    return { order, payment: await payOrder(app, order.id, { method: 'ALIPAY', flow: 'QR_CODE', ...pay }) };
  };

  test('names the order, says that it is not paid while the payment waits, and says so once the callback came', async () => {
    const { order, payment } = await start();
    const address = `${app.app.url}/return?order=${order.id}`;
    const waiting = await read(address);
    expect(waiting.text).toContain(`Order ${order.number}`);
    expect(waiting.text).toContain('Not paid yet');
    expect(waiting.text).toContain('does not prove a payment');
    expect(waiting.text).toContain('http-equiv="refresh"');
    await control(app.sandboxUrl, `alipay/buyer/${payment.id}`, { action: 'pay' });
    await untilCallbacksCame(app);
    const paid = await read(address);
    expect(paid.text).toMatch(/<h2 role="status">Paid<\/h2>.*CONFIRMED and PAID.*SUCCEEDED.*CALLBACK/);
    expect(paid.text).not.toContain('http-equiv="refresh"');
  });

  test('finds the order by the payment that Alipay names, and without any name shows the newest', async () => {
    const { payment } = await start();
    const { order } = await start();
    const byPayment = await read(`${app.app.url}/return?out_trade_no=${payment.id}&sign=x`);
    expect(byPayment.text).toContain(payment.id);
    expect(byPayment.text).not.toContain(order.number);
    expect((await read(`${app.app.url}/return`)).text).toMatch(new RegExp(`names no order.*${order.number}`));
  });

  test('brings no script, no secret and nothing of the address, and no other site may frame it', async () => {
    const { headers, text } = await read(`${app.app.url}/return?order=<script>alert(1)</script>`);
    expect(text).not.toContain('<script');
    expect(text).not.toContain(app.token);
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(headers.get('content-security-policy')).not.toContain('unsafe-inline');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  test.each([
    ['through a proxy', { publicUrl: 'https://pay.example' }],
    ['on every address', { host: '0.0.0.0' }],
  ])('reached %s, it tells nothing of any order', async (_how, config) => {
    const other = await startTestApp({ config });
    onTestFinished(() => other.close());
    const order = await createOrder(other);
    const port = new URL(other.app.url).port;
    const { text } = await read(`http://127.0.0.1:${port}/return?order=${order.id}`);
    expect(text).toContain('The buyer is back');
    expect(text).not.toContain(order.number);
  });

  test('in production it is not there', async () => {
    const other = await startTestApp({ config: { isProduction: true } });
    onTestFinished(() => other.close());
    expect((await fetch(`${other.app.url}/return`)).status).toBe(404);
  });
});

describe.runIf(chromiumPath !== null)('in a browser with a fresh profile', () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    browser = await openWebBrowser();
  });
  beforeEach(async () => {
    ({ page } = await openWebPage(browser));
  });
  afterEach(() => page.context().close());
  afterAll(() => browser.close());

  // Playwright's own waiting evaluates in the page, whose policy forbids it.
  const until = (expression: string) =>
    expect.poll(() => page.evaluate<boolean>(`Boolean(${expression})`).catch(() => false)).toBe(true);
  const activeTab = '.graphiql-tab-active .graphiql-tab-button';
  const tabIsOpen = (name: string) =>
    until(`document.querySelector('${activeTab}')?.textContent === '${name}'
      && document.querySelector('.graphiql-query-editor')?.textContent.replaceAll('\\u00a0', ' ').includes('${name} {')`);
  const storedTabs = async () => {
    await until(`'graphiql:tabState' in localStorage`); // half a second after the page has loaded
    return page.evaluate<{ title: string; key?: string }[]>(`JSON.parse(localStorage['graphiql:tabState']).tabs
      .map(({ title, query }) => ({ title, key: /my-first-[\\w-]+/.exec(query)?.[0] }))`);
  };

  test('the first click on each tab of GraphiQL opens it', async () => {
    await page.goto(`${app.app.url}/graphql`);
    await tabIsOpen('CreateOrder');
    const names = ['PayOrder', 'FollowOrder', 'RequestRefund', 'PayByCode', 'Order', 'FollowAll', 'CreateOrder'];
    for (const name of names) {
      const index = await page.evaluate<number>(
        `[...document.querySelectorAll('.graphiql-tab-button')].findIndex(({ textContent }) => textContent === '${name}')`,
      );
      await page.click(`.graphiql-tab:nth-child(${index + 1}) .graphiql-tab-button`);
      await tabIsOpen(name);
    }
  });

  test('a page that is loaded again keeps its tabs, with keys that no page had before', async () => {
    await page.goto(`${app.app.url}/graphql`);
    await tabIsOpen('CreateOrder');
    const before = await storedTabs();
    await page.reload();
    await tabIsOpen('CreateOrder');
    await page.goto(`${app.app.url}/graphql`); // a second window, whose address names no operation
    await tabIsOpen('CreateOrder');
    const after = await storedTabs();
    expect(after.map(({ title }) => title)).toEqual(before.map(({ title }) => title));
    const keys = [...before, ...after].flatMap(({ key }) => key ?? []);
    expect(keys).toHaveLength(8);
    expect(new Set(keys).size).toBe(8);
  });

  /** What leaves the page or its box, and what is cut or broken in the middle. */
  const findFaults = `(() => {
    const faults = [];
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth > clientWidth) faults.push('the page is wider than the screen');
    for (const element of document.body.querySelectorAll('*')) {
      const isBox = getComputedStyle(element).display !== 'inline' && element.clientWidth > 0;
      if (isBox && element.scrollWidth > element.clientWidth + 1) faults.push('cut: ' + element.textContent);
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      for (const { 0: price, index } of texts.currentNode.data.matchAll(/(?:[A-Z]{3}|CN¥|€)?\\s?\\d[\\d,]*\\.\\d\\d\\b/g)) {
        const range = document.createRange();
        range.setStart(texts.currentNode, index);
        range.setEnd(texts.currentNode, index + price.length);
        if (new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1) faults.push('broken: ' + price);
      }
    }
    const pen = document.createElement('canvas').getContext('2d');
    for (const select of document.querySelectorAll('select')) {
      pen.font = getComputedStyle(select).font;
      const room = select.clientWidth - 45; // without its padding and its arrow
      for (const { text } of select.options) if (pen.measureText(text).width > room) faults.push('cut: ' + text);
    }
    return faults;
  })()`;

  test('the pages of the cashier and of the return are whole on a phone, a tablet and a laptop', async () => {
    const long =
      'Donaudampfschifffahrtsgesellschaftskapitänsmützenhalterungsschraubenverpackung 手工陶瓷浓缩咖啡杯套装';
    const back = { returnUrl: `${app.app.url}/return` };
    const pay = async (input: Partial<CreateOrderInput>, by: Partial<PayOrderInput>) => {
      const lines = [{ name: long, quantity: 1, unitAmountMinor: 99_999_999 }];
      const order = await createOrder(app, { currency: 'CNY', lines, description: long, ...input });
      return payOrder(app, order.id, { ...back, ...by });
    };
    const idr = { currency: 'IDR' };
    const checkout = await pay(idr, { method: 'CARD', flow: 'REDIRECT' });
    const checkoutUrl = checkout.nextAction?.__typename === 'RedirectAction' ? checkout.nextAction.url : '';
    const card = await pay(idr, { method: 'CARD', flow: 'EMBEDDED' });
    const secret = card.nextAction?.__typename === 'ConfirmCardAction' ? card.nextAction.clientSecret : '';
    const code = await pay({}, { method: 'ALIPAY', flow: 'QR_CODE' });
    const alipayUrl = code.nextAction?.__typename === 'QrCodeAction' ? code.nextAction.content : '';
    const secure = await fetch(
      `${app.sandboxUrl}/cashier/card/${secret.split('_secret_')[0]}?client_secret=${secret}`,
      {
        ...{ method: 'POST', redirect: 'manual' },
        body: new URLSearchParams({ action: 'pay', card: '4000002500003155' }),
      },
    );
    const pages = [
      ...[checkoutUrl, alipayUrl, `${app.sandboxUrl}/cashier`, `${app.app.url}/return`],
      new URL(secure.headers.get('location') ?? '', app.sandboxUrl).href,
      `${app.sandboxUrl}/cashier/card/${secret.split('_secret_')[0]}?client_secret=${secret}`,
    ];
    const faults: Record<string, string[]> = {};
    for (const width of [375, 768, 1200]) {
      await page.setViewportSize({ width, height: 800 });
      for (const url of pages) {
        await page.goto(url);
        const found = await page.evaluate<string[]>(findFaults);
        if (found.length > 0) faults[`${width} ${new URL(url).pathname}`] = found;
      }
    }
    expect(faults).toEqual({});
  });

  test('the page to which the buyer comes back says by itself that the order is paid', async () => {
    const order = await createOrder(app, { currency: 'CNY' });
    const payment = await payOrder(app, order.id, { method: 'ALIPAY', flow: 'QR_CODE' });
    await page.goto(`${app.app.url}/return?order=${order.id}`);
    await page.locator('h2', { hasText: /^Not paid yet/ }).waitFor();
    await control(app.sandboxUrl, `alipay/buyer/${payment.id}`, { action: 'pay' });
    await page.locator('h2', { hasText: /^Paid$/ }).waitFor();
  });
});
