/** The source of the current time. It is passed in so that tests and the schedule runner can use virtual time. */
export type Clock = { now(): Date };

export const systemClock: Clock = { now: () => new Date(Date.now()) };

export function after(at: Date, delayMs: number): Date {
  return new Date(at.getTime() + delayMs);
}
