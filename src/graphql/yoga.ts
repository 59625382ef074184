import { randomUUID } from 'node:crypto';
import type { GraphQLSchema } from 'graphql';
import { createYoga, handleStreamOrSingleExecutionResult, type Plugin, shouldRenderGraphiQL } from 'graphql-yoga';
import type { Log } from '../domain/log.ts';
import type { Wakes } from '../events/notifications.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { type Authenticate, bearerTokenOf } from './authentication.ts';
import type { GraphqlContext } from './context.ts';
import { renderGraphiqlPage } from './graphiql-page.ts';
import { maskedError, withCode } from './mask.ts';
import { createOrderEventsLoader } from './order-events-loader.ts';
import { strictParams } from './request-params.ts';
import { requireSubscriptionField } from './subscription-root.ts';

/** What the entrance knows of a request, over HTTP or over a socket. */
export type RequestContext = { readonly requestId: string; readonly authorization: string | null };

export type YogaParts = {
  readonly schema: GraphQLSchema;
  readonly commands: CommandContext;
  readonly wakes: Wakes;
  readonly logId: string;
  readonly authenticate: Authenticate;
  /** What GraphiQL opens with, and the token that it sends; null where it is not served. */
  readonly graphiql: { readonly tabs: readonly { readonly query: string }[]; readonly token: string | null } | null;
};

export type YogaServer = ReturnType<typeof createGraphqlServer>;

const documentTokensMax = 4000;

/** The GraphQL server over HTTP and SSE; the WebSocket entrance borrows its parsing, validation and execution. */
export function createGraphqlServer({ schema, commands, wakes, logId, authenticate, graphiql }: YogaParts) {
  const { log, db } = commands;
  return createYoga<RequestContext, GraphqlContext>({
    schema,
    graphqlEndpoint: '/graphql',
    landingPage: false,
    batching: false,
    multipart: false,
    logging: false,
    // Any page may call the API with a token that it has; none may read GraphiQL, which has one.
    cors: (request) =>
      shouldRenderGraphiQL(request)
        ? false
        : {
            ...{ origin: '*', credentials: false, methods: ['GET', 'POST', 'OPTIONS'], maxAge: 7200 },
            exposedHeaders: ['x-request-id', 'retry-after'],
          },
    graphiql: (request) =>
      graphiql !== null && {
        title: 'Paystream',
        defaultTabs: [...graphiql.tabs],
        subscriptionsProtocol: 'SSE',
        // Not in the header editor, which a browser keeps for longer than a data directory keeps its token; and only on this very
        // machine, asked for by its own name: others must type the token in.
        ...(graphiql.token !== null &&
          isLoopback(request) && { additionalHeaders: { authorization: `Bearer ${graphiql.token}` } }),
      },
    renderGraphiQL: renderGraphiqlPage,
    // What fails before there is a context, and so a request id of the entrance, gets one of its own.
    maskedErrors: { maskError: (error) => maskedError(error, randomUUID(), log) },
    plugins: [strictParams(), limitTokens(), requireSubscriptionField(), maskExecution(log), codeResults()],
    context: ({ requestId, authorization }) => {
      const actor = authenticate(authorization);
      return {
        actor,
        hasToken: bearerTokenOf(authorization) !== null,
        commands,
        wakes,
        logId,
        requestId,
        orderEvents: createOrderEventsLoader(db.pool, actor?.merchantId ?? ''),
      };
    },
  });
}

/** Whoever finds another name in the address was led here by a page that made that name point to us. */
function isLoopback({ url }: Request): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}

/** A document is refused as soon as it turns out to be too long, before anything is made of it. */
function limitTokens(): Plugin {
  return {
    onParse({ parseFn, setParseFn }) {
      setParseFn((source: string, options?: object) => parseFn(source, { ...options, maxTokens: documentTokensMax }));
    },
  };
}

/** Masks what execution and subscribing throw, under the id of the request. */
function maskExecution(log: Log): Plugin<GraphqlContext> {
  type Handle = Parameters<typeof handleStreamOrSingleExecutionResult<GraphqlContext>>[1];
  const maskIn =
    ({ requestId }: GraphqlContext): Handle =>
    ({ result, setResult }) => {
      const { errors } = result;
      if (errors) setResult({ ...result, errors: errors.map((error) => maskedError(error, requestId, log)) });
    };
  return {
    onExecute: ({ args: { contextValue } }) => ({
      onExecuteDone: (payload) => handleStreamOrSingleExecutionResult(payload, maskIn(contextValue)),
    }),
    onSubscribe: ({ args: { contextValue } }) => ({
      onSubscribeResult: (payload) => handleStreamOrSingleExecutionResult(payload, maskIn(contextValue)),
      onSubscribeError: ({ error, setError }) => setError(maskedError(error, contextValue.requestId, log)),
    }),
  };
}

/** Errors that arise before execution carry a code as well. */
function codeResults(): Plugin {
  return {
    onResultProcess({ result, setResult }) {
      if (Array.isArray(result) || Symbol.asyncIterator in result) return;
      const { errors } = result;
      if (errors) setResult({ ...result, errors: errors.map(withCode) });
    },
  };
}
