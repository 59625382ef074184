import { createHash } from 'node:crypto';

/** A generator of numbers in [0, 1) that is reproducible by its seed (mulberry32). Not for secrets. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Random-looking letters and digits, derived from the seed and a number that must be unique. */
export function seededToken(seed: number, number: number, length: number): string {
  const halves = length > 64 ? [0, 1] : [0];
  const bytes = Buffer.concat(halves.map((half) => createHash('sha512').update(`${seed}:${number}:${half}`).digest()));
  return Array.from(bytes.subarray(0, length), (byte) => alphabet[byte % alphabet.length]).join('');
}

/** Random-looking decimal digits, derived from the seed. */
export function newDigits(
  { newId }: { readonly newId: (prefix: string, length: number) => string },
  length: number,
): string {
  return Array.from(newId('', length), (character) => character.charCodeAt(0) % 10).join('');
}
