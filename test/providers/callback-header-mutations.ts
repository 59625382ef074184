import { type Chance, flipBit, type Mutation, type Sent, snippets } from './callback-mutation.ts';

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

const inParts = (change: (parts: string[], chance: Chance, at: number) => readonly string[]): Mutation =>
  inHeader((value, chance) => {
    const parts = value.split(',');
    return change(parts, chance, chance.below(parts.length)).join(',');
  });

export const headerMutations: Readonly<Record<string, Mutation>> = {
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
