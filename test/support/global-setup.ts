import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/database/database.ts';
import { developmentKeys } from '../../src/development-keys.ts';
import { createDatabase, dropDatabasesOf, randomName, urlOf } from './server-databases.ts';
import type { TestServer } from './test-run.ts';

/** Makes one migrated database that the tests copy, on PostgreSQL when DATABASE_URL is set, else on PGlite; and keys, which take their time. Builds the pages. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  execFileSync(process.execPath, ['scripts/build-pages.mjs', '--if-stale'], { stdio: 'inherit' });
  const dir = mkdtempSync(join(tmpdir(), 'paystream-test-'));
  const databaseUrl = process.env.DATABASE_URL;
  const server = databaseUrl ? await makeServerTemplate(databaseUrl, dir) : null;
  const templateDataDir = join(dir, 'template');
  const keysDir = join(dir, 'keys');
  developmentKeys(keysDir);
  cpSync(keysDir, templateDataDir, { recursive: true });
  if (server === null) await (await openDatabase({ databaseUrl: null, dataDir: templateDataDir })).close();
  project.provide('testRun', { dir, templateDataDir, keysDir, server });
  return async () => {
    if (server !== null) await dropDatabasesOf(server);
    rmSync(dir, { recursive: true, force: true });
  };
}

async function makeServerTemplate(adminUrl: string, runDir: string): Promise<TestServer> {
  const namePrefix = `${randomName('paystream_test_')}_`;
  const server = { adminUrl, namePrefix, templateName: `${namePrefix}template` };
  await createDatabase(adminUrl, server.templateName);
  const database = await openDatabase({ databaseUrl: urlOf(server, server.templateName), dataDir: runDir });
  await database.close();
  return server;
}
