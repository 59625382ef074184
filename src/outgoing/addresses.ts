import { BlockList, isIP } from 'node:net';

// The registries of special-purpose addresses (RFC 6890 and what followed), and what clouds use inside.
const forbiddenV4: readonly (readonly [network: string, prefix: number])[] = [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
  ] as const),
  ...([
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.31.196.0', 24],
    ['192.52.193.0', 24],
  ] as const),
  ...([
    ['192.88.99.0', 24],
    ['192.168.0.0', 16],
    ['192.175.48.0', 24],
    ['198.18.0.0', 15],
  ] as const),
  ...([
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ] as const),
  ['168.63.129.16', 32], // Azure's host, which answers every virtual machine
];
// All that is routed globally is in 2000::/3. Within it, these are not, or lead to an IPv4 address that is not seen here.
const globalV6 = ['2000::', 3] as const;
const forbiddenV6: readonly (readonly [network: string, prefix: number])[] = [
  ...([
    ['2001::', 23],
    ['2001:db8::', 32],
    ['2002::', 16],
    ['2620:4f:8000::', 48],
    ['3fff::', 20],
  ] as const),
];

const forbidden = new BlockList();
for (const [network, prefix] of forbiddenV4) forbidden.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of forbiddenV6) forbidden.addSubnet(network, prefix, 'ipv6');
const global = new BlockList();
global.addSubnet(...globalV6, 'ipv6');
const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * True for an address on the public internet. Private, loopback, link-local (with the clouds' metadata), shared, multicast and documentation
 * addresses are not; neither are IPv6 addresses that stand for an IPv4 address (mapped, NAT64, 6to4, Teredo).
 */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !forbidden.check(address, 'ipv4');
    case 6:
      return !address.includes('%') && global.check(address, 'ipv6') && !forbidden.check(address, 'ipv6');
    default:
      return false;
  }
}

export function isLoopbackAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return false;
  return loopback.check(address, version === 4 ? 'ipv4' : 'ipv6') && !address.toLowerCase().startsWith('::ffff:');
}
