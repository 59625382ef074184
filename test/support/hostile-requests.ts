import fc from 'fast-check';
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  type OperationTypeNode,
} from 'graphql';

/** What a hostile request may name so that it gets further than the first check. */
export type Known = { readonly orderId: string; readonly paymentId: string; readonly cursor: string };

export type HostileOperation = { readonly query: string; readonly variables: Record<string, unknown> };

/**
 * Draws values; the same seed draws the same ones. A tame request is valid GraphQL with values at the edge of what their types allow, and so
 * meets the code behind validation; a wild one is wrong here and there.
 */
export type Dice = { readonly draw: fc.GeneratorValue; readonly isWild: boolean };

export function diceOf(draw: fc.GeneratorValue): Dice {
  return { draw, isWild: draw(fc.nat, { max: 2 }) === 0 };
}

export function pick<T>(dice: Dice, values: readonly T[]): T {
  return values[dice.draw(fc.nat, { max: values.length - 1 })] as T;
}

export function chance(dice: Dice, percent: number): boolean {
  return dice.draw(fc.nat, { max: 99 }) < percent;
}

/** A mistake that validation is there for; a tame request makes none. */
function isWrong(dice: Dice, percent: number): boolean {
  return dice.isWild && chance(dice, percent);
}

const badTexts = ['', ' ', '\0', 'a\0b', '\ud800', 'a\udfff', '\ufeff', '%', '\\', "'", '__proto__', 'x'.repeat(5000)];
const texts = [...badTexts, 'constructor', 'Café 咖啡 ☕', '{"a":1}', '\u202e', '../../etc/passwd', '\r\nx: y'];
const numbers = [0, -0, 1, -1, 20, 100, 101, 1.5, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, 2 ** 53, 1e21, 1e308];
const instants = [
  ...['2026-11-23T08:15:30.120Z', '0000-01-01T00:00:00Z', '0000-12-31T23:59:59-14:00', '0001-01-01T00:00:00+14:00'],
  ...['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59-14:00'],
];
const badInstants = [
  ...['2026-02-30T00:00:00Z', '2016-12-31T23:59:60Z', '2026-01-01T24:00:00Z', '-000001-01-01T00:00:00Z', '2026-01-01'],
  ...['+275760-09-13T00:00:00Z', '1970-01-01T00:00:00+99:99', 'infinity', 'epoch', ''],
];
const cursorTexts = [
  'v1.x.1.1.1',
  'v1.x.999999999.9223372036854775807.9223372036854775807',
  'v1.x.0.-1.0',
  'v2',
  '\0',
  '',
];

function nested(depth: number, isList: boolean): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = isList ? [value] : { a: value };
  return value;
}

/** Any JSON, of any kind: for a place that wants another. */
function anything(dice: Dice): unknown {
  return pick<unknown>(dice, [
    ...[null, true, false, [], {}, [null], [[]], { a: 1 }, nested(50, true), nested(2000, false), nested(2000, true)],
    ...[JSON.parse('{"__proto__": {"x": 1}}'), { constructor: { prototype: 1 } }, { toString: 'x' }, { length: -1 }],
    ...texts,
    ...numbers,
  ]);
}

