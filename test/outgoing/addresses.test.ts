import { expect, test } from 'vitest';
import { isPublicAddress } from '../../src/outgoing/addresses.ts';
import { destinationProblem } from '../../src/outgoing/destination.ts';

const production = { isProduction: true, allowsLoopback: false };

const refused: readonly (readonly [kind: string, address: string])[] = [
  ['this network', '0.0.0.0'],
  ['this network', '0.1.2.3'],
  ['private', '10.0.0.1'],
  ['private', '10.255.255.255'],
  ['private', '172.16.0.1'],
  ['private', '172.31.255.255'],
  ['private', '192.168.0.1'],
  ['shared (CGNAT)', '100.64.0.1'],
  ['shared (CGNAT)', '100.127.255.255'],
  ['the metadata of Alibaba Cloud', '100.100.100.200'],
  ['loopback', '127.0.0.1'],
  ['loopback', '127.255.255.254'],
  ['link-local', '169.254.0.1'],
  ['the metadata of AWS, Azure and Google Cloud', '169.254.169.254'],
  ['the metadata of AWS containers', '169.254.170.2'],
  ['the metadata of Oracle Cloud', '192.0.0.192'],
  ['the host of Azure', '168.63.129.16'],
  ['documentation', '192.0.2.1'],
  ['6to4 relays', '192.88.99.1'],
  ['benchmarks', '198.18.0.1'],
  ['documentation', '198.51.100.7'],
  ['documentation', '203.0.113.9'],
  ['multicast', '224.0.0.1'],
  ['multicast', '239.255.255.255'],
  ['reserved', '240.0.0.1'],
  ['broadcast', '255.255.255.255'],
  ['unspecified', '::'],
  ['loopback', '::1'],
  ['IPv4-mapped loopback', '::ffff:127.0.0.1'],
  ['IPv4-mapped private', '::ffff:10.0.0.1'],
  ['IPv4-mapped in hexadecimal', '::ffff:a9fe:a9fe'],
  ['IPv4-mapped public', '::ffff:8.8.8.8'],
  ['IPv4-compatible', '::127.0.0.1'],
  ['NAT64', '64:ff9b::a9fe:a9fe'],
  ['local NAT64', '64:ff9b:1::a00:1'],
  ['discard only', '100::1'],
  ['Teredo', '2001:0:a00:1::1'],
  ['ORCHID', '2001:20::1'],
  ['documentation', '2001:db8::1'],
  ['documentation', '3fff::1'],
  ['6to4 of a private address', '2002:a00:1::1'],
  ['segment routing', '5f00::1'],
  ['unique local', 'fc00::1'],
  ['unique local', 'fd12:3456:789a::1'],
  ['the metadata of AWS', 'fd00:ec2::254'],
  ['link-local', 'fe80::1'],
  ['link-local with a zone', 'fe80::1%eth0'],
  ['site-local', 'fec0::1'],
  ['multicast', 'ff02::1'],
  ['no address', 'localhost'],
];

test.each(refused)('%s: nothing is sent to %s', (_kind, address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each([
  ...[
    '8.8.8.8',
    '1.1.1.1',
    '93.184.216.34',
    '100.63.255.255',
    '100.128.0.1',
    '172.15.255.255',
    '172.32.0.1',
    '223.255.255.255',
  ],
  ...['2606:4700:4700::1111', '2a00:1450:4001:81b::200e', '2400:cb00::1'],
])('%s is on the public internet', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each([
  ...['http://shop.example/hooks', 'ftp://shop.example/', 'shop.example', '', 'https://', 'javascript:alert(1)'],
  ...['https://user@shop.example/', 'https://user:secret@shop.example/', 'https://shop.example/#part'],
  ...[
    'https://localhost/',
    'https://localhost./',
    'https://shop.localhost/',
    'https://printer.local/',
    'https://db/',
    'https://db.internal/',
  ],
  // The same addresses, as URLs may write them.
  ...['https://127.1/', 'https://2130706433/', 'https://0x7f000001/', 'https://0177.0.0.1/', 'https://[::1]/'],
  ...[
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1:8443/',
  ],
  ...[
    'https://[fd00:ec2::254]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://①②⑦.0.0.1/',
    `https://shop.example/${'x'.repeat(2048)}`,
  ],
])('%s is no URL of an endpoint in production', (url) => {
  expect(destinationProblem(url, production)).toEqual(expect.any(String));
});

test('this machine is allowed in development alone, and only when it is configured', () => {
  for (const url of ['http://localhost:3000/hooks', 'http://127.0.0.1:3000/', 'http://[::1]:3000/']) {
    expect(destinationProblem(url, { isProduction: false, allowsLoopback: true })).toBeNull();
    expect(destinationProblem(url, { isProduction: false, allowsLoopback: false })).toContain('WEBHOOK_LOOPBACK=on');
    expect(destinationProblem(url, production)).toEqual(expect.any(String));
  }
  for (const url of ['http://10.0.0.1/', 'http://169.254.169.254/', 'http://[::ffff:127.0.0.1]/']) {
    expect(destinationProblem(url, { isProduction: false, allowsLoopback: true }), url).toEqual(expect.any(String));
  }
  expect(destinationProblem('https://shop.example:8443/hooks?token=abc', production)).toBeNull();
  expect(destinationProblem('https://8.8.8.8/hooks', production)).toBeNull();
});
