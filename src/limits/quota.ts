/** Counts what is open at the moment: sockets, subscriptions. */
export type Quota = {
  /** Takes one of `max` places of this owner. Returns the function that gives it back; null when all are taken. */
  take(owner: string | object, max: number): (() => void) | null;
};

export function createQuota(): Quota {
  const taken = new Map<string | object, number>();
  return {
    take(owner, max) {
      const count = taken.get(owner) ?? 0;
      if (count >= max) return null;
      taken.set(owner, count + 1);
      let isTaken = true;
      return () => {
        if (!isTaken) return;
        isTaken = false;
        const left = (taken.get(owner) ?? 1) - 1;
        if (left === 0) taken.delete(owner);
        else taken.set(owner, left);
      };
    },
  };
}
