import { seededRandom } from '../../sandbox/random.ts';

/** Deterministic choices from a seed. Each `purpose` has its own stream, so that additional choices in one do not change another. */
export class Dice {
  #roll: () => number;

  constructor(seed: number, purpose: string) {
    let mixed = seed >>> 0;
    for (const letter of purpose) mixed = Math.imul(mixed ^ letter.charCodeAt(0), 0x9e37_79b1) >>> 0;
    this.#roll = seededRandom(mixed);
  }

  /** True with this probability. */
  hit(probability: number): boolean {
    return this.#roll() < probability;
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.#roll() * (max - min + 1));
  }

  /** @throws {RangeError} when there is nothing to pick from. */
  pick<T>(among: readonly T[]): T {
    const picked = among[this.int(0, among.length - 1)];
    if (picked === undefined) throw new RangeError('There is nothing to pick from.');
    return picked;
  }

  /** Picks by weight. @throws {RangeError} when no weight is above zero. */
  weigh<T>(among: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.#roll() * among.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of among) {
      left -= weight;
      if (left < 0) return value;
    }
    throw new RangeError('There is nothing to pick from.');
  }
}
