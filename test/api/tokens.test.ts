import { createHmac, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { clientTokenGraceMs } from '../../src/commands/client-token.ts';
import { createSigningKey } from '../../src/commands/create-signing-key.ts';
import { mintToken } from '../../src/commands/mint-token.ts';
import { revokeSigningKey } from '../../src/commands/revoke-signing-key.ts';
import { accountParts, addMerchant, testMasterKeys } from '../support/merchants.ts';
import { confirmCard, createOrder, payOrder, readOrder } from '../support/orders.ts';
import { followOrder } from '../support/subscriber.ts';
import { startTestApp, type TestApp, withToken } from '../support/test-app.ts';

let app: TestApp;
let merchantId: string;
let secret: string;
let keyId: string;

beforeAll(async () => {
  app = await startTestApp({ config: { masterKeys: testMasterKeys } });
  merchantId = (await app.client.request<{ merchant: { id: string } }>('{ merchant { id } }')).merchant.id;
  const made = await createSigningKey(accountParts(app), { merchantId });
  secret = made.secret?.reveal() ?? '';
  keyId = made.key.id;
});
afterAll(() => app.close());

const inSeconds = (seconds: number) => new Date(app.clock.now().getTime() + seconds * 1000);

type Claims = { readonly sub?: string; readonly role?: unknown; readonly aud?: string; readonly exp?: Date | null };

/** A token as a merchant's login service signs it. */
function sign(claims: Claims = {}, key: Uint8Array | CryptoKey = Buffer.from(secret), alg = 'HS256', kid?: string) {
  const { sub = 'ada', role = 'OPERATOR', aud = merchantId, exp = inSeconds(60) } = claims;
  const token = new SignJWT({ role }).setProtectedHeader({ alg, ...(kid !== undefined && { kid }) });
  if (sub !== '') token.setSubject(sub);
  if (aud !== '') token.setAudience(aud);
  if (exp !== null) token.setExpirationTime(exp);
  return token.sign(key);
}

/** OK, or the code of the error. */
async function outcomeOf(token: string, query = '{ orders(first: 1) { pageInfo { hasNextPage } } }'): Promise<string> {
  const response = await fetch(`${app.app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query }),
  });
  const { errors } = (await response.json()) as { errors?: { extensions: { code: string } }[] };
  return errors?.[0]?.extensions.code ?? 'OK';
}

test('a token of the merchant’s login service is accepted, with or without the key’s id, its role in any case', async () => {
  expect(await outcomeOf(await sign())).toBe('OK');
  expect(await outcomeOf(await sign({}, undefined, 'HS256', keyId))).toBe('OK');
  expect(await outcomeOf(await sign({ role: 'viewer' }))).toBe('OK');
});

const unsigned = (header: object, claims: object) =>
  [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');

test.each<[what: string, token: () => Promise<string>]>([
  ['that has expired', () => sign({ exp: inSeconds(-1) })],
  ['without an expiry', () => sign({ exp: null })],
  ['without a subject', () => sign({ sub: '' })],
  ['with a subject that cannot be stored', () => sign({ sub: 'a\u0000b' })],
  ['without an audience', () => sign({ aud: '' })],
  ['for another merchant', () => sign({ aud: 'mch_01jd8m0v6te4r8x3y5z7a9b1c2' })],
  ['for something else', () => sign({ aud: 'https://shop.example' })],
  ['with the role of a server', () => sign({ role: 'MERCHANT' })],
  ['with the role of a client token', () => sign({ role: 'BUYER' })],
  ['without a role', () => sign({ role: null })],
  ['with several roles', () => sign({ role: ['OPERATOR'] })],
  ['of another secret', () => sign({}, Buffer.from('x'.repeat(43)))],
  ['of the secret with another algorithm', () => sign({}, Buffer.from(secret.padEnd(64, '.')), 'HS512')],
  [
    'without a signature',
    async () =>
      `${unsigned({ alg: 'none' }, { sub: 'ada', role: 'OPERATOR', aud: merchantId, exp: 9_999_999_999 })}.AA`,
  ],
  ['with one character changed', async () => (await sign()).replace(/.(?=.{20}$)/, (c) => (c === 'A' ? 'B' : 'A'))],
  ['of enormous length', async () => `${await sign()}${'A'.repeat(9000)}`],
])('a token %s is UNAUTHENTICATED', async (_what, token) => {
  expect(await outcomeOf(await token())).toBe('UNAUTHENTICATED');
});

test('a merchant’s token opens nothing of another merchant', async () => {
  const other = await addMerchant(app, 'Other shop');
  expect(await outcomeOf(await sign({ aud: other.id }))).toBe('UNAUTHENTICATED');
});

test('tokens that the keys at a JWKS URL sign are accepted, and the public key is no secret', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'login-1', alg: 'RS256', use: 'sig' }] };
  let fetches = 0;
  const login = createServer((_request, response) => {
    fetches += 1;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(jwks));
  });
  await new Promise<void>((resolve) => login.listen(0, '127.0.0.1', resolve));
  const { port } = login.address() as AddressInfo;
  try {
    const shop = await addMerchant(app, 'Shop with a login service');
    const jwksUrl = `http://127.0.0.1:${port}/jwks.json`;
    await createSigningKey(accountParts(app), { merchantId: shop.id, jwksUrl });
    const claims = { aud: shop.id };
    const key = privateKey as unknown as CryptoKey;
    expect(await outcomeOf(await sign(claims, key, 'RS256', 'login-1'))).toBe('OK');
    expect(await outcomeOf(await sign(claims, key, 'RS256', 'login-2'))).toBe('UNAUTHENTICATED');
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey as unknown as CryptoKey;
    expect(await outcomeOf(await sign(claims, stranger, 'RS256', 'login-1'))).toBe('UNAUTHENTICATED');
    const spki = await exportSPKI(publicKey as unknown as CryptoKey);
    const body = unsigned(
      { alg: 'HS256', kid: 'login-1' },
      { ...claims, sub: 'a', role: 'OPERATOR', exp: 9_999_999_999 },
    );
    const forged = `${body}.${createHmac('sha256', spki).update(body).digest('base64url')}`;
    expect(await outcomeOf(forged)).toBe('UNAUTHENTICATED');
    expect(fetches).toBe(1);
  } finally {
    login.close();
  }
});

