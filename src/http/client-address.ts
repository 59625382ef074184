import type { IncomingMessage } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
import type { Log } from '../domain/log.ts';

/**
 * Reads the addresses of clients. Warns once when a proxy seems to be in front that TRUSTED_PROXIES does not count: then all clients have
 * the address of the proxy, and share its limits.
 */
export function createAddressReader(trustedProxies: number, log: Log): (request: IncomingMessage) => string {
  let hasWarned = trustedProxies > 0;
  return (request) => {
    if (!hasWarned && request.headers['x-forwarded-for'] !== undefined) {
      hasWarned = true;
      log.warn(
        { trustedProxies },
        'a request has x-forwarded-for, but TRUSTED_PROXIES is 0: behind a proxy, set it to the number of proxies, or all clients share one rate limit',
      );
    }
    return clientAddressOf(request, trustedProxies);
  };
}

/**
 * The address of the client. Each trusted proxy appends the address that it was called from to `x-forwarded-for`, so the client's is as many
 * places from the end as there are proxies. What stands before was written by the client, and proves nothing.
 */
export function clientAddressOf({ socket, headers }: IncomingMessage, trustedProxies: number): string {
  const caller = socket.remoteAddress ?? 'unknown';
  if (trustedProxies === 0) return canonical(caller);
  const forwarded = String(headers['x-forwarded-for'] ?? '').split(',');
  const hops = [...forwarded.map(withoutPort).filter((hop) => isIP(hop) !== 0), caller];
  return canonical(hops.at(-1 - trustedProxies) ?? hops[0] ?? caller);
}

/** Some proxies append the port. */
function withoutPort(hop: string): string {
  const text = hop.trim();
  return /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
}

/** IPv4 in its own form. Of IPv6 only the network: one client has 2⁶⁴ addresses. */
function canonical(address: string): string {
  if (!address.includes(':')) return address;
  const plain = address.split('%', 1)[0] ?? address;
  const mapped = /^::ffff:([\d.]+)$/i.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - groups.length - rest.length;
  return `${[...groups, ...Array<string>(zeros).fill('0'), ...rest].slice(0, 4).join(':')}::/64`;
}
