import type { Settings } from './provider.ts';

/** The http or https URL that a variable holds, as it stands there; null when it is unset, or none. */
export function urlAt({ at, violations }: Pick<Settings, 'at' | 'violations'>, name: string): string | null {
  const value = at(name);
  if (value === null) return null;
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return value;
  violations.push(`${name} must be an http or https URL.`);
  return null;
}
