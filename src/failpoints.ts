import { type Failpoint, failpoints, type PassFailpoint } from './domain/failpoint.ts';

/** A failpoint and the number of the passing at which the process is killed. */
export type DeathAt = { readonly name: Failpoint; readonly passing: number };

/**
 * Parses `FAILPOINTS`: `pay.called`, or `pay.called@3` for the third passing, separated by commas.
 *
 * @throws {Error} with a sentence that names an unknown failpoint.
 */
export function parseFailpoints(text: string): DeathAt[] {
  return text.split(',').map((entry) => {
    const [given = '', passing = '1'] = entry.trim().split('@');
    const name = failpoints.find((failpoint) => failpoint === given);
    if (name === undefined || !/^[1-9]\d{0,6}$/.test(passing)) {
      throw new Error(
        `${entry.trim()} is not a failpoint, such as pay.called or pay.called@3. Failpoints: ${failpoints.join(', ')}.`,
      );
    }
    return { name, passing: Number(passing) };
  });
}

/** Kills the process at the given failpoints, like a power cut: no handler and no finally block runs. */
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
