/** A callback as it is posted. Header names in lower case. */
export type Sent = { readonly headers: Readonly<Record<string, string>>; readonly body: Buffer };

/** Numbers that follow from a seed. `below(n)` is a whole number from 0 to n - 1. */
export type Chance = { below(limit: number): number; pick<T>(among: readonly [T, ...T[]]): T };

/** @see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c mulberry32 */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number): number => next() % Math.max(1, limit);
  return { below, pick: (among) => among[below(among.length)] ?? among[0] };
}

/** Changes a callback, or makes one of two genuine ones. */
export type Mutation = (sent: Sent, chance: Chance, other: Sent) => Sent;

const inBody = (change: (body: Buffer, chance: Chance, other: Buffer) => Buffer): Mutation => {
  return (sent, chance, other) => ({ ...sent, body: change(sent.body, chance, other.body) });
};
const inText = (change: (text: string, chance: Chance) => string): Mutation =>
  inBody((body, chance) => Buffer.from(change(body.toString('latin1'), chance), 'latin1'));

/** Changes the value of one header; `undefined` removes it. */
const inHeader = (
  change: (value: string, chance: Chance, name: string, other: Sent) => string | undefined,
): Mutation => {
  return (sent, chance, other) => {
    const names = Object.keys(sent.headers);
    const name = names[chance.below(names.length)] ?? '';
    const { [name]: value = '', ...rest } = sent.headers;
    const changed = change(value, chance, name, other);
    return { ...sent, headers: changed === undefined ? rest : { ...rest, [name]: changed } };
  };
};

function flipBit(bytes: Buffer, chance: Chance): Buffer {
  if (bytes.length === 0) return bytes;
  const flipped = Buffer.from(bytes);
  const at = chance.below(bytes.length);
  flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << chance.below(8)), at);
  return flipped;
}

function splice(bytes: Buffer, at: number, removed: number, put: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + removed)]);
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);
const oneMegabyte = Buffer.alloc(1024 * 1024, 0x41);
const snippets: readonly [string, ...string[]] = [
  ...(['\0', ' ', '\t', '\n', '\r\n', '&', '=', '%', '%00', '+', '}', ']', ',', '"', '\\', 'ÿ', '/**/'] as const),
  ...([
    '&__proto__=1',
    '&constructor=1',
    '&x=1',
    '&total_amount=0.01',
    '&sign=',
    '&sign_type=RSA',
    '&app_id=1',
  ] as const),
  ...(['{"__proto__":{"id":"evt_1"}}', '"__proto__":{},', '[[[[', 'null', '\u2028'] as const),
];

/** Everywhere in the bytes of the body, whatever they mean. */
const bodyMutations: Readonly<Record<string, Mutation>> = {
  'a bit of the body': inBody(flipBit),
  'bits of the body': inBody((body, chance) => flipBit(flipBit(flipBit(body, chance), chance), chance)),
  'the body cut off': inBody((body, chance) => body.subarray(0, chance.below(body.length))),
  'the body without its beginning': inBody((body, chance) => body.subarray(1 + chance.below(body.length))),
  'the body without some bytes': inBody((body, chance) =>
    splice(body, chance.below(body.length), 1 + chance.below(9), Buffer.alloc(0)),
  ),
  'bytes behind the body': inBody((body, chance) =>
    Buffer.concat([body, Buffer.from(chance.pick(snippets), 'latin1')]),
  ),
  'bytes before the body': inBody((body, chance) =>
    Buffer.concat([Buffer.from(chance.pick(snippets), 'latin1'), body]),
  ),
  'bytes within the body': inBody((body, chance) =>
    splice(body, chance.below(body.length), 0, Buffer.from(chance.pick(snippets), 'latin1')),
  ),
  'bytes of the body replaced': inBody((body, chance) =>
    splice(body, chance.below(body.length), 1 + chance.below(4), Buffer.from(chance.pick(snippets), 'latin1')),
  ),
  'random bytes behind the body': inBody((body, chance) =>
    Buffer.concat([body, Buffer.from([chance.below(256), chance.below(256)])]),
  ),
  'a part of the body twice': inBody((body, chance) => {
    const at = chance.below(body.length);
    return splice(body, at, 0, body.subarray(at, at + 1 + chance.below(200)));
  }),
  'the body twice': inBody((body) => Buffer.concat([body, body])),
  'no body': inBody(() => Buffer.alloc(0)),
  'a byte order mark': inBody((body) => Buffer.concat([byteOrderMark, body])),
  'UTF-16': inBody((body) => Buffer.from(body.toString('utf8'), 'utf16le')),
  'another genuine body': inBody((_body, _chance, other) => other),
  'half of another genuine body': inBody((body, chance, other) => {
    const at = chance.below(Math.min(body.length, other.length));
    return Buffer.concat([body.subarray(0, at), other.subarray(at)]);
  }),
  'a letter in the other case': inText((text, chance) => {
    const at = chance.below(text.length);
    const letter = text.charAt(at);
    const turned = letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase();
    return text.slice(0, at) + turned + text.slice(at + 1);
  }),
  'a number written otherwise': inText((text, chance) => {
    const numbers = [...text.matchAll(/\d+(\.\d+)?/g)];
    const found = numbers[chance.below(numbers.length)];
    if (found === undefined) return text;
    const [number] = found;
    const otherwise = chance.pick([
      `0${number}`,
      `${number}.0`,
      `${number}0`,
      `+${number}`,
      `-${number}`,
      `${number}e0`,
      `"${number}"`,
      `0x${number}`,
    ]);
    return text.slice(0, found.index) + otherwise + text.slice(found.index + number.length);
  }),
};

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

