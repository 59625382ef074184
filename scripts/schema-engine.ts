import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as engineGlue from '@prisma/schema-engine-wasm/schema_engine_bg';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import { readMigrationFiles } from '../src/database/migration-files.ts';

/** The only WebAssembly call needed here. Without lib.dom, TypeScript does not know that Node has it. */
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: Record<string, unknown>,
  ): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
};

const schemaFile = fileURLToPath(new URL('../prisma/schema.prisma', import.meta.url));

/**
 * Returns the SQL that brings a migrated database to `prisma/schema.prisma`; null when they match. Prisma's language
 * has no checks, triggers and functions, so these are not compared.
 *
 * Runs the WebAssembly build of Prisma's engine on an in-memory database, without an engine binary and without a shadow
 * database.
 */
export async function readSchemaDrift(): Promise<string | null> {
  const lite = await PGlite.create('memory://');
  try {
    for (const migration of await readMigrationFiles()) await lite.exec(migration.sql);
    return await diffToSchema(lite);
  } finally {
    await lite.close();
  }
}

async function diffToSchema(lite: PGlite): Promise<string | null> {
  const files = [{ path: schemaFile, content: await readFile(schemaFile, 'utf8') }];
  await instantiateEngine();
  const engine = await engineGlue.SchemaEngine.new(
    { datamodels: files.map(({ path, content }): [string, string] => [path, content]) },
    () => {},
    bindMigrationAwareSqlAdapterFactory(withoutShadowDatabase(new PrismaPGlite(lite))),
  );
  try {
    const diff = await engine.diff({
      from: { tag: 'schemaDatasource', files, configDir: dirname(schemaFile) },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: true,
      filters: { externalTables: [], externalEnums: [] },
    });
    return diff.exitCode === 0 ? null : (diff.stdout ?? '');
  } finally {
    engine.free();
  }
}

/** The package's entry needs a bundler that can import WebAssembly, so its module is assembled here. */
async function instantiateEngine(): Promise<void> {
  const gluePath = fileURLToPath(import.meta.resolve('@prisma/schema-engine-wasm/schema_engine_bg'));
  const bytes = await readFile(join(dirname(gluePath), 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': engineGlue });
  engineGlue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
}

function withoutShadowDatabase(factory: PrismaPGlite) {
  return Object.assign(factory, {
    connectToShadowDb: () => Promise.reject(new Error('Comparing with the schema needs no shadow database.')),
  });
}
