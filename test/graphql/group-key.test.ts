import fc from 'fast-check';
import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { roles } from '../../src/domain/actor.ts';
import { groupKeyOf } from '../../src/graphql/group-key.ts';
import { type Viewer, viewerOf } from '../../src/graphql/viewer.ts';
import { searchOf } from '../support/search.ts';

const following = parse('subscription($after: EventCursor) { merchantEvents(after: $after) { id } }');
const request = { document: following, operationName: null, variables: {} };
const caller: Viewer = { role: 'MERCHANT', id: 'key_1', merchantId: 'mch_1', customerId: null, orderId: null };

// Few values, so that pairs are often equal; among them some that could run together.
const text = fc.constantFrom('a', 'b', 'a,b', '"', 'null', '');
const viewer: fc.Arbitrary<Viewer> = fc.record({
  role: fc.constantFrom(...roles),
  id: text,
  merchantId: text,
  customerId: fc.option(text),
  orderId: fc.option(text),
});
const requests = fc.record({
  document: fc.constantFrom(
    following,
    parse('subscription { merchantEvents { id } }'),
    parse('subscription { merchantEvents { type } }'),
    parse('subscription A { merchantEvents { id } } subscription B { merchantEvents { type } }'),
  ),
  operationName: fc.constantFrom(null, 'A', 'B'),
  variables: fc.dictionary(fc.constantFrom('after', 'types', 'id'), fc.constantFrom('a', 'b', null, 1, ['a'])),
});

test('two subscriptions are in one group exactly if all that their results depend on is equal', () => {
  const partsOf = ({ document, operationName, variables }: typeof request & { variables: object }, who: Viewer) => {
    const { after, ...others } = variables as Record<string, unknown>;
    const given = Object.entries(
      document === following ? others : { ...others, ...('after' in variables && { after }) },
    );
    return JSON.stringify([document.loc?.source.body, operationName, given.sort(), Object.entries(who).sort()]);
  };
  fc.assert(
    fc.property(requests, viewer, requests, viewer, (one, oneViewer, other, otherViewer) => {
      const isSame = partsOf(one as never, oneViewer) === partsOf(other as never, otherViewer);
      expect(groupKeyOf(one, oneViewer) === groupKeyOf(other, otherViewer)).toBe(isSame);
    }),
    searchOf(3000),
  );
});

test.each<[part: keyof Viewer, other: string]>([
  ['role', 'OPERATOR'],
  ['id', 'key_2'],
  ['merchantId', 'mch_2'],
  ['customerId', 'ada'],
  ['orderId', 'ord_1'],
])('another %s is another group', (part, other) => {
  expect(groupKeyOf(request, { ...caller, [part]: other })).not.toBe(groupKeyOf(request, caller));
});

test('the order of the variables does not matter', () => {
  const keyOf = (variables: object) => groupKeyOf({ ...request, variables: { ...variables } }, caller);
  expect(keyOf({ types: null, id: 1 })).toBe(keyOf({ id: 1, types: null }));
});

test.each<[what: string, document: string, shares: boolean]>([
  ['the position alone', 'subscription($c: EventCursor) { merchantEvents(after: $c) { id } }', true],
  [
    'the position and a page of events',
    'subscription($c: EventCursor) { merchantEvents(after: $c) { order { events(after: $c) { nodes { id } } } } }',
    false,
  ],
  [
    'the position and a condition',
    'subscription($c: EventCursor) { merchantEvents(after: $c) { id ...F } } fragment F on OrderEvent { order { events(after: $c) { nodes { id } } } }',
    false,
  ],
  [
    'a page of events',
    'subscription($c: EventCursor) { merchantEvents { order { events(after: $c) { nodes { id } } } } }',
    false,
  ],
  ['the types', 'subscription($c: [EventType!]) { merchantEvents(types: $c) { id } }', false],
])('subscriptions that differ in a variable for %s', (_what, document, shares) => {
  const parsed = parse(document);
  const keyOf = (c: unknown) => groupKeyOf({ document: parsed, operationName: null, variables: { c } }, caller);
  expect(keyOf('one') === keyOf('two')).toBe(shares);
});

test('the merchant’s people are one viewer for each role, customers and buyers are themselves', () => {
  const person = (role: Viewer['role'], id: string, others: Partial<Viewer> = {}) =>
    viewerOf({ ...caller, role, id, ...others });
  expect(person('OPERATOR', 'ada')).toEqual(person('OPERATOR', 'bob'));
  expect(person('OPERATOR', 'ada')).not.toEqual(person('VIEWER', 'ada'));
  expect(person('CUSTOMER', 'ada', { customerId: 'ada' })).not.toEqual(
    person('CUSTOMER', 'bob', { customerId: 'bob' }),
  );
  expect(person('BUYER', 'ord_1', { orderId: 'ord_1' }).id).toBe('ord_1');
});
