import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { schema } from '../src/graphql/schema.ts';

// `npm run schema` writes schema.graphql. With --check it only compares the file with the code.
const file = fileURLToPath(new URL('../schema.graphql', import.meta.url));
const printed = `# Printed from src/graphql by \`npm run schema\`. Never edited by hand.\n\n${printSchema(lexicographicSortSchema(schema))}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(file, printed);
} else if (readFileSync(file, 'utf8') !== printed) {
  console.error('schema.graphql does not match the code. Run `npm run schema` and review the API change.');
  process.exitCode = 1;
}
