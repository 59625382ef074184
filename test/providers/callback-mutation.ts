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

export const inBody = (change: (body: Buffer, chance: Chance, other: Buffer) => Buffer): Mutation => {
  return (sent, chance, other) => ({ ...sent, body: change(sent.body, chance, other.body) });
};
export const inText = (change: (text: string, chance: Chance) => string): Mutation =>
  inBody((body, chance) => Buffer.from(change(body.toString('latin1'), chance), 'latin1'));

export function flipBit(bytes: Buffer, chance: Chance): Buffer {
  if (bytes.length === 0) return bytes;
  const flipped = Buffer.from(bytes);
  const at = chance.below(bytes.length);
  flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << chance.below(8)), at);
  return flipped;
}

/** Bytes that have been trouble somewhere. */
export const snippets: readonly [string, ...string[]] = [
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
