import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { type ExecutionArgs, GraphQLError, getOperationAST, type parse, type validate } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { bodyBytesMax } from './body.ts';
import { createSocketAnswers } from './socket-answers.ts';

/** The GraphQL server, as far as the socket entrance needs it. */
export type Enveloped = (initial: object) => {
  schema: ExecutionArgs['schema'];
  parse: typeof parse;
  validate: typeof validate;
  execute: (args: ExecutionArgs) => unknown;
  subscribe: (args: ExecutionArgs) => unknown;
  contextFactory: () => unknown;
};

type Executors = Pick<ReturnType<Enveloped>, 'execute' | 'subscribe'> & { begin(): void };

const connectionInitWaitMs = 10_000;
const pingIntervalMs = 30_000;
/** A client that does not answer our goodbye is cut off after this. */
const closeWaitMs = 2000;

/**
 * GraphQL over WebSocket on `/graphql` (graphql-transport-ws). The token travels in `connection_init` as `authorization`. What is
 * wrong with one operation is told to that operation; the others on the socket go on.
 *
 * `close` lets queries and mutations that are under way have their answers, for `drainMs`.
 */
export function serveWebSocket(server: Server, getEnveloped: Enveloped): { close(drainMs: number): Promise<void> } {
  const answers = createSocketAnswers();
  const sockets = new WebSocketServer({ server, path: '/graphql', maxPayload: bodyBytesMax, perMessageDeflate: false });
  const { dispose } = useServer(
    {
      connectionInitWaitTimeout: connectionInitWaitMs,
      execute: (args) => {
        const { begin, execute } = executorsOf(args);
        begin();
        return execute(args) as never;
      },
      subscribe: (args) => executorsOf(args).subscribe(args) as never,
      onComplete: ({ extra }, id) => answers.end(extra.socket, id),
      async onSubscribe({ connectionParams, extra }, id, { query, operationName, variables }) {
        const authorization = authorizationOf(connectionParams);
        const { schema, parse, validate, execute, subscribe, contextFactory } = getEnveloped({
          requestId: randomUUID(),
          authorization,
        });
        try {
          const document = parse(query);
          const errors = validate(schema, document);
          if (errors.length > 0) return errors.map(asBadInput);
          if (!getOperationAST(document, operationName)) {
            return [asBadInput(new GraphQLError('operationName names no operation of the document.'))];
          }
          const contextValue = await contextFactory();
          const executors: Executors = { execute, subscribe, begin: () => answers.begin(extra.socket, id) };
          return { schema, document, operationName, variableValues: variables, contextValue, rootValue: executors };
        } catch (error) {
          // A syntax error: thrown on, it would close the socket with everybody's operations.
          if (error instanceof GraphQLError) return [asBadInput(error)];
          // A document nested so deep that reading it runs out of stack is no better.
          if (error instanceof RangeError) return [asBadInput(new GraphQLError('The operation cannot be read.'))];
          throw error;
        }
      },
    },
    sockets,
    pingIntervalMs,
  );
  async function endSockets(drainMs: number): Promise<void> {
    await answers.drain(sockets.clients, drainMs);
    const disposed = dispose();
    const impatience = setTimeout(() => {
      for (const client of sockets.clients) client.terminate();
    }, closeWaitMs);
    await disposed;
    clearTimeout(impatience);
  }

  let ending: Promise<void> | null = null;
  return {
    close(drainMs) {
      ending ??= endSockets(drainMs);
      return ending;
    },
  };
}

function executorsOf({ rootValue }: { readonly rootValue?: unknown }): Executors {
  return rootValue as Executors;
}

function asBadInput(error: GraphQLError): GraphQLError {
  const { message, nodes, source, positions, path } = error;
  return new GraphQLError(message, { nodes, source, positions, path, extensions: { code: 'BAD_USER_INPUT' } });
}

function authorizationOf(params: Readonly<Record<string, unknown>> | undefined): string | null {
  const entry = Object.entries(params ?? {}).find(([name]) => name.toLowerCase() === 'authorization');
  return typeof entry?.[1] === 'string' ? entry[1] : null;
}
