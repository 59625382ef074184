/** The number of orders that are changed or queried concurrently. */
const ordersAtOnce = 8;

/** Processes all items: the items of one order one after another, several orders concurrently. Items without an order stand alone. */
export async function forEachOrder<T>(
  items: readonly T[],
  orderIdOf: (item: T) => string | null,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const groups = new Map<string | T, T[]>();
  for (const item of items) {
    const group = groups.get(orderIdOf(item) ?? item);
    if (group === undefined) groups.set(orderIdOf(item) ?? item, [item]);
    else group.push(item);
  }
  const queue = groups.values();
  const takeOrders = async () => {
    for (const group of queue) for (const item of group) await work(item);
  };
  await Promise.all(Array.from({ length: ordersAtOnce }, takeOrders));
}
