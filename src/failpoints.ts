import { type Failpoint, failpoints, type PassFailpoint } from './domain/failpoint.ts';

/** At which failpoint the process dies, and at which passing of it. */
export type DeathAt = { readonly name: Failpoint; readonly passing: number };

/**
 * Reads `FAILPOINTS`: `pay.called`, or `pay.called@3` for the third time, several with commas between.
 * @throws {Error} with a sentence that names what is not known.
 */
export function parseFailpoints(text: string): DeathAt[] {
  return text.split(',').map((entry) => {
    const [given = '', passing = '1'] = entry.trim().split('@');
    const name = failpoints.find((failpoint) => failpoint === given);
    if (name === undefined || !/^[1-9]\d{0,6}$/.test(passing)) {
      throw new Error(
        `${entry.trim()} is not a failpoint, as pay.called or pay.called@3. There are: ${failpoints.join(', ')}.`,
      );
    }
    return { name, passing: Number(passing) };
  });
}

/** Kills the process where it was told to, as a power switch would: nothing after that runs, no handler and no finally. */
export function dieAt(deaths: readonly DeathAt[]): PassFailpoint {
  const passed = new Map<Failpoint, number>();
  return (name) => {
    const count = (passed.get(name) ?? 0) + 1;
    passed.set(name, count);
    if (!deaths.some((death) => death.name === name && death.passing === count)) return;
    process.kill(process.pid, 'SIGKILL');
    return new Promise<void>(() => {});
  };
}
