import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { clientAddressOf, createAddressReader } from '../../src/http/client-address.ts';

const requestOf = (remoteAddress: string, forwarded?: string) =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage;

test.each<[what: string, proxies: number, remote: string, forwarded: string | undefined, address: string]>([
  ['without proxies, that of the connection', 0, '203.0.113.7', undefined, '203.0.113.7'],
  ['without proxies, whatever the client claims', 0, '203.0.113.7', '198.51.100.1', '203.0.113.7'],
  ['behind one proxy, the last that is named', 1, '10.0.0.1', '198.51.100.1', '198.51.100.1'],
  ['behind one proxy, not what the client claims', 1, '10.0.0.1', '192.0.2.9, 198.51.100.1', '198.51.100.1'],
  ['behind two proxies, the second from the end', 2, '10.0.0.1', '192.0.2.9, 198.51.100.1, 10.0.0.2', '198.51.100.1'],
  ['behind a proxy that names none, that of the connection', 1, '10.0.0.1', undefined, '10.0.0.1'],
  ['behind a proxy, without what is not an address', 1, '10.0.0.1', 'unknown, x', '10.0.0.1'],
  ['without the port that a proxy appends', 1, '10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
  ['of IPv4 that IPv6 carries', 0, '::ffff:203.0.113.7', undefined, '203.0.113.7'],
  ['of IPv6, the network', 0, '2001:db8:1:2:3:4:5:6', undefined, '2001:db8:1:2::/64'],
  ['of IPv6, the same network however it is written', 1, '10.0.0.1', '[2001:0DB8:1:2::9]:443', '2001:db8:1:2::/64'],
  ['of IPv6 with zeros', 0, '2001:db8::1', undefined, '2001:db8:0:0::/64'],
  ['of this machine', 0, '::1', undefined, '0:0:0:0::/64'],
])('the address of a client is %s', (_what, proxies, remote, forwarded, address) => {
  expect(clientAddressOf(requestOf(remote, forwarded), proxies)).toBe(address);
});

test.each([
  ['without x-forwarded-for', 0, [undefined, undefined], 0],
  ['with it, once', 0, [undefined, '198.51.100.1', '198.51.100.2'], 1],
  ['with it behind a counted proxy', 1, ['198.51.100.1'], 0],
])('a proxy that is not counted is warned of: %s', (_what, proxies, forwarded, count) => {
  const warnings: string[] = [];
  const log = { info() {}, warn: (_fields: object, message: string) => warnings.push(message), error() {} };
  const addressOf = createAddressReader(proxies, log);
  for (const value of forwarded) addressOf(requestOf('10.0.0.1', value));
  expect(warnings).toHaveLength(count);
});
