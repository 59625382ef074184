import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from '@graphql-codegen/cli';
import { buildSchema, isAbstractType, isScalarType, specifiedScalarTypes } from 'graphql';
import { expect, test } from 'vitest';
import config from '../../examples/frontend/codegen.ts';
import { possibleTypes } from '../../packages/client/generated/possible-types.ts';
import { scalars } from '../../packages/client/src/codegen.ts';
import { projectRoot } from '../support/server-process.ts';

const examples = join(projectRoot, 'examples/frontend');
const schema = buildSchema(readFileSync(join(projectRoot, 'schema.graphql'), 'utf8'));

test('the page shows the examples as they are compiled and run', () => {
  const page = readFileSync(join(projectRoot, 'docs/frontend.md'), 'utf8');
  const shown = [...page.matchAll(/```ts\n\/\/ examples\/frontend\/(\S+)\n([\s\S]*?)```/g)];
  expect(shown.map(([, name]) => name).sort()).toEqual(readdirSync(examples).sort());
  for (const [, name = '', text] of shown) expect(text, name).toBe(readFileSync(join(examples, name), 'utf8'));
});

test('every scalar of the API has a type, and every union and interface its members', () => {
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
  const own = types.filter(
    (type) => isScalarType(type) && !specifiedScalarTypes.some(({ name }) => name === type.name),
  );
  expect(Object.keys(scalars).sort()).toEqual([...own.map(({ name }) => name), 'ID'].sort());
  const abstract = types.filter(isAbstractType);
  expect(Object.keys(possibleTypes).sort()).toEqual(abstract.map(({ name }) => name).sort());
  for (const type of abstract) {
    expect(possibleTypes[type.name]).toEqual(schema.getPossibleTypes(type).map(({ name }) => name));
  }
});

test('code generation with the shown configuration knows the scalars', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paystream-codegen-'));
  try {
    const document =
      'query Q($id: ID!, $after: EventCursor) { order(id: $id) { createdAt metadata total { amountMinor currency } events(after: $after) { nodes { cursor } } } }';
    writeFileSync(join(folder, 'q.graphql'), document);
    const [[, output] = []] = Object.entries(config.generates);
    const files = await generate(
      {
        ...config,
        schema: join(projectRoot, 'schema.graphql'),
        documents: [join(folder, 'q.graphql')],
        generates: { [`${folder}/graphql/`]: output ?? {} },
        silent: true,
      },
      false,
    );
    const { content } = files.find(({ filename }: { filename: string }) => filename.endsWith('graphql.ts')) ?? {};
    const [query = ''] = /export type QQuery = .*/.exec(content) ?? [];
    expect(query).toContain('createdAt: string');
    expect(query).toContain('metadata: Record<string, string>');
    expect(query).toContain('amountMinor: number');
    expect(query).toContain('cursor: string');
    expect(query).not.toMatch(/unknown|any/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
