import { type Endpoint, endpoint, ok } from './endpoints.ts';
import { missing } from './errors.ts';
import { expanded, listPage, listParams } from './lists.ts';
import { balanceTransactionObject, eventObject } from './objects.ts';
import { expand, list, notInSandbox, text } from './params.ts';

export const eventEndpoints: readonly Endpoint[] = [
  endpoint(
    { method: 'GET', path: '/v1/events', operation: 'events.list' },
    { ...listParams, type: text(), types: list(text(), 20) },
    (params) => (stripe) => {
      const fits = (row: { readonly type: string }): boolean =>
        (params.type === undefined || matchesType(params.type, row.type)) &&
        (params.types === undefined || params.types.some((type) => matchesType(type, row.type)));
      return ok(
        expanded(stripe, listPage('/v1/events', stripe.events.all(), params, fits, eventObject), params.expand),
      );
    },
  ),
  endpoint(
    { method: 'GET', path: '/v1/events/:id', operation: 'events.retrieve' },
    { expand },
    (_params, { id }) =>
      (stripe) => {
        const event = stripe.events.get(id);
        if (!event) throw missing('event', id, 'id');
        return ok(eventObject(event));
      },
  ),
];

export const balanceEndpoints: readonly Endpoint[] = [
  endpoint(
    { method: 'GET', path: '/v1/balance_transactions', operation: 'balance_transactions.list' },
    { ...listParams, type: text(), source: text(), currency: text(3), payout: notInSandbox() },
    (params) => (stripe) => {
      const page = listPage(
        '/v1/balance_transactions',
        stripe.balanceTransactions.all(),
        params,
        (row) =>
          (params.type === undefined || row.type === params.type) &&
          (params.source === undefined || row.source === params.source) &&
          (params.currency === undefined || row.currency === params.currency),
        balanceTransactionObject,
      );
      return ok(expanded(stripe, page, params.expand));
    },
  ),
  endpoint(
    { method: 'GET', path: '/v1/balance_transactions/:id', operation: 'balance_transactions.retrieve' },
    { expand },
    (params, { id }) =>
      (stripe) => {
        const row = stripe.balanceTransactions.get(id);
        if (!row) throw missing('balance transaction', id, 'id');
        return ok(expanded(stripe, balanceTransactionObject(row), params.expand));
      },
  ),
];

function matchesType(wanted: string, type: string): boolean {
  return wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : wanted === type;
}
