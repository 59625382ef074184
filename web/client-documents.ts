import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DocumentNode, type FragmentDefinitionNode, Kind, parse, print, visit } from 'graphql';
import type { Plugin } from 'vite';

const operations = fileURLToPath(new URL('../packages/client/src/operations.graphql', import.meta.url));
const moduleId = '\0paystream-client-documents';

/** The texts of operations as sources have them: what is sent, character by character. */
const written = /\/\* GraphQL \*\/\s*`([^`]*)`/g;

/**
 * Writes `documents.json`, the texts of all operations that the pages send, so that a server that takes only trusted documents from browsers
 * takes these.
 */
export function documentList(): Plugin {
  const texts = new Set<string>();
  return {
    name: 'document-list',
    transform: {
      order: 'pre',
      handler(code, id) {
        if (id === moduleId) for (const text of clientTexts().values()) texts.add(text);
        for (const [, text = ''] of code.matchAll(written)) {
          if (text.includes('${')) this.error(`${id}: an operation that is put together cannot be listed.`);
          texts.add(text);
        }
        return null;
      },
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'documents.json', source: JSON.stringify([...texts]) });
    },
  };
}

/**
 * The operations of the client library as texts. Its own build takes them from a code generator, which is not there where only what the
 * server runs on is installed.
 */
export function clientDocuments(): Plugin {
  return {
    name: 'client-documents',
    enforce: 'pre',
    resolveId: (source, importer) =>
      source.endsWith('/generated/graphql.ts') && importer?.includes('/packages/client/') ? moduleId : null,
    load(id) {
      if (id !== moduleId) return null;
      this.addWatchFile(operations);
      return [...clientTexts()]
        .map(([name, text]) => `export const ${name}Document = ${JSON.stringify(text)};`)
        .join('\n');
    },
  };
}

/** The texts of the operations by name, each with the fragments that it uses. */
function clientTexts(): ReadonlyMap<string, string> {
  return textsOf(parse(readFileSync(operations, 'utf8'), { noLocation: true }));
}

function textsOf({ definitions }: DocumentNode): ReadonlyMap<string, string> {
  const fragments = new Map(
    definitions.filter((node) => node.kind === Kind.FRAGMENT_DEFINITION).map((node) => [node.name.value, node]),
  );
  const own = definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  return new Map(
    own.map((node) => {
      const used = new Set<FragmentDefinitionNode>();
      const collect = (part: typeof node | FragmentDefinitionNode) =>
        visit(part, {
          FragmentSpread({ name }) {
            const fragment = fragments.get(name.value);
            if (fragment === undefined) throw new Error(`No fragment ${name.value} in ${operations}.`);
            if (used.has(fragment)) return;
            used.add(fragment);
            collect(fragment);
          },
        });
      collect(node);
      return [node.name?.value ?? '', [node, ...used].map((part) => print(part)).join('\n')];
    }),
  );
}
