import { type Chance, inBody, inText, type Mutation } from './callback-mutation.ts';

/** Fields of a form, by the names and values as they are written. */
const inFields = (change: (fields: string[], chance: Chance, at: number) => readonly string[]): Mutation =>
  inText((text, chance) => {
    const fields = text.split('&');
    return change(fields, chance, chance.below(fields.length)).join('&');
  });
const named = (field: string, name: (name: string) => string, value: (value: string) => string): string => {
  const [before = '', ...after] = field.split('=');
  return `${name(before)}=${value(after.join('='))}`;
};
const same = (text: string): string => text;
const replaced = (fields: string[], at: number, by: (field: string) => string): string[] =>
  fields.map((field, index) => (index === at ? by(field) : field));
/** Each character as it is written, an escape being one. */
const reencoded = (text: string, write: (code: string, asWritten: string) => string): string =>
  text.replaceAll(/%[0-9a-f]{2}|[\w.*-]/gi, (character) => {
    const code = character.startsWith('%') ? character.slice(1) : character.charCodeAt(0).toString(16).padStart(2, '0');
    return write(code, character);
  });

export const formMutations: Readonly<Record<string, Mutation>> = {
  'fields in another order': inFields((fields, chance, at) => {
    const [moved = ''] = fields.splice(at, 1);
    fields.splice(chance.below(fields.length + 1), 0, moved);
    return fields;
  }),
  'fields backwards': inFields((fields) => fields.toReversed()),
  'a field twice': inFields((fields, _chance, at) => [...fields, fields[at] ?? '']),
  'a field twice, with another value first': inFields((fields, _chance, at) => [
    named(fields[at] ?? '', same, () => '1'),
    ...fields,
  ]),
  'a field twice, with another value last': inFields((fields, _chance, at) => [
    ...fields,
    named(fields[at] ?? '', same, () => '1'),
  ]),
  'a field less': inFields((fields, _chance, at) => fields.filter((_field, index) => index !== at)),
  'a field by another name': inFields((fields, chance, at) =>
    replaced(fields, at, (field) =>
      named(
        field,
        (name) => chance.pick([`${name}[]`, `${name}%00`, ` ${name}`, name.toUpperCase(), '__proto__', `${name}.x`]),
        same,
      ),
    ),
  ),
  'a field with another value': inFields((fields, chance, at) =>
    replaced(fields, at, (field) =>
      named(field, same, (value) =>
        chance.pick([
          '',
          '1',
          `${value}0`,
          `+${value}`,
          `${value}+`,
          `%20${value}`,
          value.toLowerCase(),
          `${value}%0A`,
        ]),
      ),
    ),
  ),
  'a field without a value': inFields((fields, _chance, at) =>
    replaced(fields, at, (field) => field.split('=', 1)[0] ?? ''),
  ),
  'the values of two fields exchanged': inFields((fields, chance, at) => {
    const to = chance.below(fields.length);
    const written = (index: number) => (fields[index] ?? '').split('=').slice(1).join('=');
    const [one, two] = [written(at), written(to)];
    return fields.map((field, index) =>
      index === at ? named(field, same, () => two) : index === to ? named(field, same, () => one) : field,
    );
  }),
  'an empty field more': inFields((fields, chance, at) => fields.toSpliced(at, 0, chance.pick(['', '=', 'x=', '&']))),
  'everything percent-encoded': inFields((fields) =>
    fields.map((field) =>
      named(
        field,
        (name) => reencoded(name, (code) => `%${code}`),
        (value) => reencoded(value, (code) => `%${code.toUpperCase()}`),
      ),
    ),
  ),
  'escapes in small letters': inText((text) => text.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())),
  'blanks written otherwise': inText((text) =>
    text.includes('+') ? text.replaceAll('+', '%20') : text.replaceAll('%20', '+'),
  ),
  'one escape undone': inText((text, chance) => {
    const escapes = [...text.matchAll(/%[0-9A-F]{2}/gi)];
    const found = escapes[chance.below(escapes.length)];
    if (found === undefined) return text;
    return (
      text.slice(0, found.index) +
      String.fromCharCode(Number.parseInt(found[0].slice(1), 16)) +
      text.slice(found.index + 3)
    );
  }),
  'escaped twice': inText((text) => text.replaceAll('%', '%25')),
  'fields told apart by semicolons': inText((text) => text.replaceAll('&', ';')),
};

/** Texts of JSON, by members as they are written. */
export const jsonMutations: Readonly<Record<string, Mutation>> = {
  'the same JSON, written tightly': inJson((value) => JSON.stringify(value)),
  'the same JSON, written loosely': inJson((value) => JSON.stringify(value, null, 4)),
  'members in another order': inJson((value) => JSON.stringify(Object.fromEntries(Object.entries(value).toReversed()))),
  'a member less': inJson((value, chance) => {
    const entries = Object.entries(value);
    return JSON.stringify(Object.fromEntries(entries.toSpliced(chance.below(entries.length), 1)));
  }),
  'a member twice': inJson((value, chance) => {
    const names = Object.keys(value);
    const name = names[chance.below(names.length)] ?? '';
    return JSON.stringify(value).replace(/\}$/, `,${JSON.stringify(name)}:${chance.pick(['1', 'null', '"x"', '{}'])}}`);
  }),
  'a member by another name': inText((text, chance) => {
    const names = [...text.matchAll(/"(\w+)"\s*:/g)];
    const found = names[chance.below(names.length)];
    if (found === undefined) return text;
    return `${text.slice(0, found.index)}"${chance.pick(['__proto__', 'constructor', 'ID', 'x'])}":${text.slice(found.index + found[0].length)}`;
  }),
  'a letter as an escape': inText((text, chance) => {
    const at = text.search(/[a-z]"/) - chance.below(2);
    if (at < 0) return text;
    return `${text.slice(0, at)}\\u00${text.charCodeAt(at).toString(16).padStart(2, '0')}${text.slice(at + 1)}`;
  }),
  'blanks between members': inText((text) => text.replaceAll(',"', ', "')),
  'a line feed at the end': inText((text) => `${text}\n`),
  'a list around it': inText((text) => `[${text}]`),
};

function inJson(change: (value: object, chance: Chance) => string): Mutation {
  return inBody((body, chance) => {
    try {
      const value: unknown = JSON.parse(body.toString('utf8'));
      return typeof value === 'object' && value !== null ? Buffer.from(change(value, chance), 'utf8') : body;
    } catch {
      return body; // what was no JSON before stays as it is
    }
  });
}