/** Values that are of their type, at its edges and beyond what the code behind it can take. */
function tameScalar(dice: Dice, name: string, known: Known): unknown {
  switch (name) {
    case 'ID':
      if (chance(dice, 70)) return pick(dice, [known.orderId, known.paymentId]);
      return pick(dice, [
        known.orderId,
        known.orderId,
        known.paymentId,
        'ord_01jd8m0v6te4r8x3y5z7a9b1c2',
        'ord_',
        ...texts,
      ]);
    case 'Int':
      return pick(dice, [
        1,
        2,
        20,
        60,
        100,
        3600,
        ...numbers.filter((value) => Number.isInteger(value) && Math.abs(value) < 2 ** 31),
      ]);
    case 'Boolean':
      return pick(dice, [true, false]);
    case 'MinorUnits':
      return pick(dice, [0, 1, 100, 1250, 2500, 2 ** 31, 99_999_999, 2 ** 53 - 1]);
    case 'CurrencyCode':
      return pick(dice, ['EUR', 'CNY', 'JPY', 'KWD', 'IDR', 'XXX', 'XAU']);
    case 'DateTime':
      return pick(dice, instants);
    case 'Metadata':
      return pick<object>(dice, [
        {},
        { a: 'b' },
        { constructor: 'x', toString: 'y' },
        { 'Café ☕': '\u202e' },
        { a: 'x'.repeat(500) },
      ]);
    case 'EventCursor':
      return pick(dice, [
        known.cursor,
        ...cursorTexts.map((text) => Buffer.from(text).toString('base64url')),
        ...texts,
      ]);
    default:
      return pick(dice, [
        'first',
        `key-${dice.draw(fc.nat, { max: 5 })}`,
        known.orderId,
        'https://shop.example/',
        '203.0.113.7',
        ...texts,
      ]);
  }
}

function wildScalar(dice: Dice, name: string): unknown {
  switch (name) {
    case 'Metadata':
      return pick<unknown>(dice, [
        { a: 1 },
        { a: { b: 'c' } },
        { '': 'x' },
        { '\0': '\ud800' },
        nested(500, false),
        JSON.parse('{"__proto__": "x"}'),
      ]);
    case 'DateTime':
      return pick<unknown>(dice, [...badInstants, 0, 8.64e15]);
    case 'CurrencyCode':
      return pick(dice, ['eur', 'EU', '', 'ABC']);
    case 'Int':
    case 'MinorUnits':
      return pick(dice, numbers);
    default:
      return anything(dice);
  }
}

/** In a document an enum's value stands bare, in JSON it is text. */
class EnumValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  toJSON(): string {
    return this.name;
  }
}

function drawValue(dice: Dice, type: GraphQLInputType, known: Known): unknown {
  return isNonNullType(type) || !chance(dice, 8) ? drawPresent(dice, type, known) : null;
}

function drawPresent(dice: Dice, type: GraphQLInputType, known: Known): unknown {
  if (isWrong(dice, 3)) return anything(dice);
  if (isNonNullType(type)) return drawPresent(dice, type.ofType, known);
  if (isListType(type)) {
    const length = pick(dice, [0, 1, 1, 1, 2, 101]);
    const value = drawValue(dice, type.ofType, known);
    return Array.from({ length }, () => value);
  }
  if (isEnumType(type)) return new EnumValue(pick(dice, type.getValues()).name);
  if (!isInputObjectType(type)) {
    return isWrong(dice, 15) ? wildScalar(dice, type.name) : tameScalar(dice, type.name, known);
  }
  const fields = Object.values(type.getFields()).filter((field) =>
    isNonNullType(field.type) ? !isWrong(dice, 3) : chance(dice, 45),
  );
  const entries = fields.map((field): [string, unknown] => [field.name, drawValue(dice, field.type, known)]);
  return Object.fromEntries(
    isWrong(dice, 3) ? [...entries, [pick(dice, ['unknown', 'constructor', '\0']), 1]] : entries,
  );
}

/** A value as a document writes it. */
function literalOf(dice: Dice, value: unknown, depth = 0): string {
  if (depth > 300) return '1';
  if (value instanceof EnumValue) return value.name;
  if (typeof value === 'string')
    return isWrong(dice, 3) ? `"""${value.replaceAll('"""', '')}"""` : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => literalOf(dice, item, depth + 1)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, item]) => `${name}: ${literalOf(dice, item, depth + 1)}`);
  return `{ ${fields.join(', ')} }`;
}

/**
 * An operation on a real field of the schema, with arguments and a selection that are mostly plausible, and here and there are not: so that
 * most get past validation and meet the code behind it.
 */
