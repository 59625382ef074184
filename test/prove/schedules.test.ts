import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openTestDatabase } from '../support/database.ts';
import { Theatre } from './theatre.ts';

let database: Database;
let theatre: Theatre;
beforeAll(async () => {
  database = await openTestDatabase();
  const replay = (seed: number): string => `npm run prove -- --seed ${seed}`;
  theatre = new Theatre({ database, slots: 2, replay });
});
afterAll(() => database.close());

const perTest = 10;
/** More of them: `npm run prove`. */
const firstSeeds = Array.from({ length: 2 }, (_, index) => 1 + index * perTest);

test.each(firstSeeds)('whatever goes wrong, every invariant holds: ten schedules from seed %i on', async (first) => {
  for (let seed = first; seed < first + perTest; seed += 1) {
    const { failure } = await theatre.play(seed);
    expect(failure, failure?.join('\n')).toBeNull();
  }
});
