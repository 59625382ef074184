import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { createPgConfig } from '@electric-sql/pglite/node-postgres';
import type { CustomTypesConfig } from 'pg';
import { BoundedPool } from './bounded-pool.ts';
import { renewPlans } from './planning.ts';

/**
 * The template of an empty cluster, created by `npm run generate`. Creating a cluster takes PostgreSQL in WebAssembly
 * about five seconds; a copy takes a quarter of a second. Without the template, the cluster is created from scratch.
 */
export const clusterTemplateDir = fileURLToPath(new URL('../../prisma/generated/pglite', import.meta.url));

export type Embedded = {
  readonly lite: PGlite;
  readonly pool: BoundedPool;
  readonly systemIdentifier: string;
};

/**
 * Opens the cluster in `dir`, and creates it first when it is missing. The caller holds the lock of the data directory.
 * The cluster has one session and one connection, so all work is serialized. Nothing is lost by kill -9, but a power
 * cut may lose or damage data, because PGlite never syncs.
 */
export async function openEmbedded(dir: string, types: CustomTypesConfig): Promise<Embedded> {
  if (!existsSync(dir)) await makeCluster(dir);
  const systemIdentifier = identifyCluster(dir);
  const lite = await PGlite.create(dir);
  await lite.exec(`SET timezone = 'UTC'`); // the one session serves every client of the pool
  return { lite, pool: createPool(lite, types), systemIdentifier };
}

/** Creates an empty cluster. It appears at `dir` complete or not at all, so that a crash leaves no partial cluster. */
export async function makeCluster(dir: string, templateDir: string = clusterTemplateDir): Promise<void> {
  const partial = `${dir}.partial`;
  rmSync(partial, { recursive: true, force: true });
  if (existsSync(templateDir))
    cpSync(templateDir, partial, { recursive: true }); // six times as fast as the asynchronous copy
  else await initializeCluster(partial);
  renameSync(partial, dir);
}

export async function initializeCluster(dir: string): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const lite = await PGlite.create(dir);
  await lite.close();
}

/**
 * Returns the id of the cluster, which is stored beside its files, because all copies of the template have the same
 * `pg_control_system()`. A copy of the directory keeps the id and its transaction ids. A dump that is loaded into
 * another directory does not.
 */
function identifyCluster(dir: string): string {
  const path = join(dir, 'cluster-id');
  if (!existsSync(path)) writeFileSync(path, randomUUID());
  return readFileSync(path, 'utf8');
}

function createPool(lite: PGlite, types: CustomTypesConfig): BoundedPool {
  const config = createPgConfig(lite);
  const parse = config.connection.parse.bind(config.connection);
  // Prisma's adapter passes an object of type parsers, but the bridge expects the oids of the parameters.
  config.connection.parse = (query) => parse({ ...query, types: Array.isArray(query.types) ? query.types : undefined });
  const pool = new BoundedPool({ ...config, types, max: 1, idleTimeoutMillis: 0, pipeline: true });
  renewPlans(pool);
  return pool;
}
