// Exits with 1 and prints the missing SQL when prisma/migrations and prisma/schema.prisma differ.
import { readSchemaDrift } from './schema-engine.ts';

const sql = await readSchemaDrift();
if (sql === null) {
  console.log('The migrations match prisma/schema.prisma.');
} else {
  console.error(
    'The migrations do not match prisma/schema.prisma. Missing SQL (`npm run migration -- <name>` writes it):\n',
  );
  console.error(sql);
  process.exitCode = 1;
}
