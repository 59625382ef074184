import { isAbstractType } from 'graphql';

/** A plugin of GraphQL Code Generator: the members of each union and interface, as caches of GraphQL clients want to know them. */
export function plugin(schema) {
  const abstract = Object.values(schema.getTypeMap()).filter(
    (type) => isAbstractType(type) && !type.name.startsWith('__'),
  );
  const entries = abstract.map((type) => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]);
  return [
    '/** The members of each union and interface of the API. */',
    `export const possibleTypes: Record<string, string[]> = ${JSON.stringify(Object.fromEntries(entries), null, 2)};`,
  ].join('\n');
}
