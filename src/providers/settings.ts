import { isIPv4, isIPv6 } from 'node:net';
import type { Settings } from './provider.ts';

/** The http or https URL that a variable holds, as it stands there; null when it is unset, or none. */
export function readUrl({ at, violations }: Pick<Settings, 'at' | 'violations'>, name: string): string | null {
  const value = at(name);
  if (value === null) return null;
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return value;
  violations.push(`${name} must be an http or https URL.`);
  return null;
}

/**
 * What a variable holds; null when it is unset, or does not parse, and what is wrong is told then.
 * @param parse throws half a sentence that goes on from the variable's name.
 */
export function readParsed<T>({ at, violations }: Settings, name: string, parse: (text: string) => T): T | null {
  const text = at(name);
  if (text === null) return null;
  return readPart(violations, name, () => parse(text), hintFor(text, `use ${name}_FILE`));
}

/** The same of a part of what a variable holds. `what` is how the sentence begins. */
export function readPart<T>(violations: string[], what: string, read: () => T, hint = ''): T | null {
  try {
    return read();
  } catch (error) {
    violations.push(`${what} ${error instanceof Error ? error.message : 'cannot be read.'}${hint}`);
    return null;
  }
}

/** What somebody most likely did who has put this where a key belongs, and what to do `instead`: a sentence behind another one. */
export function hintFor(text: string, instead: string): string {
  if (looksLikePath(text)) return ` It looks like a path: ${instead}.`;
  if (/-----BEGIN [A-Z ]+-----[ \t]/.test(text)) {
    return ` Its line breaks became blanks: write each as \\n, or ${instead}.`;
  }
  return '';
}

/** True for what is short, of one line and with folders or the ending of a key in it, and has not the form of a secret. */
export function looksLikePath(text: string): boolean {
  if (!/^[\w ./~:\\-]{1,255}$/.test(text) || /^(sk|rk|pk|whsec)_/.test(text)) return false;
  return /^(~|\.{0,2})\/|^[A-Za-z]:\\/.test(text) || /\.(pem|key|crt|cer|txt|json)$/i.test(text);
}

/** True where nobody but this machine is. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])\.?$/.test(hostname);
}

/** Networks that the internet does not lead to. */
const innerIpv4 = /^(0|10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./;
const innerIpv6 = /^(::|::1|::ffff:.*|f[cd].*|fe[89ab].*)$/;

/** True when the internet may lead to it: a name with a dot that is not kept for inner networks, or an address that is none of theirs. */
export function isReachable(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (isIPv4(host)) return !innerIpv4.test(host);
  if (isIPv6(host)) return !innerIpv6.test(host);
  return host.includes('.') && !/\.(localhost|local|internal|lan|home\.arpa)$/.test(host);
}

/** The names that are missing among those that must be there, in one sentence; none when they all are. */
export function reportMissing(
  { isSet, violations }: Settings,
  what: string,
  required: readonly string[],
  all: string,
): void {
  const missing = required.filter((name) => !isSet(name));
  if (missing.length === 0) return;
  violations.push(`${what} configured in part: ${missing.join(' and ')} must be set too, or nothing of ${all}.`);
}

/** Tells of a value that has not the form that it must have. */
export function mustMatch({ violations }: Settings, value: string | null, pattern: RegExp, sentence: string): void {
  if (value !== null && !pattern.test(value)) violations.push(sentence);
}
