import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/database/database.ts';
import { createDatabase, dropDatabasesOf, randomName, urlOf } from './server-databases.ts';
import type { TestServer } from './test-run.ts';

/** Makes one migrated database that every test file copies: on PostgreSQL when DATABASE_URL is set, else on PGlite. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = mkdtempSync(join(tmpdir(), 'paystream-test-'));
  const databaseUrl = process.env.DATABASE_URL;
  const server = databaseUrl ? await makeServerTemplate(databaseUrl, dir) : null;
  const templateDataDir = server === null ? await makeTemplateDataDir(dir) : null;
  project.provide('testRun', { dir, templateDataDir, server });
  return async () => {
    if (server !== null) await dropDatabasesOf(server);
    rmSync(dir, { recursive: true, force: true });
  };
}

async function makeTemplateDataDir(runDir: string): Promise<string> {
  const dataDir = join(runDir, 'template');
  const database = await openDatabase({ databaseUrl: null, dataDir });
  await database.close();
  return dataDir;
}

async function makeServerTemplate(adminUrl: string, runDir: string): Promise<TestServer> {
  const namePrefix = `${randomName('paystream_test_')}_`;
  const server = { adminUrl, namePrefix, templateName: `${namePrefix}template` };
  await createDatabase(adminUrl, server.templateName);
  const database = await openDatabase({ databaseUrl: urlOf(server, server.templateName), dataDir: runDir });
  await database.close();
  return server;
}
