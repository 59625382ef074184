import { lineItemObject, sessionObject } from './checkout-objects.ts';
import { invalid, missing } from './errors.ts';
import { balanceTransactionObject, chargeObject, intentObject, refundObject, type StripeObject } from './objects.ts';
import { type CreatedRange, createdRange, expand, integer, text } from './params.ts';
import type { StripeState } from './state.ts';

/** The parameters of every list. Each list adds its own filters. */
export const listParams = {
  limit: integer(),
  starting_after: text(),
  ending_before: text(),
  created: createdRange,
  expand,
};

export type ListQuery = {
  readonly limit?: number | undefined;
  readonly starting_after?: string | undefined;
  readonly ending_before?: string | undefined;
  readonly created?: CreatedRange | undefined;
};

type Dated = { readonly id: string; readonly created: number };

/**
 * One page of the matching rows, newest first.
 *
 * @throws {StripeRefusal} for a limit outside 1 to 100, for two cursors, and for an unknown cursor.
 */
export function listPage<R extends Dated>(
  url: string,
  rows: Iterable<R>,
  query: ListQuery,
  fits: (row: R) => boolean,
  render: (row: R) => StripeObject,
): StripeObject {
  const limit = query.limit ?? 10;
  if (limit < 1 || limit > 100) throw invalid('Invalid limit: must be between 1 and 100', 'limit');
  if (query.starting_after !== undefined && query.ending_before !== undefined) {
    throw invalid('You may only specify one of these parameters: ending_before, starting_after.');
  }
  const newestFirst = [...rows].reverse();
  const [from, to] = window(newestFirst, query);
  const inWindow = newestFirst.slice(from, to).filter((row) => isWithin(row.created, query.created) && fits(row));
  const page = query.ending_before === undefined ? inWindow.slice(0, limit) : inWindow.slice(-limit);
  return { object: 'list', data: page.map(render), has_more: inWindow.length > page.length, url };
}

/**
 * Replaces the ids at `paths` with their objects, such as `latest_charge.balance_transaction` or `data.source`.
 *
 * @throws {StripeRefusal} for a path that cannot be expanded.
 */
export function expanded(
  stripe: StripeState,
  object: StripeObject,
  paths: readonly string[] | undefined,
): StripeObject {
  return (paths ?? []).reduce((partial, path) => expandPath(stripe, partial, path.split('.'), path), object);
}

function expandPath(stripe: StripeState, object: StripeObject, steps: readonly string[], path: string): StripeObject {
  const [step, ...rest] = steps;
  if (step === undefined) return object;
  if (step === 'data' && object.object === 'list' && Array.isArray(object.data)) {
    const data = object.data.map((item: unknown) => (isObject(item) ? expandPath(stripe, item, rest, path) : item));
    return { ...object, data };
  }
  const value = step === 'line_items' ? lineItems(stripe, object) : object[step];
  if (value === undefined || !expandable.has(step)) {
    throw invalid(`This property cannot be expanded (${step}). You may want to try expanding: ${path}`, 'expand');
  }
  const found = typeof value === 'string' ? objectById(stripe, value) : value;
  return isObject(found) ? { ...object, [step]: expandPath(stripe, found, rest, path) } : object;
}

const expandable = new Set([
  'latest_charge',
  'payment_intent',
  'charge',
  'balance_transaction',
  'failure_balance_transaction',
  'source',
  'line_items',
  'payment_method',
  'customer',
]);

function objectById(stripe: StripeState, id: string): StripeObject | undefined {
  const intent = stripe.intents.get(id);
  if (intent) return intentObject(stripe, intent);
  const charge = stripe.charges.get(id);
  if (charge) return chargeObject(stripe, charge);
  const refund = stripe.refunds.get(id);
  if (refund) return refundObject(refund);
  const session = stripe.sessions.get(id);
  if (session) return sessionObject(stripe, session);
  const transaction = stripe.balanceTransactions.get(id);
  return transaction && balanceTransactionObject(transaction);
}

function lineItems(stripe: StripeState, object: StripeObject): StripeObject | undefined {
  const session = typeof object.id === 'string' ? stripe.sessions.get(object.id) : undefined;
  if (!session) return undefined;
  const data = session.lines.map((line) => lineItemObject(session, line));
  return { object: 'list', data, has_more: false, url: `/v1/checkout/sessions/${session.id}/line_items` };
}

function window(rows: readonly Dated[], query: ListQuery): [from: number, to: number] {
  if (query.starting_after !== undefined) {
    return [positionOf(rows, query.starting_after, 'starting_after') + 1, rows.length];
  }
  if (query.ending_before !== undefined) return [0, positionOf(rows, query.ending_before, 'ending_before')];
  return [0, rows.length];
}

function positionOf(rows: readonly Dated[], id: string, param: string): number {
  const position = rows.findIndex((row) => row.id === id);
  if (position < 0) throw missing('object', id, param);
  return position;
}

function isWithin(created: number, range: CreatedRange | undefined): boolean {
  return (
    range === undefined ||
    ((range.gt === undefined || created > range.gt) &&
      (range.gte === undefined || created >= range.gte) &&
      (range.lt === undefined || created < range.lt) &&
      (range.lte === undefined || created <= range.lte))
  );
}

function isObject(value: unknown): value is StripeObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
