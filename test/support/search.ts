// Set by `npm run prove:search`, which draws more, and may do so from another seed.
const runs = process.env.FUZZ_RUNS;
const seed = process.env.FUZZ_SEED;

/** True where a test is to try everything that it could, and not the part that the suite has time for. */
export const isSearch = runs !== undefined;

/** How many cases a test draws, and from which seed: in the suite so many from a fixed one. */
export function searchOf(numRuns: number): { readonly numRuns: number; readonly seed: number } {
  return { numRuns: Number(runs ?? numRuns), seed: Number(seed ?? 1) };
}