/** A socket with this token; `code` is the one that the server closes it with. */
async function openSocket(token: string) {
  const socket = new WebSocket(`${app.app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const code = once(socket, 'close').then(([closeCode]) => Number(closeCode));
  const acknowledged = once(socket, 'message');
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  await acknowledged;
  return { socket, code };
}

test('a token that expires ends its socket with 4403 and its streams, and nothing is delivered after', async () => {
  const order = await createOrder(app);
  const token = await sign({ exp: inSeconds(30) });
  const { code } = await openSocket(token);
  const stream = followOrder(withToken(app, token), order.id, order.eventCursor);
  await payOrder(app, order.id);
  await stream.until(({ type }) => type === 'PAYMENT_STARTED');
  const heard = stream.heard.length;
  expect(await app.app.rounds.endRevoked()).toBe(0);
  app.clock.advance(31_000);
  expect(await app.app.rounds.endRevoked()).toBe(1);
  expect(await code).toBe(4403);
  await stream.ended.catch(() => {});
  await app.client.request('mutation($id: ID!) { cancelOrder(input: { orderId: $id }) { __typename } }', {
    id: order.id,
  });
  expect(stream.heard.slice(heard).filter(({ type }) => type.startsWith('ORDER_'))).toEqual([]);
  expect(await outcomeOf(token)).toBe('UNAUTHENTICATED');
});

test('a revoked signing key ends the streams of its tokens', async () => {
  const { key } = await createSigningKey(accountParts(app), { merchantId });
  const wanted = { merchantId, role: 'VIEWER', subject: 'vera', expiresInSeconds: 600 } as const;
  const { token } = await mintToken(accountParts(app), wanted);
  const { code } = await openSocket(token);
  await revokeSigningKey(accountParts(app), key.id);
  await app.app.rounds.endRevoked();
  expect(await code).toBe(4403);
  expect(await outcomeOf(token)).toBe('UNAUTHENTICATED');
  expect(await outcomeOf(await sign())).toBe('OK'); // of another key
});

test('a browser reads, pays and follows an order with its client token, until an hour after the order has expired', async () => {
  const order = await createOrder(app);
  const clientTokenQuery = 'query($id: ID!) { order(id: $id) { clientToken events(first: 1) { nodes { cursor } } } }';
  const answer = await app.client.request<{
    order: { clientToken: string; events: { nodes: { cursor: string }[] } };
  }>(clientTokenQuery, { id: order.id });
  const browser = withToken(app, answer.order.clientToken);
  const stream = followOrder(browser, order.id, answer.order.events.nodes[0]?.cursor ?? null);
  await confirmCard(browser, await payOrder(browser, order.id));
  await stream.until(({ type }) => type === 'ORDER_CONFIRMED');
  await stream.stop();
  expect(await readOrder(browser, order.id)).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PAID' });
  const { order: seen } = await browser.client.request<{ order: { events: { nodes: { actor: object }[] } } }>(
    'query($id: ID!) { order(id: $id) { events { nodes { actor { kind id } } } } }',
    { id: order.id },
  );
  expect(seen.events.nodes.map(({ actor }) => actor)).toEqual(
    expect.arrayContaining([
      { kind: 'MERCHANT', id: null }, // who the merchant's people are is not the buyer's business
      { kind: 'BUYER', id: order.id },
    ]),
  );
  const expired = 1800_000 + clientTokenGraceMs;
  app.clock.advance(expired - 60_000);
  const ask = `{ order(id: "${order.id}") { id } }`;
  expect(await outcomeOf(answer.order.clientToken, ask)).toBe('OK');
  app.clock.advance(120_000);
  expect(await outcomeOf(answer.order.clientToken, ask)).toBe('UNAUTHENTICATED');
});

test('a client token with one character changed, or of another order, is refused', async () => {
  const [one, two] = [await createOrder(app), await createOrder(app)];
  const tokenOf = async ({ id }: { id: string }) =>
    (await app.client.request<{ order: { clientToken: string } }>(`{ order(id: "${id}") { clientToken } }`)).order
      .clientToken;
  const [first, second] = [await tokenOf(one), await tokenOf(two)];
  const ask = `{ order(id: "${one.id}") { id } }`;
  expect(await outcomeOf(first, ask)).toBe('OK');
  expect(
    await outcomeOf(
      first.replace(/.(?=.{5}$)/, (c) => (c === 'A' ? 'B' : 'A')),
      ask,
    ),
  ).toBe('UNAUTHENTICATED');
  const [, , code] = second.split('_', 3);
  expect(await outcomeOf(`${first.slice(0, 30)}${code}`, ask)).toBe('UNAUTHENTICATED');
});
