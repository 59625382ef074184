/** So many orders are changed, or asked about, at a time. */
const ordersAtOnce = 8;

/** Works through the items, those of one order one after the other, several orders at a time. */
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
