// `npm run migration -- add-something`: writes the next migration, which takes the tables from what the migrations make to what
// prisma/schema.prisma says. Read it before it is committed, and add what Prisma cannot say: checks, triggers, moves of data.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrationsDir } from '../src/database/migration-files.ts';
import { readSchemaDrift } from './schema-engine.ts';

/** What Prisma's tool does: a UTC time to the second, so that names sort by age. */
function makeFolderName(name: string, at: Date): string {
  const digits = at.toISOString().replace(/\D/g, '').slice(0, 14);
  return `${digits}_${name.replaceAll('-', '_')}`;
}

const [name] = process.argv.slice(2);
if (name === undefined || !/^[a-z0-9][a-z0-9_-]*$/.test(name)) {
  console.error('Say what it is for, in lower case: npm run migration -- add-something');
  process.exitCode = 1;
} else {
  const sql = await readSchemaDrift();
  if (sql === null) {
    console.log('Nothing to migrate: the migrations make what prisma/schema.prisma says.');
  } else {
    const dir = join(migrationsDir, makeFolderName(name, new Date()));
    mkdirSync(dir);
    writeFileSync(join(dir, 'migration.sql'), sql);
    console.log(`Wrote ${join(dir, 'migration.sql')}:\n\n${sql}`);
  }
}
