import { createHash } from 'node:crypto';
import { type DocumentNode, Kind, print, visit } from 'graphql';
import type { Viewer } from './viewer.ts';

/** A subscription, apart from who follows it. */
export type SubscriptionRequest = {
  readonly document: DocumentNode;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
};

type DocumentFacts = { readonly text: string; readonly positionVariables: ReadonlySet<string> };

/** Documents are cached by the parser, so the same text has the same document. */
const factsOf = new WeakMap<DocumentNode, DocumentFacts>();

/**
 * Identifies the subscriptions that get the same result for the same event. It names everything that the result depends on: the document,
 * the operation, the variables, and all of the caller that the execution knows. The variable with the position is left out, unless the
 * document uses it for something else as well.
 */
export function groupKeyOf({ document, operationName, variables }: SubscriptionRequest, viewer: Viewer): string {
  const { text, positionVariables } = knownFacts(document);
  const given = Object.entries(variables)
    .filter(([name]) => !positionVariables.has(name))
    .sort(([one], [other]) => (one < other ? -1 : 1));
  const { role, id, merchantId, customerId, orderId } = viewer;
  const parts = [text, operationName, given, role, id, merchantId, customerId, orderId];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}

function knownFacts(document: DocumentNode): DocumentFacts {
  const known = factsOf.get(document);
  if (known !== undefined) return known;
  const facts = {
    text: document.loc?.source.body ?? print(document),
    positionVariables: findPositionVariables(document),
  };
  factsOf.set(document, facts);
  return facts;
}

/** The variables that the document uses once, as `after` of a field at the root of an operation. */
function findPositionVariables(document: DocumentNode): ReadonlySet<string> {
  const positions = document.definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION && definition.operation === 'subscription'
      ? definition.selectionSet.selections.flatMap((selection) =>
          selection.kind === Kind.FIELD ? (selection.arguments ?? []).filter(({ name }) => name.value === 'after') : [],
        )
      : [],
  );
  const named = positions.flatMap(({ value }) => (value.kind === Kind.VARIABLE ? value.name.value : []));
  const uses = new Map<string, number>();
  visit(document, {
    VariableDefinition: () => false, // not a use
    Variable: ({ name }) => void uses.set(name.value, (uses.get(name.value) ?? 0) + 1),
  });
  return new Set(named.filter((name) => uses.get(name) === 1));
}
