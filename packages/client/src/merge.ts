/** A copy of an order from any query, mutation or event. */
export type Versioned = { readonly id: string; readonly version: number };

/**
 * Returns the newest copy of an order, or `held` itself when the other copies bring nothing new. Copies arrive in any order: the answer of
 * a query can be older than an event that came before it.
 *
 * @throws {RangeError} when the copies are of different orders.
 */
export function merge<T extends Versioned>(held: T | null | undefined, ...copies: readonly T[]): T {
  let newest = held ?? null;
  for (const copy of copies) {
    if (newest !== null && newest.id !== copy.id) {
      throw new RangeError(`merge: ${copy.id} is not a copy of order ${newest.id}.`);
    }
    // Of two copies of one version the later one is kept: a renewed next action of a payment changes no version.
    if (newest === null || copy.version >= newest.version) newest = copy;
  }
  if (newest === null) throw new RangeError('merge: there is no copy.');
  return newest;
}

/** Replaces the order in a list by a newer copy. Returns the list itself when it has none, or the copy is older. */
export function mergeInto<T extends Versioned>(orders: readonly T[], copy: T): readonly T[] {
  const at = orders.findIndex(({ id }) => id === copy.id);
  const held = orders[at];
  if (held === undefined || merge(held, copy) === held) return orders;
  return orders.map((order, index) => (index === at ? copy : order));
}
