import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory of the migrations. Each has a folder; they are applied in the order of the folder names. */
export const migrationsDir = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));

export type MigrationFile = {
  /** The folder's name: a UTC time of 14 digits, an underscore and the purpose. */
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the file's bytes in hex, as Prisma computes it. */
  readonly checksum: string;
};

/** Reads all migrations in `dir`, oldest first. */
export async function readMigrationFiles(dir: string = migrationsDir): Promise<MigrationFile[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(names.sort().map((name) => readMigrationFile(dir, name)));
}

async function readMigrationFile(dir: string, name: string): Promise<MigrationFile> {
  const bytes = await readFile(join(dir, name, 'migration.sql'));
  return { name, sql: bytes.toString('utf8'), checksum: createHash('sha256').update(bytes).digest('hex') };
}
