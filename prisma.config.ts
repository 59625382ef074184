import { fileURLToPath } from 'node:url';
import { defineConfig } from 'prisma/config';

// `generate`, `validate` and `format` need no engine binary, but the CLI would fetch one before it looks. Naming any existing file
// keeps them working where nothing but the npm registry can be reached; the file is never run.
const needsNoEngine = ['generate', 'validate', 'format'].some((command) => process.argv.includes(command));
if (needsNoEngine && !process.argv.includes('--sql')) {
  process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= fileURLToPath(import.meta.url);
}

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env.DATABASE_URL ?? '' },
});
