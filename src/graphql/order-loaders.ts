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
} from '../store/order-reader.ts';

/** An order by its id, with these of its parts. */
export type OrderKey = { readonly id: string; readonly parts: readonly OrderPart[] };

/** Each is null for what the caller does not see. */
export type OrderLoaders = {
  readonly orders: DataLoader<OrderKey, ReadOrder | null>;
  readonly payments: DataLoader<string, ReadPayment | null>;
  readonly refunds: DataLoader<string, ReadRefund | null>;
};

/** Reads in one statement what the resolvers of one moment ask for. */
export function createOrderLoaders(pool: Database['pool'], scope: OrderScope): OrderLoaders {
  return {
    orders: loaderOf(
      (keys) => {
        const parts = orderParts.filter((part) => keys.some((key) => key.parts.includes(part)));
        return findOrders(pool, scope, [...new Set(keys.map(({ id }) => id))], parts);
      },
      ({ id }) => id,
    ),
    payments: loaderOf((ids) => findPayments(pool, scope, [...new Set(ids)]), String),
    refunds: loaderOf((ids) => findRefunds(pool, scope, [...new Set(ids)]), String),
  };
}

function loaderOf<Key, Row extends { readonly id: string }>(
  read: (keys: readonly Key[]) => Promise<Row[]>,
  idOf: (key: Key) => string,
): DataLoader<Key, Row | null> {
  const load = async (keys: readonly Key[]) => {
    const byId = new Map((await read(keys)).map((row) => [row.id, row]));
    return keys.map((key) => byId.get(idOf(key)) ?? null);
  };
  // A subscription keeps its context for its whole life, and each of its events must show the current order.
  return new DataLoader(load, { cache: false });
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
