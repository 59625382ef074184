import { readFileSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import type { ReadVariable } from './providers/provider.ts';
import { looksLikePath } from './providers/settings.ts';

/** The environment of the process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Invisible characters are never intended; they are usually copied by accident. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u00a0]/u;

/**
 * Reads `NAME`, or the file that `NAME_FILE` names. Both follow the same rules:
 *
 * - Blanks and line breaks around a value are removed.
 * - Values of blanks only, values in quotes and values with invisible characters are refused.
 * - An empty variable counts as unset.
 *
 * Each variable is read once, and each problem is reported once.
 */
export function variablesOf(environment: Environment, violations: string[]): ReadVariable {
  const values = new Map<string, string | null>();
  const trimmed = (name: string): string | null => {
    const given = environment[name] || null;
    if (given?.trim() === '') violations.push(`${name} contains only blanks: unset it, or set its value.`);
    return given?.trim() || null;
  };
  const read = (name: string): string | null => {
    const value = trimmed(name);
    const file = trimmed(`${name}_FILE`);
    if (value !== null && file !== null) violations.push(`${name} and ${name}_FILE are both set: keep one.`);
    const text = file === null ? value : textOf(`${name}_FILE`, file, violations);
    const refusal = text === null ? null : refusalOf(text);
    if (refusal === null) return text;
    violations.push(`${name} ${refusal}`);
    return null;
  };
  return (name) => {
    const value = values.has(name) ? (values.get(name) ?? null) : read(name);
    values.set(name, value);
    return value;
  };
}

function refusalOf(text: string): string | null {
  if (/^(["']).*\1$/s.test(text)) return 'is in quotes: remove the quotes.';
  const line = hasLines(text) ? text.replaceAll(/[\r\n\t]/g, '') : text;
  const [found] = invisible.exec(line) ?? [];
  if (found === undefined) return null;
  const code = found.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  const what = found === '\n' || found === '\r' ? 'a line break' : `an invisible character, U+${code},`;
  return `has ${what} in it: set it in one line, as it was issued.`;
}

/** True for values that may have several lines: PEM, bare base64 of a key, JSON. */
function hasLines(text: string): boolean {
  return text.includes('-----BEGIN') || text.startsWith('{') || /^[A-Za-z0-9+/=\s]{100,}$/.test(text);
}

function textOf(name: string, file: string, violations: string[]): string | null {
  try {
    const text = readFileSync(file, 'utf8').trim();
    if (text === '') violations.push(`${name} names a file that is empty.`);
    return text || null;
  } catch (error) {
    const why = looksLikePath(file) ? reasonOf(error) : 'its value does not look like a path';
    violations.push(`${name} names a file that cannot be read: ${why}.`);
    return null;
  }
}

/** The reason without the path: it may be a secret that was set here by mistake. Base64 can start with a slash, too. */
function reasonOf(error: unknown): string {
  const { errno } = error as NodeJS.ErrnoException;
  const [code, text] = (errno === undefined ? undefined : getSystemErrorMap().get(errno)) ?? [];
  return code === undefined ? 'its value is not a usable path' : `${text} (${code})`;
}

/** Reads a port in decimal digits. */
export function portOf(at: ReadVariable, name: string, fallback: number, violations: string[]): number {
  const value = at(name);
  if (value === null) return fallback;
  // Number alone also accepts 4e3 and 0x10.
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
  violations.push(`${name} must be a port: a number from 0 to 65535, in digits.`);
  return fallback;
}

const retentionDaysMin = 7;
const retentionDaysMax = 3650;

/**
 * Reads how long something is kept. An order can stay open for seven days, and providers repeat callbacks for days, so less would forget what may
 * still be repeated.
 */
export function daysOf(at: ReadVariable, name: string, fallback: number, violations: string[]): number {
  const value = at(name);
  if (value === null) return fallback;
  const days = /^\d{1,4}$/.test(value) ? Number(value) : 0;
  if (days >= retentionDaysMin && days <= retentionDaysMax) return days;
  violations.push(`${name} must be a number of days from ${retentionDaysMin} to ${retentionDaysMax}, in digits.`);
  return fallback;
}

export function choiceOf<T extends string>(
  at: ReadVariable,
  name: string,
  choices: readonly T[],
  fallback: T,
  violations: string[],
): T {
  const value = at(name);
  if (value === null) return fallback;
  const chosen = choices.find((choice) => choice === value);
  if (chosen === undefined) violations.push(`${name} must be one of ${choices.join(', ')}.`);
  return chosen ?? fallback;
}

/** Reads a whole number in decimal digits. */
export function countOf(
  at: ReadVariable,
  name: string,
  { fallback, min, max }: { readonly fallback: number; readonly min: number; readonly max: number },
  violations: string[],
): number {
  const value = at(name);
  if (value === null) return fallback;
  const count = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (count >= min && count <= max) return count;
  violations.push(`${name} must be a number from ${min} to ${max}, in digits.`);
  return fallback;
}
