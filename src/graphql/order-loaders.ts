import DataLoader from 'dataloader';
import { type FieldNode, type GraphQLResolveInfo, Kind, type SelectionSetNode } from 'graphql';
import type { Database } from '../database/database.ts';
import type { OrderScope } from '../domain/actor.ts';
import {
  findOrders,
  findPayments,
  findRefunds,
  type OrderPart,
  orderParts,
  type ReadOrder,
  type ReadPayment,
  type ReadRefund,
  type WantedOrder,
} from '../store/order-reader.ts';

/** An order by its id, with these of its parts. */
export type OrderKey = { readonly id: string; readonly parts: readonly OrderPart[] };

/** Resolves to null for what the caller does not see. */
type Loader<Key, Row> = { load(key: Key): Promise<Row | null> };

/** For one caller. */
export type OrderLoaders = {
  readonly orders: Loader<OrderKey, ReadOrder>;
  readonly payments: Loader<string, ReadPayment>;
  readonly refunds: Loader<string, ReadRefund>;
};

/** Reads together what is asked for at the same moment: orders for all callers, and payments and refunds for one. */
export function createOrderLoaders(pool: Database['pool'], scope: OrderScope): OrderLoaders {
  const orders = orderReaderOf(pool);
  return {
    orders: { load: ({ id, parts }) => orders.load({ scope, id, parts }) },
    payments: loaderOf((ids) => findPayments(pool, scope, ids)),
    refunds: loaderOf((ids) => findRefunds(pool, scope, ids)),
  };
}

type OrderReader = DataLoader<WantedOrder & OrderKey, ReadOrder | null>;

// What a cache would keep is stale soon: a subscription lasts, and each of its events must show the current order.
const uncached = { cache: false } as const;
const orderReaders = new WeakMap<Database['pool'], OrderReader>();
const ordersInStatementMax = 500;

/** One reader for all requests of the node, so that a busy node needs fewer statements. A row is read for the caller who asked for it. */
function orderReaderOf(pool: Database['pool']): OrderReader {
  const known = orderReaders.get(pool);
  if (known !== undefined) return known;
  const reader: OrderReader = new DataLoader(
    (wanted) => {
      const parts = orderParts.filter((part) => wanted.some((order) => order.parts.includes(part)));
      return findOrders(pool, wanted, parts);
    },
    // When the requests that have arrived are read, and before the next ones are waited for.
    { ...uncached, maxBatchSize: ordersInStatementMax, batchScheduleFn: (read) => void setImmediate(read) },
  );
  orderReaders.set(pool, reader);
  return reader;
}

/** Creates the loader when it is first used: few operations need one. */
function loaderOf<Row extends { readonly id: string }>(
  read: (ids: readonly string[]) => Promise<Row[]>,
): Loader<string, Row> {
  const load = async (ids: readonly string[]) => {
    const byId = new Map((await read([...new Set(ids)])).map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id) ?? null);
  };
  let loader: DataLoader<string, Row | null> | null = null;
  return {
    load(id) {
      loader ??= new DataLoader(load, uncached);
      return loader.load(id);
    },
  };
}

/** A part of an order: as it was read with the order, otherwise as it is now. */
export async function loadPart<Part extends OrderPart>(
  { orders }: Pick<OrderLoaders, 'orders'>,
  order: ReadOrder,
  part: Part,
): Promise<NonNullable<ReadOrder[Part]>> {
  const loaded = order[part] ?? (await orders.load({ id: order.id, parts: [part] }))?.[part];
  return there(loaded, order.id);
}

/** The order with the parts that are selected. @throws {Error} when it cannot be read, which is a bug: the caller sees what refers to it. */
export async function loadOrder(
  { orders }: Pick<OrderLoaders, 'orders'>,
  id: string,
  info: GraphQLResolveInfo,
): Promise<ReadOrder> {
  return there(await orders.load({ id, parts: partsOf(info) }), id);
}

/** @throws {Error} as `loadOrder`. */
export async function loadPayment({ payments }: Pick<OrderLoaders, 'payments'>, id: string): Promise<ReadPayment> {
  return there(await payments.load(id), id);
}

/** @throws {Error} as `loadOrder`. */
export async function loadRefund({ refunds }: Pick<OrderLoaders, 'refunds'>, id: string): Promise<ReadRefund> {
  return there(await refunds.load(id), id);
}

function there<T>(value: T, id: string): NonNullable<T> {
  if (value == null) throw new Error(`${id} cannot be read.`);
  return value;
}

/**
 * The parts of orders that are selected anywhere below a field, so that they are read together with the order. One that is missing here is
 * read later, and one too many costs a moment.
 */
export function partsOf(info: GraphQLResolveInfo): readonly OrderPart[] {
  return orderParts.filter((part) => isSelectedBelow(info, part));
}

const namesByField = new WeakMap<FieldNode, ReadonlySet<string>>();

/** True when a field of this name is selected anywhere below the field that is resolved. */
export function isSelectedBelow({ fieldNodes, fragments }: GraphQLResolveInfo, name: string): boolean {
  return fieldNodes.some((field) => {
    const names = namesByField.get(field) ?? namesBelow(field, fragments);
    namesByField.set(field, names);
    return names.has(name);
  });
}

/** Documents are cached, so each is searched once. */
function namesBelow(field: FieldNode, fragments: GraphQLResolveInfo['fragments']): ReadonlySet<string> {
  const names = new Set<string>();
  const visited = new Set<string>();
  const visit = (set: SelectionSetNode | undefined): void => {
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.FIELD) names.add(selection.name.value);
      if (selection.kind !== Kind.FRAGMENT_SPREAD) visit(selection.selectionSet);
      else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value);
        visit(fragments[selection.name.value]?.selectionSet);
      }
    }
  };
  visit(field.selectionSet);
  return names;
}
