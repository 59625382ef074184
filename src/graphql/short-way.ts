import { type DocumentNode, type ExecutionResult, getOperationAST, OperationTypeNode } from 'graphql';
import { isPromise, type Plugin, type YogaServer } from 'graphql-yoga';
import type { GraphqlContext, RequestContext } from './context.ts';
import type { KnownDocuments } from './known-documents.ts';
import { type PlainAnswer, type Post, requestOf } from './plain-post.ts';

type Engine = YogaServer<RequestContext, GraphqlContext>;

/** The answer to an operation without errors, of status 200. */
export type DataAnswer = { readonly contentType: string; readonly jsonText: string };

/** The parameters that Yoga would find in a body, with the document of their query. */
type Call = {
  readonly document: DocumentNode;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
  readonly operationName: string | null | undefined;
};

/** How an operation has ended that was executed on the short way: returns its result, or throws its error. */
type Ending = () => ExecutionResult;

/**
 * Answers a plain post whose document is known: executes it with the engine's own steps, all plugins included, and writes the result. Reading
 * the parameters with Yoga's hooks, and choosing the form of the answer, costs more than a small query.
 *
 * Everything else is left to Yoga, so that its rules exist once: a request with unusual parameters before it is executed, and a result with
 * errors or extensions afterwards. So a plugin that reads parameters, or changes results that have no errors, must be obeyed here as well.
 */
export function createShortWay(engine: Engine, known: KnownDocuments) {
  // Only promises are awaited: a wait costs about as much as a field.
  async function run(call: Call, post: Post, context: RequestContext): Promise<DataAnswer | PlainAnswer> {
    const { document, variables, operationName } = call;
    let ending: Ending;
    try {
      const { schema, contextFactory, execute } = engine.getEnveloped(context as never);
      const made = contextFactory() as GraphqlContext | Promise<GraphqlContext>;
      const contextValue = isPromise(made) ? await made : made;
      const executed = execute({ schema, document, contextValue, variableValues: variables, operationName });
      const result: ExecutionResult = isPromise(executed) ? await executed : executed;
      if (hasDataOnly(result)) return { contentType: contentTypeFor(post), jsonText: JSON.stringify(result) };
      ending = () => result;
    } catch (error) {
      ending = () => {
        throw error;
      };
    }
    return handle(engine, post, { ...context, ending });
  }

  return (post: Post, context: RequestContext): Promise<DataAnswer | PlainAnswer> => {
    const call = callOf(post, known);
    return call === null ? handle(engine, post, context) : run(call, post, context);
  };
}

/** Gives Yoga the result of an operation that was executed on the short way. Belongs to the plugins of the engine. */
export function takeEnding(): Plugin {
  return {
    onParams({ context, setResult }) {
      const { ending } = context as { readonly ending?: Ending };
      if (ending !== undefined) setResult(ending());
    },
  };
}

/** @param context where `takeEnding` finds an ending. */
function handle(
  engine: Engine,
  post: Post,
  context: RequestContext & { readonly ending?: Ending },
): Promise<PlainAnswer> {
  return engine.handle(requestOf(post), context as never) as Promise<unknown> as Promise<PlainAnswer>;
}

const usualNames: readonly string[] = ['query', 'variables', 'operationName'];

/** Null for parameters that Yoga refuses, or might read in another way, and for a document that it has to parse and validate first. */
function callOf({ body }: Post, known: KnownDocuments): Call | null {
  const parameters = parametersIn(body);
  if (parameters === null) return null;
  for (const name in parameters) if (!usualNames.includes(name)) return null;
  const { query, variables, operationName } = parameters;
  if (typeof query !== 'string') return null;
  if (variables != null && (typeof variables !== 'object' || Array.isArray(variables))) return null;
  if (operationName != null && typeof operationName !== 'string') return null;
  const document = known.find(query);
  const operation = document === null ? null : getOperationAST(document, operationName);
  if (document === null || operation == null || operation.operation === OperationTypeNode.SUBSCRIPTION) return null;
  return { document, variables: variables as Call['variables'], operationName };
}

function parametersIn(body: unknown): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(String(body));
    return typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}

function hasDataOnly(result: ExecutionResult): boolean {
  for (const name in result) if (name !== 'data') return false;
  return result.data !== undefined;
}

/** The first type that a plain post accepts. Yoga answers a wildcard with `application/json`. */
function contentTypeFor({ headers: { accept = '' } }: Post): string {
  const isNewer = accept.startsWith('application/graphql-response+json');
  return `application/${isNewer ? 'graphql-response+json' : 'json'}; charset=utf-8`;
}
