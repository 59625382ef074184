// Exits with 1 and the missing SQL when prisma/migrations and prisma/schema.prisma say different things.
import { readSchemaDrift } from './schema-engine.ts';

const sql = await readSchemaDrift();
if (sql === null) {
  console.log('The migrations make what prisma/schema.prisma says.');
} else {
  console.error(
    'The migrations do not make what prisma/schema.prisma says. Missing (`npm run migration -- <name>` writes it):\n',
  );
  console.error(sql);
  process.exitCode = 1;
}
