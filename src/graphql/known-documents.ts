import type { DocumentNode } from 'graphql';
import { createLRUCache, type Plugin } from 'graphql-yoga';

/** The documents that were parsed and found valid, of which the most recent ones are kept. Both depend on the text alone. */
export type KnownDocuments = {
  /** Null when the text was not seen lately, or is no valid document. */
  find(text: string): DocumentNode | null;
  /** For Yoga's `parserAndValidationCache`: the one place where documents are kept. */
  readonly documentCache: ReturnType<typeof createLRUCache<DocumentNode>>;
  /** Notes which documents are valid. */
  readonly plugin: Plugin;
};

export function createKnownDocuments(): KnownDocuments {
  const documentCache = createLRUCache<DocumentNode>();
  const valid = new WeakSet<DocumentNode>();
  return {
    find(text) {
      const document = documentCache.get(text);
      return document !== undefined && valid.has(document) ? document : null;
    },
    documentCache,
    plugin: {
      onValidate:
        ({ params: { documentAST } }) =>
        ({ valid: isValid }) => {
          if (isValid) valid.add(documentAST);
        },
    },
  };
}
