import { isIPv4, isIPv6 } from 'node:net';
import type { Settings } from './provider.ts';

/** Reads an http or https URL from a variable, unchanged. Null when unset or invalid; an invalid value is reported. */
export function readUrl({ at, violations }: Pick<Settings, 'at' | 'violations'>, name: string): string | null {
  const value = at(name);
  if (value === null) return null;
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return value;
  violations.push(`${name} must be an http or https URL.`);
  return null;
}

/**
 * Reads and parses a variable. Null when unset or invalid; an invalid value is reported.
 *
 * @param parse throws an error whose message continues a sentence that begins with the variable's name.
 */
export function readParsed<T>({ at, violations }: Settings, name: string, parse: (text: string) => T): T | null {
  const text = at(name);
  if (text === null) return null;
  return readPart(violations, name, () => parse(text), hintFor(text, `use ${name}_FILE`));
}

/** The same for one part of a variable's value. `what` begins the sentence. */
export function readPart<T>(violations: string[], what: string, read: () => T, hint = ''): T | null {
  try {
    return read();
  } catch (error) {
    violations.push(`${what} ${error instanceof Error ? error.message : 'cannot be read.'}${hint}`);
    return null;
  }
}

/** A hint for a value that is probably a mistake, as a second sentence. `instead` says what to do. */
export function hintFor(text: string, instead: string): string {
  if (looksLikePath(text)) return ` It looks like a path: ${instead}.`;
  if (/-----BEGIN [A-Z ]+-----[ \t]/.test(text)) {
    return ` Its line breaks were replaced by blanks: write each as \\n, or ${instead}.`;
  }
  return '';
}

/**
 * True for a short single-line text with a directory or the extension of a key file in it. Texts in the form of a
 * secret are excluded.
 */
export function looksLikePath(text: string): boolean {
  if (!/^[\w ./~:\\-]{1,255}$/.test(text) || /^(sk|rk|pk|whsec)_/.test(text)) return false;
  return /^(~|\.{0,2})\/|^[A-Za-z]:\\/.test(text) || /\.(pem|key|crt|cer|txt|json)$/i.test(text);
}

/** True for a host that only this machine can reach. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])\.?$/.test(hostname);
}

/** Private networks, which the internet does not route to. */
const innerIpv4 = /^(0|10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./;
const innerIpv6 = /^(::|::1|::ffff:.*|f[cd].*|fe[89ab].*)$/;

/**
 * True when the host may be reachable from the internet: a name with a dot outside the private suffixes, or an address
 * outside the private networks.
 */
export function isReachable(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (isIPv4(host)) return !innerIpv4.test(host);
  if (isIPv6(host)) return !innerIpv6.test(host);
  return host.includes('.') && !/\.(localhost|local|internal|lan|home\.arpa)$/.test(host);
}

/** Reports the required variables that are missing, in one sentence. Reports nothing when all are set. */
export function reportMissing(
  { isSet, violations }: Settings,
  what: string,
  required: readonly string[],
  all: string,
): void {
  const missing = required.filter((name) => !isSet(name));
  if (missing.length === 0) return;
  violations.push(`${what} configured in part: set ${missing.join(' and ')} too, or unset all of ${all}.`);
}

/** Reports a value that does not match the pattern. */
export function mustMatch({ violations }: Settings, value: string | null, pattern: RegExp, sentence: string): void {
  if (value !== null && !pattern.test(value)) violations.push(sentence);
}
