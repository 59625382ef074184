import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { createDatabase, dropDatabase, randomName, urlOf } from './server-databases.ts';

/**
 * A migrated, empty database of the caller's own, on the kind that the run is for. Closing it also removes it. One per test file is
 * the rule: on PGlite it takes about half a second.
 */
export async function openTestDatabase(): Promise<Database> {
  const databaseUrl = await createTestDatabaseUrl();
  const dataDir = makeTestDataDir();
  const database = await openDatabase({ databaseUrl, dataDir });
  return {
    ...database,
    close: async () => {
      await database.close();
      rmSync(dataDir, { recursive: true, force: true });
      if (databaseUrl !== null) await dropTestDatabase(databaseUrl);
    },
  };
}

/**
 * A data directory for a server that a test starts as a process of its own: with a migrated PGlite inside, or empty when the run is on
 * PostgreSQL. Removed when the run ends.
 */
export function makeTestDataDir(): string {
  const { dir, templateDataDir } = inject('testRun');
  const dataDir = mkdtempSync(join(dir, 'data-'));
  if (templateDataDir !== null) cpSync(templateDataDir, dataDir, { recursive: true });
  return dataDir;
}

/** A DATABASE_URL for the same; null when the run is on PGlite. The database is dropped when the run ends. */
export async function createTestDatabaseUrl(): Promise<string | null> {
  const { server } = inject('testRun');
  if (server === null) return null;
  const name = randomName(server.namePrefix);
  await createDatabase(server.adminUrl, name, server.templateName);
  return urlOf(server, name);
}

async function dropTestDatabase(databaseUrl: string): Promise<void> {
  const { server } = inject('testRun');
  if (server !== null) await dropDatabase(server.adminUrl, new URL(databaseUrl).pathname.slice(1));
}
