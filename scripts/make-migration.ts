// `npm run migration -- add-something` writes the next migration, which brings the tables from the existing migrations
// to prisma/schema.prisma. Review it before the commit, and add what Prisma cannot express: checks, triggers, data
// changes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrationsDir } from '../src/database/migration-files.ts';
import { readSchemaDrift } from './schema-engine.ts';

/** Prisma's naming: a UTC time to the second, so that names sort by age. */
function makeFolderName(name: string, at: Date): string {
  const digits = at.toISOString().replace(/\D/g, '').slice(0, 14);
  return `${digits}_${name.replaceAll('-', '_')}`;
}

const [name] = process.argv.slice(2);
if (name === undefined || !/^[a-z0-9][a-z0-9_-]*$/.test(name)) {
  console.error('State its purpose in lower case: npm run migration -- add-something');
  process.exitCode = 1;
} else {
  const sql = await readSchemaDrift();
  if (sql === null) {
    console.log('Nothing to migrate: the migrations match prisma/schema.prisma.');
  } else {
    const dir = join(migrationsDir, makeFolderName(name, new Date()));
    mkdirSync(dir);
    writeFileSync(join(dir, 'migration.sql'), sql);
    console.log(`Wrote ${join(dir, 'migration.sql')}:\n\n${sql}`);
  }
}
