import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputType,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isUnionType,
} from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import { schema } from '../../src/graphql/schema.ts';
import { createOrder, payOrder } from '../support/orders.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
let ids: Readonly<Record<string, string>>;
beforeAll(async () => {
  app = await startTestApp();
  const order = await createOrder(app);
  const payment = await payOrder(app, order.id);
  ids = { orderId: order.id, paymentId: payment.id, refundId: newId('refund') };
});
afterAll(() => app.close());

type Input = Pick<GraphQLArgument | GraphQLInputField, 'name' | 'type'>;
/** The way to a text within the arguments of a field. */
type Way = readonly string[];

/** The texts that an argument can hold: the argument itself, or fields of its input object. */
function waysTo({ name, type }: Input, seen: readonly string[] = []): Way[] {
  const named = getNamedType(type);
  if (named.name === 'ID' || named.name === 'String') return [[name]];
  if (!isInputObjectType(named) || seen.includes(named.name)) return [];
  const below = Object.values(named.getFields()).flatMap((field) => waysTo(field, [...seen, named.name]));
  return below.map((way) => [name, ...way]);
}

/** A value that passes, with the text at the end of the way; undefined for an optional value that the way does not need. */
function inputValue({ name, type }: Input, way: Way | null, text: string): unknown {
  const isRequired = isNonNullType(type);
  if (!isRequired && way === null) return undefined;
  return valueFor(name, isRequired ? type.ofType : type, way, text);
}

function valueFor(name: string, type: GraphQLInputType, way: Way | null, text: string): unknown {
  if (isNonNullType(type)) return valueFor(name, type.ofType, way, text);
  if (isListType(type)) return [valueFor(name, type.ofType, way, text)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type)) {
    const next = way?.[0];
    const given = Object.values(type.getFields()).map((field) => [
      field.name,
      inputValue(field, field.name === next ? (way?.slice(1) ?? null) : null, text),
    ]);
    return Object.fromEntries(given.filter(([, value]) => value !== undefined));
  }
  if (way !== null) return text;
  if (type.name === 'ID') return ids[name] ?? newId('order');
  if (type.name === 'Boolean') return true;
  if (type.name === 'DateTime') return '2026-01-01T00:00:00Z';
  if (type.name === 'Currency' || name === 'currency') return 'EUR';
  return type.name === 'String' ? 'https://shop.example/' : 1;
}

const kinds = [
  ['query', schema.getQueryType()],
  ['mutation', schema.getMutationType()],
] as const;
const cases = kinds.flatMap(([kind, type]) =>
  Object.values(type?.getFields() ?? {}).flatMap((field) =>
    field.args.flatMap((arg) => waysTo(arg).map((way) => ({ kind, field, way }))),
  ),
);

test('no text of any argument that the database cannot hold is an internal error', async () => {
  const failures: string[] = [];
  for (const { kind, field, way } of cases) {
    for (const text of ['\0', '\ud800']) {
      const given = field.args.flatMap((arg) => {
        const value = inputValue(arg, arg.name === way[0] ? way.slice(1) : null, text);
        return value === undefined ? [] : [{ arg, value }];
      });
      const declared = given.map(({ arg }) => `$${arg.name}: ${arg.type}`).join(', ');
      const passed = given.map(({ arg }) => `${arg.name}: $${arg.name}`).join(', ');
      const named = getNamedType(field.type);
      const selected = isUnionType(named)
        ? '{ __typename ... on Error { code } }'
        : isCompositeType(named)
          ? '{ __typename }'
          : '';
      const response = await fetch(`${app.app.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${app.token}` },
        body: JSON.stringify({
          query: `${kind} (${declared}) { ${field.name}(${passed}) ${selected} }`,
          variables: Object.fromEntries(given.map(({ arg, value }) => [arg.name, value])),
        }),
      });
      const answer = await response.text();
      if (response.status >= 500 || answer.includes('"INTERNAL"'))
        failures.push(`${field.name} ${way.join('.')}: ${answer}`);
      // The document itself must be right, or nothing is tested.
      if (answer.includes('"GRAPHQL_VALIDATION_FAILED"')) failures.push(`${field.name} ${way.join('.')}: ${answer}`);
    }
  }
  expect(cases.length).toBeGreaterThan(80);
  expect(failures).toEqual([]);
});
