import type { CodegenConfig } from '@graphql-codegen/cli';

const scalars = {
  DateTime: 'string',
  MinorUnits: 'number',
  CurrencyCode: 'string',
  EventCursor: 'string',
  Metadata: 'Record<string, string>',
};

/** Typed documents for the tests and the examples: `graphql(…)` knows what each operation takes and gives. And types for the pages. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  ignoreNoDocuments: true,
  generates: {
    'generated/graphql/': {
      documents: ['test/**/*.ts', 'examples/**/*.ts'],
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        importExtension: '.ts',
        emitLegacyCommonJSImports: false,
        scalars,
      },
    },
    // Types alone, so that the pages can be built without generating anything.
    'generated/web/operations.ts': {
      documents: ['web/**/*.{ts,tsx}'],
      plugins: ['typescript-operations'],
      config: { useTypeImports: true, enumsAsTypes: true, skipTypename: false, scalars },
    },
  },
};

export default config;
