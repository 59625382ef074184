import { invalid } from './errors.ts';

/** A form with nested values: `a[b][0]=x` is a hash in a hash. A list is a hash whose keys are positions. */
export type FormHash = Map<string, FormValue>;
export type FormValue = string | FormHash;

const depthMax = 8;
const fieldsMax = 2000;

/** @throws {StripeRefusal} for contradicting names (`a=1&a[b]=2`) and for names that are nested too deep. */
export function parseForm(text: string): FormHash {
  const form: FormHash = new Map();
  let fields = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    fields += 1;
    if (fields > fieldsMax) throw invalid(`A request may carry at most ${fieldsMax} parameters.`);
    place(form, splitName(name), value, name);
  }
  return form;
}

/** The same text for the same parameters in any order, to compare the requests of an idempotency key. */
export function canonicalForm(value: FormValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  const fields = [...value].sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, inner]) => `${JSON.stringify(name)}:${canonicalForm(inner)}`).join(',')}}`;
}

function splitName(name: string): string[] {
  const open = name.indexOf('[');
  if (open <= 0) return [name];
  const rest = name.slice(open);
  if (!/^(\[[^[\]]*\])+$/.test(rest)) throw invalid(`Invalid parameter name: ${name.slice(0, 100)}`);
  return [name.slice(0, open), ...rest.slice(1, -1).split('][')];
}

function place(form: FormHash, path: readonly string[], value: string, name: string): void {
  if (path.length > depthMax) throw invalid(`The parameter ${name.slice(0, 100)} is nested too deeply.`);
  let hash = form;
  for (const [depth, step] of path.entries()) {
    const key = step === '' ? String(hash.size) : step;
    if (depth === path.length - 1) {
      if (hash.get(key) instanceof Map) throw invalid(`Invalid hash: ${name.slice(0, 100)}`, name.slice(0, 100));
      hash.set(key, value);
      return;
    }
    const inner = hash.get(key) ?? new Map<string, FormValue>();
    if (typeof inner === 'string') throw invalid(`Invalid hash: ${name.slice(0, 100)}`, name.slice(0, 100));
    hash.set(key, inner);
    hash = inner;
  }
}
