import {
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  type GraphQLError,
  getOperationAST,
  Kind,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { overloadIn } from '../database/errors.ts';
import { isObserved, observed, type Piece } from '../telemetry/observe.ts';
import type { GraphqlContext } from './context.ts';

/** Observes every operation, on every transport, from its first check to its result. */
export function observeOperations(): Plugin<GraphqlContext> {
  return {
    onExecute({ executeFn, setExecuteFn }) {
      if (isObserved()) setExecuteFn((args: ExecutionArgs) => run(executeFn, args));
    },
    onSubscribe({ subscribeFn, setSubscribeFn }) {
      if (isObserved()) setSubscribeFn((args: ExecutionArgs) => run(subscribeFn, args));
    },
  };
}

function run(execute: (args: ExecutionArgs) => unknown, args: ExecutionArgs): Promise<unknown> {
  return observed(pieceOf(args), async (watch) => {
    const result = await execute(args);
    const { errors = [] } = result as ExecutionResult;
    const [first] = errors;
    if (first !== undefined) watch.end(outcomeOf(first));
    return result;
  });
}

/** Names an operation by its kind and its first root field. The name that a client gives it may be anything, and is not used. */
function pieceOf({ document, operationName, contextValue, schema }: ExecutionArgs): Piece {
  const { requestId } = contextValue as GraphqlContext;
  const attributes = { requestId };
  const operation = getOperationAST(document, operationName);
  if (operation === null || operation === undefined) return { kind: 'operation', name: 'none', attributes };
  const fields = schema.getRootType(operation.operation)?.getFields() ?? {};
  const [first] = operation.selectionSet.selections.filter((node): node is FieldNode => node.kind === Kind.FIELD);
  const field = first?.name.value ?? 'fragment';
  const isKnown = field in fields || field === 'fragment';
  const name = isKnown ? field : field.startsWith('__') ? 'introspection' : 'unknown';
  return { kind: 'operation', name: `${operation.operation} ${name}`, attributes };
}

const outcomes: readonly string[] = [
  ...['unauthenticated', 'forbidden', 'bad_user_input', 'rate_limited', 'query_too_complex', 'overloaded'],
];

function outcomeOf({ extensions, originalError }: GraphQLError): string {
  const code = String(extensions?.code ?? '').toLowerCase();
  if (outcomes.includes(code)) return code;
  return originalError && overloadIn(originalError) !== null ? 'overloaded' : 'internal';
}
