/** Where the time comes from. Passed in, so that tests and the schedule runner can hold their own. */
export type Clock = { now(): Date };

export const systemClock: Clock = { now: () => new Date(Date.now()) };

export function after(at: Date, delayMs: number): Date {
  return new Date(at.getTime() + delayMs);
}
