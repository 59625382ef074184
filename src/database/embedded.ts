import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { createPgConfig } from '@electric-sql/pglite/node-postgres';
import type { CustomTypesConfig } from 'pg';
import { BoundedPool } from './bounded-pool.ts';

/**
 * An empty cluster, made by `npm run generate`. Making one takes PostgreSQL in WebAssembly about five seconds; copying it a quarter of
 * one. Where the template is missing, the cluster is made on the spot.
 */
export const clusterTemplateDir = fileURLToPath(new URL('../../prisma/generated/pglite', import.meta.url));

export type Embedded = {
  readonly lite: PGlite;
  readonly pool: BoundedPool;
  readonly systemIdentifier: string;
};

/**
 * Opens the cluster in `dir`, making it first when it is not there. The caller holds the lock of the data directory.
 * One session, one connection: everything waits for everything else. Nothing is lost by kill -9, but a power cut may lose or damage it,
 * for PGlite never syncs.
 */
export async function openEmbedded(dir: string, types: CustomTypesConfig): Promise<Embedded> {
  if (!existsSync(dir)) await makeCluster(dir);
  const systemIdentifier = identifyCluster(dir);
  const lite = await PGlite.create(dir);
  await lite.exec(`SET timezone = 'UTC'`); // one session serves every client of the pool, so once is enough
  return { lite, pool: createPool(lite, types), systemIdentifier };
}

/** Makes an empty cluster. It appears at `dir` whole or not at all, so that a crash in between leaves nothing to stumble on. */
export async function makeCluster(dir: string, templateDir: string = clusterTemplateDir): Promise<void> {
  const partial = `${dir}.partial`;
  rmSync(partial, { recursive: true, force: true });
  if (existsSync(templateDir))
    cpSync(templateDir, partial, { recursive: true }); // six times as fast as the asynchronous one
  else await initializeCluster(partial);
  renameSync(partial, dir);
}

export async function initializeCluster(dir: string): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const lite = await PGlite.create(dir);
  await lite.close();
}

/**
 * Copies of the template have the same `pg_control_system()`, so a cluster gets a name of its own beside its files: a copy of the
 * directory keeps it, as it keeps its transaction ids; a dump loaded into another directory does not.
 */
function identifyCluster(dir: string): string {
  const path = join(dir, 'cluster-id');
  if (!existsSync(path)) writeFileSync(path, randomUUID());
  return readFileSync(path, 'utf8');
}

function createPool(lite: PGlite, types: CustomTypesConfig): BoundedPool {
  const config = createPgConfig(lite);
  const parse = config.connection.parse.bind(config.connection);
  // Prisma's adapter passes an object of type parsers where the bridge expects the parameters' oids.
  config.connection.parse = (query) => parse({ ...query, types: Array.isArray(query.types) ? query.types : undefined });
  return new BoundedPool({ ...config, types, max: 1, idleTimeoutMillis: 0 });
}
