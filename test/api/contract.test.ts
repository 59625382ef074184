import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  buildSchema,
  findBreakingChanges,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import { expect, test } from 'vitest';

const read = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
const schema = buildSchema(read('../../schema.graphql'));

test('the API keeps the public contract: nothing of it is broken', () => {
  const contract = buildSchema(read('./contract.graphql'));
  expect(findBreakingChanges(contract, schema)).toEqual([]);
});

test('every type, field, argument and value has a description', () => {
  const isOurs = ({ name }: GraphQLNamedType) =>
    !name.startsWith('__') && !['String', 'Int', 'Boolean', 'ID', 'Float'].includes(name);
  const silent: string[] = [];
  for (const type of Object.values(schema.getTypeMap()).filter(isOurs)) {
    if (!type.description) silent.push(type.name);
    if (isEnumType(type)) {
      for (const value of type.getValues()) if (!value.description) silent.push(`${type.name}.${value.name}`);
    }
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        if (!field.description) silent.push(`${type.name}.${field.name}`);
        for (const arg of field.args) if (!arg.description) silent.push(`${type.name}.${field.name}(${arg.name})`);
      }
    }
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields()))
        if (!field.description) silent.push(`${type.name}.${field.name}`);
    }
  }
  expect(silent).toEqual([]);
});
