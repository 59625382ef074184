import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { brandOf, contrast } from '../../web/checkout/brand.ts';
import { lend, openLink, takeBack } from '../../web/checkout/link.ts';

describe('the colour of the merchant', () => {
  const color = fc
    .tuple(fc.nat(255), fc.nat(255), fc.nat(255))
    .map((channels) => `#${channels.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`);

  test.each(['#ffffff', '#16191f'])('is readable on %s, whatever it is', (ground) => {
    fc.assert(
      fc.property(color, (chosen) => {
        const { fill, onFill, edge, accent } = brandOf(chosen, '#3d4bd8', ground);
        expect(fill).toBe(chosen);
        expect(contrast(fill, onFill)).toBeGreaterThanOrEqual(4.5);
        expect(contrast(accent, ground)).toBeGreaterThanOrEqual(4.5);
        expect(contrast(edge, ground)).toBeGreaterThanOrEqual(3);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test('is kept where it is readable already', () => {
    expect(brandOf('#0f766e', '#3d4bd8', '#ffffff')).toEqual({
      ...{ fill: '#0f766e', onFill: '#ffffff', edge: '#0f766e', accent: '#0f766e' },
    });
  });

  test.each([null, '', 'red', '#fff', 'url(https://a.test)'])('%o is none: the page has one of its own', (given) => {
    expect(brandOf(given, '#3d4bd8', '#ffffff').fill).toBe('#3d4bd8');
  });
});

describe('the link of a checkout', () => {
  const order = '/checkout/ord_1';

  function visit(address: string, storages = { tab: storage(), device: storage() }) {
    const url = new URL(address, 'https://pay.test');
    let shown = url.pathname + url.search + url.hash;
    const history = {
      state: null,
      replaceState: (_state: unknown, _title: string, to: string) => {
        shown = to;
      },
    };
    const link = openLink(url, history, storages);
    return { link, shown, storages };
  }

  test('gives its token once; the address does not show it, and a reload in the same tab finds it', () => {
    const first = visit(`${order}#ct_1`);
    expect(first).toMatchObject({ shown: order, link: { orderId: 'ord_1', token: 'ct_1', returnUrl: null } });
    expect(visit(order, first.storages).link).toEqual(first.link);
    expect(visit(order).link).toBeNull();
    expect(visit('/checkout/ord_2', first.storages).link).toBeNull();
  });

  test.each([
    ['https://shop.test/thanks?a=1&b=2', 'https://shop.test/thanks?a=1&b=2'],
    ['javascript:alert(1)', null],
    ['data:text/html,x', null],
    ['/thanks', null],
    ['', null],
  ])('leads back to %s only if that is a web address', (given, returnUrl) => {
    expect(visit(`${order}#ct_1&return=${encodeURIComponent(given)}`).link).toMatchObject({ returnUrl });
  });

  test('is lent to another tab for a while, and taken back', () => {
    const { link, storages } = visit(`${order}#ct_1`);
    if (link === null) throw new Error('There is no link.');
    const returned = () => visit(`${order}?back`, { tab: storage(), device: storages.device }).link;
    lend(storages.device, link, Date.now() + 60_000);
    expect(returned()).toEqual(link);
    takeBack(storages.device, 'ord_1');
    expect(returned()).toBeNull();
    lend(storages.device, link, Date.now() - 1);
    expect(returned()).toBeNull();
    expect(storages.device.values.size).toBe(0);
  });

  test.each(['{', 'null', '[]', '{"token":1}', '"ct_1"'])('ignores %s in the storage', (text) => {
    const tab = storage();
    tab.setItem('paystream.checkout.ord_1', text);
    expect(visit(order, { tab, device: storage() }).link).toBeNull();
  });
});

function storage() {
  const values = new Map<string, string>();
  return {
    values,
    getItem: (key: string) => values.get(key) ?? null,
    removeItem: (key: string) => void values.delete(key),
    setItem: (key: string, value: string) => void values.set(key, value),
  };
}
