/** Counts what is open at the moment: sockets, subscriptions. */
export type Quota = {
  /** Takes one of `max` places of this owner; null when all are taken. */
  take(owner: string | object, max: number): Place | null;
};

type Taken = Map<string | object, number>;

/** One taken place. A class, because each idle socket and subscription has several, and closures take more memory. */
export class Place {
  readonly #owner: string | object;
  /** Null once it was given back. */
  #taken: Taken | null;

  constructor(taken: Taken, owner: string | object) {
    this.#taken = taken;
    this.#owner = owner;
    taken.set(owner, (taken.get(owner) ?? 0) + 1);
  }

  /** Gives it back. Another call does nothing. */
  release(): void {
    const taken = this.#taken;
    this.#taken = null;
    if (taken === null) return;
    const left = (taken.get(this.#owner) ?? 1) - 1;
    if (left === 0) taken.delete(this.#owner);
    else taken.set(this.#owner, left);
  }
}

export function createQuota(): Quota {
  const taken: Taken = new Map();
  return { take: (owner, max) => ((taken.get(owner) ?? 0) >= max ? null : new Place(taken, owner)) };
}
