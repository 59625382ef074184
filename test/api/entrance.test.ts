import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import iconv from 'iconv-lite';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { hasNginx, startNginx } from '../support/nginx.ts';
import { createOrder, orderInput, payOrder } from '../support/orders.ts';
import { exchange, openRaw, type RawRequest, type RawResponse, rawRequest } from '../support/raw-http.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());
// Nothing that a client does leads to a server error.
afterEach(() => expect(app.logged.filter(({ level }) => level === 'error')).toEqual([]));

const json = 'content-type: application/json';
const query = '{"query":"{__typename}"}';
const answered = '{"data":{"__typename":"Query"}}';
const good = (change: RawRequest = {}) => rawRequest({ headers: [json], body: query, ...change });
const health = rawRequest({ method: 'GET', target: '/healthz' });

function expectRefusal(answer: RawResponse | null, status: number, isGraphql: boolean): void {
  expect(answer).toMatchObject({ status, headers: { 'x-request-id': expect.stringMatching(/^[\w.:-]{1,64}$/) } });
  const body: unknown = JSON.parse(answer?.body ?? '');
  const entry = { message: expect.any(String), extensions: { code: 'BAD_USER_INPUT' } };
  expect(body).toEqual(isGraphql ? { errors: [entry] } : { error: expect.any(String) });
  expect(answer?.body).not.toMatch(/node_modules|node:|\.[jt]s:|TypeError|SyntaxError|Unexpected token/);
}

