import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { newToken } from '../../src/commands/api-key-token.ts';
import { withoutSecrets } from '../../src/logging/secrets.ts';
import { findCanaries, formsOf } from './canaries.ts';

test('no character of an API key is written, whatever the key consists of', () => {
  for (let made = 0; made < 200; made += 1) {
    const token = newToken(made % 2 === 0 ? 'live' : 'test');
    const written = withoutSecrets(`the key ${token}, again`);
    expect(written).toMatch(/^the key sk_(live|test)_\[secret\], again$/);
  }
});

test.each([
  ['a client token', `ct_01jd8m0v6te4r8x3y5z7a9b1c2_${'a-_B'.repeat(11)}`, 'ct_[secret]'],
  ['a development token', `dev_${'x'.repeat(43)}`, 'dev_[secret]'],
  ['a JWT', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl-_x', '[token]'],
])('%s is not written', (_what, token, written) => {
  expect(withoutSecrets(`the token ${token}, again`)).toBe(`the token ${written}, again`);
});

test('a secret is found in each of its forms, wherever in a text it is', () => {
  const secret = `sk_test_${randomBytes(24).toString('hex')}/+ä`;
  const written = [
    secret,
    encodeURIComponent(secret),
    JSON.stringify({ a: secret }),
    Buffer.from(secret).toString('hex'),
  ];
  for (const before of ['', 'a', 'ab']) {
    written.push(Buffer.from(`${before}${secret}and more`).toString('base64'));
    written.push(Buffer.from(`${before}${secret}and more`).toString('base64url'));
  }
  for (const text of written) expect(findCanaries({ secret }, [{ place: 'x', text }])).toEqual(['secret in x']);
  expect(findCanaries({ secret }, [{ place: 'x', text: randomBytes(24).toString('hex') }])).toEqual([]);
  expect(formsOf(secret).length).toBeGreaterThan(5);
});
