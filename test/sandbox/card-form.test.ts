import { expect, test } from 'vitest';
import { openRig } from './rig.ts';

test('the card form may be framed by the page that asks for it, and by no other', async () => {
  const { url } = await openRig();
  const page = await fetch(`${url}/cashier/card-form?origin=${encodeURIComponent('https://pay.shop.test')}`);
  const policy = page.headers.get('content-security-policy')?.split('; ') ?? [];
  expect(policy).toEqual(
    expect.arrayContaining(["default-src 'none'", "script-src 'self'", 'frame-ancestors https://pay.shop.test']),
  );
  expect(await page.text()).toContain('data-host="https://pay.shop.test"');
});

test.each([
  ...['', 'origin=', 'origin=*', 'origin=null', 'origin=javascript:alert(1)', 'origin=https://a.test/path'],
  ...['origin=https://a.test%20*', "origin=https://a.test;script-src%20'unsafe-inline'"],
])('without the origin of a page there is no form: %s', async (query) => {
  const { url } = await openRig();
  const page = await fetch(`${url}/cashier/card-form?${query}`);
  expect(page.status).toBe(400);
  expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
});

test('the script and the style of the form are served with their types, and nothing else is', async () => {
  const { url } = await openRig();
  const typeOf = async (path: string) => {
    const file = await fetch(`${url}/cashier/card-form/${path}`);
    await file.text();
    return file.ok ? file.headers.get('content-type') : file.status;
  };
  expect(
    await Promise.all([typeOf('form.js'), typeOf('form.css'), typeOf('form.html'), typeOf('..%2fcards.ts')]),
  ).toEqual([...['text/javascript; charset=utf-8', 'text/css; charset=utf-8', 404, 404]]);
});
