import { isIP } from 'node:net';
import { isLoopbackAddress, isPublicAddress } from './addresses.ts';

/** Where events may be sent. */
export type DestinationRules = {
  readonly isProduction: boolean;
  /** For development: this machine is allowed, with http. */
  readonly allowsLoopback: boolean;
};

export const webhookUrlLengthMax = 2048;
/** Names that are resolved inside a network only. */
const insideNames =
  /(^|\.)(localhost|localdomain|local|internal|intranet|lan|home|corp|home\.arpa|onion|test|invalid)$/;

export function mayReach(address: string, { allowsLoopback }: DestinationRules): boolean {
  return isPublicAddress(address) || (allowsLoopback && isLoopbackAddress(address));
}

/**
 * Why events cannot be sent to a URL, as the end of a sentence that begins with "url"; null when they can. The address of a name is
 * checked with each connection.
 */
export function destinationProblem(text: string, rules: DestinationRules): string | null {
  if (text.length > webhookUrlLengthMax) return `must have at most ${webhookUrlLengthMax} characters.`;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    return 'must be an https URL, such as https://shop.example/webhooks.';
  if (url.username !== '' || url.password !== '') return 'must not contain a user or a password.';
  if (url.hash !== '') return 'must not contain a fragment (#).';
  const host = hostOf(url);
  const isLoopback = host === 'localhost' || isLoopbackAddress(host);
  if (isLoopback && rules.allowsLoopback) return null;
  if (url.protocol !== 'https:' && rules.isProduction) return 'must be https in production.';
  if (isLoopback && !rules.isProduction) {
    return 'is on this machine. For development, start the server with WEBHOOK_LOOPBACK=on.';
  }
  if (isIP(host) !== 0) return isPublicAddress(host) ? null : 'must be reachable on the public internet.';
  return insideNames.test(host) || !host.includes('.') ? 'must be reachable on the public internet.' : null;
}

/** The host without the brackets of an IPv6 address, and without the dot at the end of a full name. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}
