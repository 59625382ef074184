import { flipBit, inBody, inText, type Mutation, snippets } from './callback-mutation.ts';

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);
const oneMegabyte = Buffer.alloc(1024 * 1024, 0x41);

function splice(bytes: Buffer, at: number, removed: number, put: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + removed)]);
}

/** Everywhere in the bytes of the body, whatever they mean. */
export const bodyMutations: Readonly<Record<string, Mutation>> = {
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
  'a megabyte': inBody((body, chance) => (chance.below(2) === 0 ? Buffer.concat([body, oneMegabyte]) : oneMegabyte)),
};
