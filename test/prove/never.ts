import { callbackFaults, outcomeFaults, requestFaults } from '../../sandbox/faults.ts';
import { eventTypes } from '../../src/domain/event.ts';
import { failpoints } from '../../src/domain/failpoint.ts';
import type { Tally } from './tally.ts';

/** What a run has not reached, in words: it proves nothing about that. */
export function neverReached(tally: Tally): string[] {
  const wanted: readonly (readonly [what: string, kind: string, names: readonly string[]])[] = [
    ['events that never happened', 'events', eventTypes],
    ['failpoints where nothing has died', 'deaths', failpoints],
    ['faults that were never planned', 'faults', [...requestFaults, ...callbackFaults, ...outcomeFaults]],
  ];
  return wanted.flatMap(([what, kind, names]) => {
    const missing = names.filter((name) => tally.of(kind, name) === 0);
    return missing.length === 0 ? [] : [`${what}: ${missing.join(', ')}`];
  });
}