export function hostileOperation(
  dice: Dice,
  schema: GraphQLSchema,
  kind: OperationTypeNode,
  known: Known,
): HostileOperation {
  const root = schema.getRootType(kind);
  if (!root) throw new Error(`The schema has no ${kind}.`);
  const declared: string[] = [];
  const variables: Record<string, unknown> = {};
  let aliases = 0;

  function argument({ name, type }: GraphQLArgument | GraphQLInputField): string {
    const value = drawValue(dice, type, known);
    if (chance(dice, 40)) return `${name}: ${literalOf(dice, value)}`;
    const variable = `v${declared.length}`;
    declared.push(`$${variable}: ${type}${chance(dice, 3) ? ` = ${literalOf(dice, value)}` : ''}`);
    if (!isWrong(dice, 4)) variables[variable] = value;
    return `${name}: $${variable}`;
  }

  function condition(): string {
    if (!chance(dice, 3)) return '';
    const name = pick(dice, ['skip', 'include']);
    if (chance(dice, 50))
      return ` @${name}(if: ${pick(dice, dice.isWild ? ['true', 'false', 'null', '1'] : ['true', 'false'])})`;
    const variable = `v${declared.length}`;
    declared.push(`$${variable}: Boolean!`);
    if (!isWrong(dice, 20)) variables[variable] = dice.isWild ? anything(dice) : chance(dice, 50);
    return ` @${name}(if: $${variable})`;
  }

  /** Fields of a union's types get an alias, because those of one name may differ in type; so do fields with arguments. */
  function field({ name, args, type }: GraphQLField<unknown, unknown>, depth: number, isInUnion = false): string {
    const given = args.filter((candidate) => isNonNullType(candidate.type) || chance(dice, 50)).map(argument);
    aliases += 1;
    const alias = chance(dice, 3) ? pick(dice, ['a', '__proto__', 'constructor', 'toString']) : `f${aliases}`;
    const head = isInUnion || args.length > 0 ? `${alias}: ${name}` : name;
    return `${head}${given.length > 0 ? `(${given.join(', ')})` : ''}${condition()}${selection(type, depth)}`;
  }

  function selection(type: GraphQLOutputType, depth: number, isInUnion = false): string {
    const named = getNamedType(type);
    if (isAbstractType(named)) {
      const parts = schema
        .getPossibleTypes(named)
        .map((part) => `... on ${part.name}${condition()}${selection(part, depth + 1, true)}`);
      return ` { __typename ${parts.join(' ')} }`;
    }
    if (!isObjectType(named)) return '';
    const fields = Object.values(named.getFields()).filter(() => chance(dice, 40));
    const chosen = depth > 2 ? [] : fields.map((candidate) => field(candidate, depth + 1, isInUnion));
    return ` { __typename ${chosen.join(' ')} }`;
  }

  const chosen = field(pick(dice, Object.values(root.getFields())), 0);
  const head = declared.length > 0 ? `${kind} Q(${declared.join(', ')})` : kind;
  return { query: `${head} { ${chosen} }`, variables };
}

/** What a client may write beside the query, in place of what belongs there. */
export function hostileEnvelope(dice: Dice, operation: HostileOperation): Record<string, unknown> {
  const { query, variables } = operation;
  const envelope: Record<string, unknown> = { query, variables };
  if (isWrong(dice, 10)) envelope.variables = anything(dice);
  if (isWrong(dice, 10)) envelope.operationName = anything(dice);
  if (isWrong(dice, 10)) envelope.extensions = anything(dice);
  if (isWrong(dice, 8)) envelope.query = chance(dice, 50) ? mangled(dice, query) : anything(dice);
  if (isWrong(dice, 4)) envelope[pick(dice, ['id', 'constructor', '\0'])] = anything(dice);
  return envelope;
}

/** The text with a piece of it gone, doubled or replaced. */
export function mangled(dice: Dice, text: string): string {
  const at = dice.draw(fc.nat, { max: text.length });
  const until = Math.min(text.length, at + dice.draw(fc.nat, { max: 8 }));
  const put = pick(dice, [
    '',
    '{',
    '}',
    '"',
    '"""',
    '$',
    '@',
    '...',
    '\0',
    '\ud800',
    '\ufffe',
    '%',
    '&',
    '=',
    text.slice(at, until).repeat(2),
  ]);
  return text.slice(0, at) + put + text.slice(until);
}
