import { after } from './clock.ts';

/** A lease outlasts the provider call it is taken for, which ends by its own deadline. Then another node may process the row. */
export const leaseMs = 30_000;

/** A lease taken now. The row is due again when the lease ends, in case this process dies. */
export function leasedFrom(at: Date): { readonly leasedUntil: Date; readonly checkAt: Date } {
  const leasedUntil = after(at, leaseMs);
  return { leasedUntil, checkAt: leasedUntil };
}

/** True when no other process holds the row. */
export function isFree({ leasedUntil }: { readonly leasedUntil: Date | null }, now: Date): boolean {
  return leasedUntil === null || leasedUntil <= now;
}
