import { after } from '../domain/clock.ts';
import { leaseMs } from '../store/payment-store.ts';

/** Ours until the call has certainly ended; due right then, for whoever is there if we are not. */
export function leasedFrom(at: Date): { readonly leasedUntil: Date; readonly checkAt: Date } {
  const leasedUntil = after(at, leaseMs);
  return { leasedUntil, checkAt: leasedUntil };
}

export function isFree({ leasedUntil }: { readonly leasedUntil: Date | null }, now: Date): boolean {
  return leasedUntil === null || leasedUntil <= now;
}
