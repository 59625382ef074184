import { complexityFromQuery } from '@pothos/plugin-complexity';
import {
  type ASTVisitor,
  type ExecutionArgs,
  GraphQLError,
  getOperationAST,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionNode,
  type ValidationContext,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';

/**
 * The limits of one document. They keep one request from occupying a node, and are checked before execution on every transport. `depth`,
 * `breadth` and `cost` are counted with the fragments where they are used, the others as the document is written.
 */
export const documentLimits = {
  /** Names, punctuators and values: the length of the document. */
  tokens: 4000,
  /** Levels of nested fields. */
  depth: 16,
  /** Fields. */
  breadth: 400,
  /** Fields times the rows that they may be resolved for. A page of 100 orders with all their relations costs a third of this. */
  cost: 100_000,
  aliases: 50,
  directives: 50,
  /** Fields at the root of a mutation. They are executed one after another. */
  mutationFields: 10,
} as const;

const measures = ['depth', 'breadth', 'complexity'] as const;
export const operationLimits = {
  depth: documentLimits.depth,
  breadth: documentLimits.breadth,
  complexity: documentLimits.cost,
} as const;

/** Reports that an operation as a whole exceeds a limit. */
export function operationTooComplex(measure: string): GraphQLError {
  const { depth, breadth, complexity } = operationLimits;
  return tooComplex(
    `The operation exceeds the limit of its ${measure}. The limits are: depth ${depth}, breadth ${breadth} fields, complexity ${complexity} (fields times rows). Select fewer fields, or smaller pages.`,
  );
}

/**
 * Measures a subscription, once for all its events, as the complexity plugin measures each query and mutation. The variables must be valid.
 *
 * @returns the error of one that exceeds a limit.
 */
export function excessOfSubscription(args: ExecutionArgs): GraphQLError | null {
  const { document, operationName, schema, variableValues } = args;
  // The plugin measures the first operation of a document, whatever its name.
  const operation = getOperationAST(document, operationName);
  const definitions = document.definitions.filter(
    (definition) => definition === operation || definition.kind !== Kind.OPERATION_DEFINITION,
  );
  const variables = { ...variableValues };
  const measured = complexityFromQuery({ ...document, definitions }, { schema, variables });
  const exceeded = measures.find((measure) => measured[measure] > operationLimits[measure]);
  return exceeded === undefined ? null : operationTooComplex(exceeded);
}

/** Reports that an operation exceeds one of the limits. */
function tooComplex(message: string, nodes?: SelectionNode | OperationDefinitionNode): GraphQLError {
  return new GraphQLError(message, { nodes, extensions: { code: 'QUERY_TOO_COMPLEX' } });
}

/** Enforces the limits of documents. Without introspection, `__schema` and `__type` are refused. */
export function limitDocuments({ hasIntrospection }: { readonly hasIntrospection: boolean }): Plugin {
  return {
    onParse({ parseFn, setParseFn }) {
      const { tokens: maxTokens } = documentLimits;
      setParseFn((source: string, options?: object) => parseFn(source, { ...options, maxTokens }));
    },
    onValidate({ addValidationRule }) {
      addValidationRule(countNodes);
      addValidationRule(countMutationFields);
      if (!hasIntrospection) addValidationRule(NoSchemaIntrospectionCustomRule);
    },
  };
}

function countNodes(context: ValidationContext): ASTVisitor {
  let aliases = 0;
  let directives = 0;
  return {
    Field(node) {
      if (node.alias === undefined) return;
      aliases += 1;
      // Once is enough: a document has thousands of them at worst.
      if (aliases !== documentLimits.aliases + 1) return;
      context.reportError(tooComplex(`The document has more than ${documentLimits.aliases} aliases.`, node));
    },
    Directive() {
      directives += 1;
      if (directives !== documentLimits.directives + 1) return;
      context.reportError(tooComplex(`The document has more than ${documentLimits.directives} directives.`));
    },
  };
}

function countMutationFields(context: ValidationContext): ASTVisitor {
  const { mutationFields: max } = documentLimits;
  return {
    OperationDefinition(operation) {
      if (operation.operation !== OperationTypeNode.MUTATION) return;
      if (fieldsWithin(context, operation.selectionSet.selections, max + 1) <= max) return;
      context.reportError(tooComplex(`A mutation may have at most ${max} fields at its root.`, operation));
    },
  };
}

/** Counts fields, with those of fragments, up to `max`. Fragments that use themselves are refused by another rule. */
function fieldsWithin(context: ValidationContext, root: readonly SelectionNode[], max: number): number {
  const counted = new Map<string, number>();
  const count = (selections: readonly SelectionNode[]): number => {
    let sum = 0;
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) sum += 1;
      else if (selection.kind === Kind.INLINE_FRAGMENT) sum += count(selection.selectionSet.selections);
      else sum += countFragment(selection.name.value);
      if (sum >= max) return max;
    }
    return sum;
  };
  const countFragment = (name: string): number => {
    const known = counted.get(name);
    if (known !== undefined) return known;
    counted.set(name, 0);
    const found = count(context.getFragment(name)?.selectionSet.selections ?? []);
    counted.set(name, found);
    return found;
  };
  return count(root);
}
