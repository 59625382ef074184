import type { CodegenConfig } from '@graphql-codegen/cli';

/** Typed documents for the tests and the examples: `graphql(…)` knows what each operation takes and gives. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: ['test/**/*.ts', 'examples/**/*.ts'],
  ignoreNoDocuments: true,
  generates: {
    'generated/graphql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        importExtension: '.ts',
        emitLegacyCommonJSImports: false,
        scalars: {
          DateTime: 'string',
          MinorUnits: 'number',
          CurrencyCode: 'string',
          EventCursor: 'string',
          Metadata: 'Record<string, string>',
        },
      },
    },
  },
};

export default config;
