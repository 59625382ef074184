import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  answerBytesMax,
  openWebhookTransport,
  type Resolve,
  type WebhookTransport,
} from '../../src/outgoing/transport.ts';

const development = { isProduction: false, allowsLoopback: true };

let server: Server;
let port: number;
let requests: string[] = [];
const opened: WebhookTransport[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.headers.host} ${request.url}`);
    if (request.url === '/never') return;
    if (request.url === '/stalls') return void response.writeHead(200, { 'content-length': '100' }).write('begun');
    if (request.url === '/moved') {
      response.writeHead(302, { location: `http://127.0.0.1:${port}/elsewhere` }).end();
      return;
    }
    if (request.url === '/huge') {
      response.writeHead(200);
      const pump = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', pump);
      pump();
      return;
    }
    response.writeHead(200, { 'retry-after': '7' }).end('tak\0en');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  for (const transport of opened) await transport.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function open(resolve?: Resolve, answerMs?: number): WebhookTransport {
  const transport = openWebhookTransport(development, { ...(resolve && { resolve }), ...(answerMs && { answerMs }) });
  opened.push(transport);
  requests = [];
  return transport;
}

const post = (transport: WebhookTransport, url: string) =>
  transport.send({ url, headers: { 'content-type': 'application/json' }, body: '{}' });

test('a message is posted, and the answer comes back with the wait that it asks for', async () => {
  const answer = await post(open(), `http://127.0.0.1:${port}/hooks?token=1`);
  expect(answer).toEqual({ status: 200, body: 'tak\ufffden', retryAfterMs: 7000 });
  expect(requests).toEqual([`POST 127.0.0.1:${port} /hooks?token=1`]);
});

test('a name is resolved once for a connection, and the connection goes to the address that was checked', async () => {
  const asked: string[] = [];
  const transport = open(async (hostname) => {
    asked.push(hostname);
    // A second look would lead elsewhere, as when a name is rebound after the check.
    return [{ address: asked.length === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 }];
  });
  expect((await post(transport, `http://shop.example:${port}/hooks`)).status).toBe(200);
  expect(asked).toEqual(['shop.example']);
  expect(requests).toEqual([`POST shop.example:${port} /hooks`]);
});

test.each([
  ['a private address', ['10.0.0.1']],
  ['the metadata of the cloud', ['169.254.169.254']],
  ['a private address beside a public one', ['93.184.216.34', '192.168.0.1']],
  ['an IPv6 address for a private IPv4 one', ['64:ff9b::a00:1']],
  ['no address', []],
])('nothing is sent to a name that leads to %s', async (_what, addresses) => {
  const transport = open(async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
  await expect(post(transport, `http://shop.example:${port}/hooks`)).rejects.toThrow(
    'Nothing was sent: the host name leads to an address that is not on the public internet.',
  );
  expect(requests).toEqual([]);
});

test('an address in the URL itself is checked too, though it is never looked up', async () => {
  const transport = open(async () => {
    throw new Error('Nothing is looked up.');
  });
  for (const host of ['10.0.0.1', '169.254.169.254', '[::ffff:127.0.0.1]', '0x0a000001']) {
    await expect(post(transport, `http://${host}:${port}/`), host).rejects.toThrow('Nothing was sent: the URL must be');
  }
});

test('a redirect is an answer like any other, and is not followed', async () => {
  expect((await post(open(), `http://127.0.0.1:${port}/moved`)).status).toBe(302);
  expect(requests).toEqual([`POST 127.0.0.1:${port} /moved`]);
});

test('of an endless answer only the beginning is read', async () => {
  const { status, body } = await post(open(), `http://127.0.0.1:${port}/huge`);
  expect([status, body.length]).toEqual([200, answerBytesMax]);
});

test.each(['never', 'stalls'])('an endpoint that answers %s is given up', async (path) => {
  await expect(post(open(undefined, 50), `http://127.0.0.1:${port}/${path}`)).rejects.toThrow(
    'There was no answer within',
  );
});

test('an endpoint that is away has a reason in words, without an address', async () => {
  const away = createServer();
  await new Promise<void>((resolve) => away.listen(0, '127.0.0.1', resolve));
  const { port: free } = away.address() as AddressInfo;
  await new Promise((resolve) => away.close(resolve));
  await expect(post(open(), `http://localhost:${free}/`)).rejects.toThrow(/^The connection was refused\.$/);
  const transport = open(async () => {
    throw Object.assign(new Error('getaddrinfo ENOTFOUND shop.example'), { code: 'ENOTFOUND' });
  });
  await expect(post(transport, 'http://shop.example/')).rejects.toThrow(/^The host name could not be resolved\.$/);
});
