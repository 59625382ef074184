import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { schema } from '../src/graphql/schema.ts';

// `npm run schema` writes schema.graphql; with --check it only says whether the file is what the code would print.
const file = fileURLToPath(new URL('../schema.graphql', import.meta.url));
const printed = `# Printed from src/graphql by \`npm run schema\`. Never edited by hand.\n\n${printSchema(lexicographicSortSchema(schema))}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(file, printed);
} else if (readFileSync(file, 'utf8') !== printed) {
  console.error(
    'schema.graphql is not what the code prints. Run `npm run schema` and look at what changes in the API.',
  );
  process.exitCode = 1;
}
