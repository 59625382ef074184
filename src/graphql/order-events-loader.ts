import DataLoader from 'dataloader';
import type { Database } from '../database/database.ts';
import { logStart, readOrderLogs } from '../events/log.ts';
import { type OrderEventPage, type OrderEventsKey, ofOrder, pageOf } from './read-event.ts';

/** Reads pages of orders' events. */
export type OrderEventsLoader = { load(key: OrderEventsKey): Promise<OrderEventPage> };

/**
 * Batches pages of several orders' events: one SQL statement per distinct `first` and `after`, for any number of orders. Creates the loader
 * when it is first used: few operations need it.
 */
export function createOrderEventsLoader(pool: Database['pool'], merchantId: string): OrderEventsLoader {
  let loader: ReturnType<typeof openLoader> | null = null;
  return {
    load(key) {
      loader ??= openLoader(pool, merchantId);
      return loader.load(key);
    },
  };
}

function openLoader(pool: Database['pool'], merchantId: string): DataLoader<OrderEventsKey, OrderEventPage, string> {
  const pageNameOf = ({ first, after }: OrderEventsKey) =>
    `${first} ${after === null ? '' : `${after.epoch}.${after.xid}.${after.pos}`}`;
  const nameOf = (key: OrderEventsKey) => `${key.orderId} ${pageNameOf(key)}`;
  return new DataLoader(
    async (keys) => {
      const groups = grouped(keys, pageNameOf);
      const pages = new Map<string, OrderEventPage>();
      for (const group of groups.values()) {
        const [{ first, after } = { first: 0, after: null }] = group;
        const orderIds = group.map(({ orderId }) => orderId);
        const rows = await readOrderLogs(pool, merchantId, orderIds, after ?? logStart, first + 1);
        const byOrder = grouped(rows, ({ orderId }) => orderId);
        for (const key of group) {
          const events = (byOrder.get(key.orderId) ?? []).map(ofOrder);
          pages.set(nameOf(key), pageOf(events, first, after !== null));
        }
      }
      return keys.map((key) => pages.get(nameOf(key)) ?? pageOf([], key.first, false));
    },
    // A subscription keeps its context for its whole life, and each of its events must show the current order.
    { cache: false },
  );
}

function grouped<T>(rows: readonly T[], nameOf: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(nameOf(row));
    if (group === undefined) groups.set(nameOf(row), [row]);
    else group.push(row);
  }
  return groups;
}
