import type { CodegenConfig } from '@graphql-codegen/cli';
import { scalars } from './src/codegen.ts';

/** Typed documents of the client, as texts: the package needs no parser of GraphQL. Run from this folder. */
const config: CodegenConfig = {
  schema: '../../schema.graphql',
  documents: ['src/operations.graphql'],
  generates: {
    'generated/possible-types.ts': { plugins: ['./possible-types.mjs'] },
    'generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        pureMagicComment: true,
        useTypeImports: true,
        enumsAsTypes: true,
        importExtension: '.ts',
        emitLegacyCommonJSImports: false,
        scalars,
      },
    },
  },
};

export default config;