test.each<[string, Buffer]>([
  ['JSON', good()],
  [
    'an upper-case media type with a quoted charset',
    good({ headers: ['Content-Type: APPLICATION/JSON; Charset="UTF-8"'] }),
  ],
  ['a media type with a parameter', good({ headers: ['content-type: application/json;profile=x ; charset=utf8'] })],
  ['an upper-case header name', good({ headers: ['CONTENT-TYPE: application/json'] })],
  ['a byte order mark', good({ body: `\ufeff${query}` })],
  ['content-encoding identity', good({ headers: [json, 'content-encoding: identity'] })],
  ['application/graphql', good({ headers: ['content-type: application/graphql'], body: '{__typename}' })],
  ['a GET', rawRequest({ method: 'GET', target: '/graphql?query=%7B__typename%7D' })],
  ['an absolute target', good({ target: 'http://other.example/graphql' })],
  [
    'an offer of HTTP/2, as Java makes it',
    good({ headers: [json, 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAEAAEAA'] }),
  ],
  ['an offer of another protocol', good({ headers: [json, 'connection: keep-alive, upgrade', 'upgrade: TLS/1.2'] })],
  ['an upgrade header alone', good({ headers: [json, 'upgrade: h2c'] })],
  [
    'headers of a proxy',
    good({
      headers: [
        json,
        'connection: keep-alive, x-hop',
        'x-hop: 1',
        'te: trailers',
        'keep-alive: timeout=5',
        'proxy-connection: keep-alive',
        'via: 1.0 a',
        'x-forwarded-proto: https',
      ],
    }),
  ],
  ['a non-Latin header', good({ headers: [json, 'x-name: Caf\xe9', 'user-agent: \xe5\x92\x96'] })],
  ['accept with weights', good({ headers: [json, 'accept: text/html;q=0.1, application/json;q=0.9'] })],
  [
    'accept as Java writes it',
    good({ headers: [json, 'accept: text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2'] }),
  ],
  ['accept in upper case', good({ headers: [json, 'accept: Application/JSON; Charset=UTF-8'] })],
  ['an empty accept', good({ headers: [json, 'accept:'] })],
  [
    'chunks',
    Buffer.concat([
      good({ headers: [json, 'transfer-encoding: Chunked'], body: undefined }),
      Buffer.from(`18\r\n${query}\r\n0\r\n\r\n`),
    ]),
  ],
])('a request with %s is answered, and another one on the same connection', async (_what, bytes) => {
  const connection = await openRaw(app.app.url);
  connection.send(bytes);
  expect(await connection.answer()).toMatchObject({ status: 200, body: answered });
  connection.send(good());
  expect(await connection.answer()).toMatchObject({ status: 200, body: answered });
  connection.end();
});

test.each<[string, string, string]>([
  [
    'the first one of equal weight',
    'application/graphql-response+json, application/json',
    'application/graphql-response+json',
  ],
  [
    'the one with the higher weight',
    'application/graphql-response+json;q=0.2, application/json;q=0.8',
    'application/json',
  ],
  ['never one with the weight 0', 'application/graphql-response+json;q=0, application/json;q=0.1', 'application/json'],
])('the media type for the Accept header is %s', async (_what, accept, type) => {
  const answer = await exchange(app.app.url, good({ headers: [json, `accept: ${accept}`] }));
  expect(answer?.headers['content-type']).toBe(`${type}; charset=utf-8`);
});

const tooLong = 'x'.repeat(17 * 1024);
const line = 'GET /healthz HTTP/1.1\r\n';
test.each<[string, Buffer | string, number, graphql?: 'graphql']>([
  ['gzip', good({ headers: [json, 'content-encoding: gzip'] }), 415, 'graphql'],
  ['a charset that is not UTF-8', good({ headers: ['content-type: application/json; charset=GBK'] }), 415, 'graphql'],
  ['no content type', good({ headers: [] }), 415, 'graphql'],
  [
    'a form',
    good({ headers: ['content-type: application/x-www-form-urlencoded'], body: 'query=%7B__typename%7D' }),
    415,
    'graphql',
  ],
  ['a form of parts', good({ headers: ['content-type: multipart/form-data; boundary=x'] }), 415, 'graphql'],
  ['plain text', good({ headers: ['content-type: text/plain'] }), 415, 'graphql'],
  ['another content type', good({ headers: ['content-type: text/csv'] }), 415, 'graphql'],
  ['an invalid content type', good({ headers: ['content-type: \xff\xfe'] }), 415, 'graphql'],
  [
    'bytes that are not UTF-8',
    good({ body: Buffer.from('{"query":"# Caf\xe9\\n{__typename}"}', 'latin1') }),
    400,
    'graphql',
  ],
  ['a body that is not JSON', good({ body: 'secret=1' }), 400, 'graphql'],
  ['an empty body', good({ body: '' }), 400, 'graphql'],
  ['an Accept header without a supported type', good({ headers: [json, 'accept: image/png'] }), 406, 'graphql'],
  ['an accept in another charset', good({ headers: [json, 'accept: application/json; charset=gbk'] }), 406, 'graphql'],
  ['an invalid Accept header', good({ headers: [json, 'accept: \xe9;;,=q'] }), 406, 'graphql'],
  ['PUT', good({ method: 'PUT' }), 405, 'graphql'],
  ['DELETE', rawRequest({ method: 'DELETE' }), 405, 'graphql'],
  ['TRACE', rawRequest({ method: 'TRACE' }), 405, 'graphql'],
  ['an unknown path', good({ target: '/admin' }), 404],
  ['a doubled slash', good({ target: '//graphql' }), 404],
  ['an encoded path', good({ target: '/graph%71l' }), 404],
  ['an encoded NUL', good({ target: '/graphql%00' }), 404],
  ['a path with ..', good({ target: '/admin/../graphql' }), 404],
  ['another case', good({ target: '/GraphQL/x' }), 404, 'graphql'],
  ['the target * by GET', rawRequest({ method: 'GET', target: '*' }), 404],
  ['POST to /healthz', good({ target: '/healthz' }), 405],
  ['POST to /readyz', good({ target: '/readyz' }), 405],
  ['POST to /', good({ target: '/' }), 405],
  ['another expectation', good({ headers: [json, 'expect: magic'] }), 417, 'graphql'],
])('a request with %s is refused, and the connection can be used again', async (_what, bytes, status, graphql) => {
  const connection = await openRaw(app.app.url);
  connection.send(bytes);
  expectRefusal(await connection.answer(), status, graphql !== undefined);
  connection.send(good());
  expect(await connection.answer()).toMatchObject({ status: 200, body: answered });
  connection.end();
});

test.each<[string, Buffer | string, number, graphql?: 'graphql']>([
  ['no host', `${line}\r\n`, 400],
  ['two hosts', `${line}host: a\r\nhost: b\r\n\r\n`, 400],
  ['an invalid host', 'POST /graphql HTTP/1.1\r\nhost: a b[\r\ncontent-length: 0\r\n\r\n', 400, 'graphql'],
  ['an invalid port', 'GET /graphql?query={a} HTTP/1.1\r\nhost: a:99999\r\naccept: text/html\r\n\r\n', 400, 'graphql'],
  ['a path in the host', 'GET /graphql?query={a} HTTP/1.1\r\nhost: a/b?c\r\n\r\n', 400, 'graphql'],
  [
    'two lengths',
    'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
    400,
    'graphql',
  ],
  [
    'a length and chunks',
    'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
    400,
    'graphql',
  ],
  ['an invalid length', 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n', 400, 'graphql'],
  [
    'invalid chunks',
    `POST /graphql HTTP/1.1\r\nhost: x\r\n${json}\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`,
    400,
    'graphql',
  ],
  [
    'another transfer coding',
    `POST /graphql HTTP/1.1\r\nhost: x\r\n${json}\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    400,
    'graphql',
  ],
  ['a NUL in a header', `${line}host: x\r\nx-a: a\0b\r\n\r\n`, 400, 'graphql'],
  ['a header without a name', `${line}host: x\r\n: a\r\n\r\n`, 400, 'graphql'],
  ['a bare line feed', `GET /healthz HTTP/1.1\nhost: x\n\n`, 400, 'graphql'],
  ['a target of raw bytes', 'GET /graphql?query=\xe5\x92\x96 HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'graphql'],
  ['headers that are too long', `${line}host: x\r\nx-a: ${tooLong}\r\n\r\n`, 431, 'graphql'],
  ['a target that is too long', `GET /graphql?query=${tooLong} HTTP/1.1\r\n\r\n`, 431, 'graphql'],
  ['a body over 256 KiB', good({ body: 'x'.repeat(600_000) }), 413, 'graphql'],
  ['a webhook body over 256 KiB', good({ target: '/webhooks/stripe', body: 'x'.repeat(600_000) }), 413],
  ['CONNECT', 'CONNECT bank.example:443 HTTP/1.1\r\nhost: bank.example:443\r\n\r\n', 405, 'graphql'],
  ['HTTP/0.9', 'GET /healthz\r\n\r\n', 400],
  ['HTTP/2.0 by its name', 'GET /healthz HTTP/2.0\r\nhost: x\r\n\r\n', 400],
  ['HTTP/2 by its preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'graphql'],
  ['HTTP/1.2', 'GET /healthz HTTP/1.2\r\nhost: x\r\n\r\n', 400, 'graphql'],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'.padEnd(300, '\x07'), 400, 'graphql'],
  ['SSH', 'SSH-2.0-OpenSSH_9.6\r\n', 400, 'graphql'],
  ['a word', 'help\r\n\r\n', 400, 'graphql'],
  ['zeros', '\0'.repeat(64), 400, 'graphql'],
  [
    'a WebSocket on another path',
    rawRequest({
      method: 'GET',
      target: '/socket',
      headers: [
        'connection: upgrade',
        'upgrade: websocket',
        'sec-websocket-version: 13',
        'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
      ],
    }),
    404,
    'graphql',
  ],
  [
    'a WebSocket without a key',
    rawRequest({ method: 'GET', headers: ['connection: upgrade', 'upgrade: WebSocket'] }),
    400,
    'graphql',
  ],
  ['a WebSocket by POST', good({ headers: ['connection: upgrade', 'upgrade: websocket'] }), 400, 'graphql'],
])('%s is refused, and the connection is closed', async (_what, bytes, status, graphql) => {
  const connection = await openRaw(app.app.url);
  connection.send(bytes);
  expectRefusal(await connection.answer(), status, graphql !== undefined);
  await connection.closed;
});

test.each<[string, string, number, string | null, string | null]>([
  ['HEAD', '/healthz', 200, null, 'application/json; charset=utf-8'],
  ['HEAD', '/readyz', 200, null, 'application/json; charset=utf-8'],
  ['HEAD', '/', 302, null, null],
  ['HEAD', '/graphql', 405, 'GET, POST, OPTIONS', 'application/json; charset=utf-8'],
  ['HEAD', '/nothing', 404, null, 'application/json; charset=utf-8'],
  ['OPTIONS', '*', 204, 'GET, HEAD, POST, OPTIONS', null],
  ['OPTIONS', '/graphql', 204, 'GET, POST, OPTIONS', null],
  ['OPTIONS', '/healthz', 204, 'GET, HEAD, OPTIONS', null],
  ['OPTIONS', '/readyz', 204, 'GET, HEAD, OPTIONS', null],
  ['OPTIONS', '/', 204, 'GET, HEAD, OPTIONS', null],
  ['OPTIONS', '/webhooks/stripe', 204, 'POST, OPTIONS', null],
])('%s %s is answered %i without a body, and the connection can be used again', async (method, target, ...expected) => {
  const [status, allow, contentType] = expected;
  const connection = await openRaw(app.app.url);
  connection.send(rawRequest({ method, target }));
  const answer = await connection.answer({ hasBody: false });
  expect(answer).toMatchObject({ status });
  expect(answer?.headers.allow ?? null).toBe(allow);
  expect(answer?.headers['content-type'] ?? null).toBe(contentType);
  connection.send(health);
  expect(await connection.answer()).toMatchObject({ status: 200, body: '{"status":"ok"}' });
  connection.end();
});

describe('a client that asks before it sends its body', () => {
  test('is answered 100 Continue', async () => {
    const connection = await openRaw(app.app.url);
    connection.send(
      `POST /graphql HTTP/1.1\r\nhost: x\r\n${json}\r\nexpect: 100-continue\r\ncontent-length: ${query.length}\r\n\r\n`,
    );
    expect(await connection.answer()).toMatchObject({ status: 100 });
    connection.send(query);
    expect(await connection.answer()).toMatchObject({ status: 200, body: answered });
    connection.end();
  });

  test('is answered at once that the body is too large', async () => {
    const connection = await openRaw(app.app.url);
    connection.send(
      `POST /graphql HTTP/1.1\r\nhost: x\r\n${json}\r\nexpect: 100-continue\r\ncontent-length: 900000\r\n\r\n`,
    );
    expectRefusal(await connection.answer(), 413, true);
    connection.end();
  });
});

test('a body that turns out too large on the way is answered, and not cut off', async () => {
  const connection = await openRaw(app.app.url);
  connection.send(`POST /webhooks/stripe HTTP/1.1\r\nhost: x\r\n${json}\r\ntransfer-encoding: chunked\r\n\r\n`);
  for (let sent = 0; sent < 6; sent += 1) connection.send(`10000\r\n${'x'.repeat(0x10000)}\r\n`);
  expectRefusal(await connection.answer(), 413, false);
  connection.send('0\r\n\r\n');
  await connection.closed;
});

test.each([
  ['unsigned', good({ target: '/webhooks/stripe', body: '{}' }), 400],
  ['of an unknown account', good({ target: '/webhooks/stripe/acct_other', body: '{}' }), 404],
  ['of another type', good({ target: '/webhooks/stripe', headers: ['content-type: text/plain'] }), 415],
  ['too large', good({ target: '/webhooks/stripe', body: 'x'.repeat(300_000) }), 413],
])('a callback that is %s does not keep its connection', async (_what, bytes, status) => {
  const connection = await openRaw(app.app.url);
  connection.send(bytes);
  expectRefusalOfCallback(await connection.answer(), status);
  await connection.closed;
});

test('HEAD on a webhook is answered 405 without a body, and does not keep its connection', async () => {
  const connection = await openRaw(app.app.url);
  connection.send(rawRequest({ method: 'HEAD', target: '/webhooks/stripe' }));
  const headers = { allow: 'POST, OPTIONS', connection: 'close' };
  expect(await connection.answer({ hasBody: false })).toMatchObject({ status: 405, headers });
  await connection.closed;
});

function expectRefusalOfCallback(answer: RawResponse | null, status: number): void {
  expect(answer).toMatchObject({ status, headers: { connection: 'close' }, body: expect.stringContaining('"error"') });
}

test('HTTP/1.0 is answered, and closed unless the client asks otherwise', async () => {
  const connection = await openRaw(app.app.url);
  connection.send(good({ version: '1.0', headers: [json, 'connection: keep-alive'] }));
  expect(await connection.answer()).toMatchObject({ status: 200, body: answered });
  connection.send('GET /healthz HTTP/1.0\r\n\r\n');
  expect(await connection.answer()).toMatchObject({ status: 200 });
  await connection.closed;
});

test('a malformed request after a valid one does not affect the answer of the valid one', async () => {
  const connection = await openRaw(app.app.url);
  connection.send(Buffer.concat([good(), Buffer.from('nonsense\r\n\r\n')]));
  expect(await connection.answer()).toMatchObject({ status: 200, body: answered });
  expectRefusal(await connection.answer(), 400, true);
  await connection.closed;
});

test('a malformed request after valid ones does not affect answers that are in progress', async () => {
  const connection = await openRaw(app.app.url);
  connection.send(Buffer.concat([health, good(), health, Buffer.from('nonsense\r\n\r\n')]));
  for (const body of ['{"status":"ok"}', answered, '{"status":"ok"}']) {
    expect(await connection.answer()).toMatchObject({ status: 200, body });
  }
  expectRefusal(await connection.answer(), 400, true);
  await connection.closed;
});

const createText =
  'mutation($input: CreateOrderInput!) { createOrder(input: $input) { ... on Order { lines { name } } } }';
const named = (name: string) => ({ ...orderInput(), lines: [{ name, quantity: 1, unitAmountMinor: 100 }] });

test('text is returned as it was sent or is refused, but never garbled', async () => {
  const send = (name: string, charset: string, contentType: string) => {
    const text = JSON.stringify({ query: createText, variables: { input: named(name) } });
    const headers = [`content-type: ${contentType}`, `authorization: Bearer ${app.token}`];
    return exchange(app.app.url, good({ headers, body: iconv.encode(text, charset) }));
  };
  const kept = await send('Café 咖啡 ☕', 'utf8', 'application/json; charset=UTF-8');
  expect(JSON.parse(kept?.body ?? '')).toMatchObject({ data: { createOrder: { lines: [{ name: 'Café 咖啡 ☕' }] } } });
  for (const [name, charset, contentType, status] of [
    ['咖啡', 'gbk', 'application/json; charset=GBK', 415],
    ['Café', 'latin1', 'application/json; charset=iso-8859-1', 415],
    ['Café', 'utf16le', 'application/json; charset=utf-16', 415],
    ['Café', 'latin1', 'application/json', 400],
    ['Café', 'latin1', 'application/json; charset=utf-8', 400],
  ] as const) {
    const answer = await send(name, charset, contentType);
    expectRefusal(answer, status, true);
    if (status === 415) expect(answer?.body).toContain(contentType.split('=')[1]?.toLowerCase());
  }
});

test.each(['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain'])(
  'a mutation as %s, which a page sends without a preflight, is not executed',
  async (contentType) => {
    const input = orderInput({ number: `form-${randomUUID()}` });
    const headers = [`content-type: ${contentType}`, `authorization: Bearer ${app.token}`];
    const variables = JSON.stringify({ input });
    for (const body of [
      JSON.stringify({ query: createText, variables: { input } }),
      new URLSearchParams({ query: createText, variables }).toString(),
    ]) {
      expectRefusal(await exchange(app.app.url, good({ headers, body })), 415, true);
    }
    const { rows } = await app.database.pool.query('select 1 from orders where number = $1', [input.number]);
    expect(rows).toEqual([]);
  },
);

test('a mutation whose response would be unreadable is not executed', async () => {
  const input = orderInput({ number: `unread-${randomUUID()}` });
  const body = JSON.stringify({ query: createText, variables: { input } });
  const headers = [json, 'accept: application/xml', `authorization: Bearer ${app.token}`];
  expectRefusal(await exchange(app.app.url, good({ headers, body })), 406, true);
  const { rows } = await app.database.pool.query('select 1 from orders where number = $1', [input.number]);
  expect(rows).toEqual([]);
});

test.each<[string, Buffer]>([
  ['an event stream', good({ headers: [json, 'accept: text/event-stream'] })],
  ['a stream of parts', good({ headers: [json, 'accept: multipart/mixed'] })],
])('%s must not be buffered by proxies', async (_what, bytes) => {
  const connection = await openRaw(app.app.url);
  connection.send(bytes);
  const answer = await connection.answer();
  expect(answer?.headers).toMatchObject({ 'x-accel-buffering': 'no', 'cache-control': 'no-cache, no-transform' });
  expect(answer?.headers['content-encoding']).toBeUndefined();
  connection.end();
});

test.runIf(hasNginx)('through nginx with only proxy_pass, events arrive as they happen', async () => {
  const nginx = await startNginx(app.app.url);
  const order = await createOrder(app);
  const query = `subscription { orderEvents(orderId: "${order.id}", after: "${order.eventCursor}") { type } }`;
  const asking = request({
    ...{ socketPath: nginx.socketPath, method: 'POST', path: '/graphql' },
    headers: {
      ...{ 'content-type': 'application/json', accept: 'text/event-stream' },
      authorization: `Bearer ${app.token}`,
    },
  }).end(JSON.stringify({ query }));
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  await payOrder(app, order.id);
  let heard = '';
  for await (const chunk of response) {
    heard += String(chunk);
    if (heard.includes('PAYMENT_ACTION_REQUIRED')) break;
  }
  expect(heard).toContain('PAYMENT_STARTED');
  await nginx.stop();
});

test('a subscription that accepts only JSON is answered with the media type to request', async () => {
  const body = JSON.stringify({ query: 'subscription { merchantEvents { id } }' });
  const headers = [json, 'accept: application/json', `authorization: Bearer ${app.token}`];
  const answer = await exchange(app.app.url, good({ headers, body }));
  expectRefusal(answer, 406, true);
  expect(answer?.body).toContain('text/event-stream');
});

test('in production, where there is no HTML page, a client that accepts only HTML gets the list of available types', async () => {
  const production = await startTestApp({ database: app.database, config: { isProduction: true } });
  const target = `/graphql?query=${encodeURIComponent('{__typename}')}`;
  const ask = (accept: string) =>
    exchange(production.app.url, rawRequest({ method: 'GET', target, headers: [accept] }));
  const refusal = await ask('accept: text/html');
  expectRefusal(refusal, 406, true);
  expect(refusal?.body).toContain('accept header must allow application/json');
  expect(await ask('accept: text/html, */*;q=0.8')).toMatchObject({ status: 200, body: answered });
  await production.close();
});

describe('a client that sends the hash of a query first', () => {
  const extensions = { persistedQuery: { version: 1, sha256Hash: 'ab'.repeat(32) } };
  const notSupported = {
    errors: [{ message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } }],
  };
  const post = (body: object, accept = 'application/json') =>
    exchange(app.app.url, good({ headers: [json, `accept: ${accept}`], body: JSON.stringify(body) }));

  test.each(['application/json', 'application/graphql-response+json', 'multipart/mixed, application/json'])(
    'is asked for its text by POST, accepting %s',
    async (accept) => {
      const answer = await post({ operationName: 'Q', variables: {}, extensions }, accept);
      expect(answer?.status).toBe(200);
      expect(JSON.parse(answer?.body ?? '')).toEqual(notSupported);
    },
  );

  test('is asked for its text by GET', async () => {
    const target = `/graphql?operationName=Q&variables=%7B%7D&extensions=${encodeURIComponent(JSON.stringify(extensions))}`;
    const answer = await exchange(app.app.url, rawRequest({ method: 'GET', target }));
    expect(answer?.status).toBe(200);
    expect(answer?.headers['cache-control']).toContain('no-cache');
    expect(JSON.parse(answer?.body ?? '')).toEqual(notSupported);
  });

  test('is served when it sends text and hash', async () => {
    const answer = await post({ query: 'query Q { __typename }', operationName: 'Q', variables: {}, extensions });
    expect(answer).toMatchObject({ status: 200, body: answered });
  });
});

test('a WebSocket opens whatever the case of its headers', async () => {
  const socket = new WebSocket(`${app.app.url.replace('http', 'ws')}/graphql?x=1`, 'graphql-transport-ws', {
    headers: { Upgrade: 'WebSocket', Connection: 'keep-alive, Upgrade' },
  });
  await once(socket, 'open');
  socket.close();
  await once(socket, 'close');
});
