import { setTimeout as delay } from 'node:timers/promises';

// The system's monotonic clock, which all processes of the machine share. performance.now() begins with the process.
const offsetMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Milliseconds of a clock that all processes of this machine share and that nobody sets. */
export function machineMs(): number {
  return offsetMs + performance.now();
}

/** Asks until the answer is true. @returns false when it was not within `timeoutMs`. */
export async function until(
  ask: () => Promise<boolean> | boolean,
  timeoutMs: number,
  intervalMs = 20,
): Promise<boolean> {
  const deadlineMs = machineMs() + timeoutMs;
  for (;;) {
    if (await ask()) return true;
    if (machineMs() > deadlineMs) return false;
    await delay(intervalMs);
  }
}