const formMutations: Readonly<Record<string, Mutation>> = {
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
    const with_ = chance.below(fields.length);
    const valueOf = (index: number) => (fields[index] ?? '').split('=').slice(1).join('=');
    const [one, two] = [valueOf(at), valueOf(with_)];
    return fields.map((field, index) =>
      index === at ? named(field, same, () => two) : index === with_ ? named(field, same, () => one) : field,
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
  'escapes in small letters': inText((text) => text.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())),
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
const jsonMutations: Readonly<Record<string, Mutation>> = {
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

const inParts = (change: (parts: string[], chance: Chance, at: number) => readonly string[]): Mutation =>
  inHeader((value, chance) => {
    const parts = value.split(',');
    return change(parts, chance, chance.below(parts.length)).join(',');
  });

const headerMutations: Readonly<Record<string, Mutation>> = {
  'a bit of a header': inHeader((value, chance) => flipBit(Buffer.from(value, 'latin1'), chance).toString('latin1')),
  'a header less': inHeader(() => undefined),
  'an empty header': inHeader(() => ''),
  'a header cut off': inHeader((value, chance) => value.slice(0, chance.below(value.length))),
  'something behind a header': inHeader((value, chance) => value + chance.pick(snippets)),
  'something before a header': inHeader((value, chance) => chance.pick(snippets) + value),
  'a header in capitals': inHeader((value) => value.toUpperCase()),
  'a header in small letters': inHeader((value) => value.toLowerCase()),
  'a header twice': inHeader((value) => `${value},${value}`),
  'a header of another genuine callback': inHeader((_value, _chance, name, other) => other.headers[name]),
  'a header of another genuine callback besides': inHeader(
    (value, _chance, name, other) => `${other.headers[name]},${value}`,
  ),
  'all headers of another genuine callback': (sent, _chance, other) => ({ ...sent, headers: other.headers }),
  'a number in a header, a little off': inHeader((value, chance) =>
    value.replace(/\d+/, (number) => String(Number(number) + chance.below(2000) - 1000)),
  ),
  'base64 for addresses': inHeader((value) => value.replaceAll('+', '-').replaceAll('/', '_')),
  'base64 without its end': inHeader((value) => value.replace(/=+$/, '')),
  'a header of a prototype': (sent, chance) => ({
    ...sent,
    headers: {
      ...sent.headers,
      ['wechatpay-serial' in sent.headers ? 'wechatpay-serial' : 'stripe-signature']: chance.pick([
        '__proto__',
        'constructor',
        'toString',
      ]),
    },
  }),
  'parts of a header in another order': inParts((parts) => parts.toReversed()),
  'a part of a header less': inParts((parts, _chance, at) => parts.toSpliced(at, 1)),
  'a part of a header twice': inParts((parts, _chance, at) => [...parts, parts[at] ?? '']),
  'a part of a header by another name': inHeader((value, chance) =>
    value.replace(/v[01]=|t=/, chance.pick(['v0=', 'v1=', 'v2=', 't=', 'V1='])),
  ),
  'blanks in a header': inHeader((value) => value.replaceAll(',', ' , ')),
  'another media type': (sent, chance) => ({
    ...sent,
    headers: {
      ...sent.headers,
      'content-type': chance.pick([
        'text/plain',
        'application/json',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'application/xml',
        '',
      ]),
    },
  }),
  'a charset': (sent, chance) => {
    const type = (sent.headers['content-type'] ?? '').split(';', 1)[0];
    return {
      ...sent,
      headers: {
        ...sent.headers,
        'content-type': `${type}; charset=${chance.pick(['utf-8', 'UTF-8', '"utf-8"', 'gbk', 'utf-16le', 'iso-8859-1', 'utf-7', ''])}`,
      },
    };
  },
  'a compressed body': (sent, chance) => ({
    ...sent,
    headers: { ...sent.headers, 'content-encoding': chance.pick(['gzip', 'identity', 'br']) },
  }),
};

/** A megabyte more. */
export const flood: Mutation = inBody((body, chance) =>
  chance.below(2) === 0 ? Buffer.concat([body, oneMegabyte]) : oneMegabyte,
);

export const mutations: Readonly<Record<string, Mutation>> = {
  ...{ ...bodyMutations, ...formMutations, ...jsonMutations, ...headerMutations },
  'a megabyte': flood,
};
