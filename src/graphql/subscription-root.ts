import { type DirectiveNode, type DocumentNode, GraphQLError, Kind, type SelectionSetNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/**
 * Refuses `@skip` and `@include` on the root field of a subscription, as the GraphQL specification does since 2025. If the directive removes
 * the field, there is nothing to subscribe to, and execution fails.
 */
export function requireSubscriptionField(): Plugin {
  return {
    onValidate({ params: { documentAST }, setResult }) {
      const errors = findConditions(documentAST).map(
        (directive) =>
          new GraphQLError(`@${directive.name.value} cannot be used on the root field of a subscription. Remove it.`, {
            nodes: directive,
          }),
      );
      if (errors.length > 0) setResult(errors);
    },
  };
}

function findConditions({ definitions }: DocumentNode): DirectiveNode[] {
  const seen = new Set<string>();
  const within = ({ selections }: SelectionSetNode): DirectiveNode[] =>
    selections.flatMap((selection) => {
      const found = (selection.directives ?? []).filter(
        ({ name }) => name.value === 'skip' || name.value === 'include',
      );
      if (selection.kind === Kind.FIELD) return found;
      if (selection.kind === Kind.INLINE_FRAGMENT) return [...found, ...within(selection.selectionSet)];
      return [...found, ...ofFragment(selection.name.value)];
    });
  const ofFragment = (name: string): DirectiveNode[] => {
    if (seen.has(name)) return [];
    seen.add(name);
    return definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name
        ? within(definition.selectionSet)
        : [],
    );
  };
  return definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION && definition.operation === 'subscription'
      ? within(definition.selectionSet)
      : [],
  );
}
