import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { Answer } from '../../src/http/answer.ts';

const first = ['x-frame-options', 'DENY', 'content-security-policy', 'none'];

/** The answer of a server whose answers begin with `first`. */
async function answerOf(send: (response: Answer) => void): Promise<Response> {
  const server = createServer({ ServerResponse: Answer }, (_request: IncomingMessage, response: Answer) => {
    response.begin('one', first);
    send(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  server.closeAllConnections();
  server.close();
  return answer;
}

test.each<[string, (response: Answer) => void]>([
  ['a text', (response) => response.sendText(200, 'text/plain', 'text')],
  ['a text after a header', (response) => response.setHeader('x-a', '1').sendText(200, 'text/plain', 'text')],
  ['a head', (response) => void response.writeHead(204).end()],
  ['a head with headers', (response) => void response.writeHead(200, { 'x-a': '1' }).end('text')],
  ['no head', (response) => void response.end('text')],
])('an answer with %s has the first headers', async (_what, send) => {
  const { headers } = await answerOf(send);
  expect(headers.get('x-request-id')).toBe('one');
  expect(headers.get('x-frame-options')).toBe('DENY');
});

test('a text has its type and its length in bytes', async () => {
  const answer = await answerOf((response) => response.sendText(201, 'text/plain; charset=utf-8', '价'));
  expect([answer.status, answer.headers.get('content-type')]).toEqual([201, 'text/plain; charset=utf-8']);
  expect([answer.headers.get('content-length'), await answer.text()]).toEqual(['3', '价']);
});

test('an answer may replace a header, and add one for every way to send it', async () => {
  const { headers } = await answerOf((response) => {
    response.addFirst('vary', 'origin');
    response.setHeader('content-security-policy', 'other');
    response.sendText(200, 'text/plain', 'text');
  });
  expect([headers.get('content-security-policy'), headers.get('vary')]).toEqual(['other', 'origin']);
  const head = await answerOf((response) => void response.writeHead(200, { 'x-frame-options': 'SAMEORIGIN' }).end());
  expect(head.headers.get('x-frame-options')).toBe('SAMEORIGIN');
});

test('a first header can be read, also after the answer was sent', async () => {
  const read: unknown[] = [];
  await answerOf((response) => {
    read.push(response.getHeader('x-request-id'));
    response.end();
    read.push(response.getHeader('x-request-id'));
  });
  expect(read).toEqual(['one', 'one']);
});
