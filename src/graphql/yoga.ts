import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { GraphQLSchema } from 'graphql';
import {
  createYoga,
  handleStreamOrSingleExecutionResult,
  type Plugin,
  YogaServer,
  type YogaServerOptions,
} from 'graphql-yoga';
import type { ClientTokens } from '../commands/client-token.ts';
import type { OrderScope } from '../domain/actor.ts';
import type { Log } from '../domain/log.ts';
import type { Feeds } from '../events/feeds.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { type Authenticate, bearerTokenOf } from './authentication.ts';
import type { Administration, GraphqlContext, ReplayDelivery } from './context.ts';
import { limitDocuments } from './document-limits.ts';
import { renderGraphiqlPage } from './graphiql-page.ts';
import type { LiveSubscription } from './live-subscription.ts';
import { maskedError, withCode } from './mask.ts';
import { limitOperations, type OperationLimitParts } from './operation-limits.ts';
import { createOrderEventsLoader } from './order-events-loader.ts';
import { createOrderLoaders } from './order-loaders.ts';
import { requireOrigin } from './page-origin.ts';
import { isPlainPost, PlainAnswer, type Post, requestOf } from './plain-post.ts';
import { strictParams } from './request-params.ts';
import { shareSubscriptions } from './shared-subscriptions.ts';
import { requireSubscriptionField } from './subscription-root.ts';
import { requireTrusted, type TrustedDocuments } from './trusted-documents.ts';

/** The facts about a request that its transport (HTTP or WebSocket) passes in. */
export type RequestContext = {
  readonly requestId: string;
  readonly authorization: string | null;
  /** The origin of a page of another site; null for servers, and for our own pages. */
  readonly origin: string | null;
  readonly address: string;
  /** Identifies the WebSocket of the operation; null over HTTP and SSE. */
  readonly socket: object | null;
  /** The `Last-Event-ID` header; null over WebSocket, and for an empty one. */
  readonly lastEventId: string | null;
};

export type YogaParts = {
  readonly schema: GraphQLSchema;
  readonly commands: CommandContext;
  readonly feeds: Feeds;
  readonly logId: string;
  readonly authenticate: Authenticate;
  readonly clientTokens: ClientTokens | null;
  readonly hasIntrospection: boolean;
  readonly operationLimits: OperationLimitParts;
  /** Null when browsers may send any document. */
  readonly trustedDocuments: TrustedDocuments | null;
  readonly administration: Administration;
  readonly replayDelivery: ReplayDelivery;
  /** Opens the body of a response that is an event stream. */
  readonly openEventStream: (subscription: LiveSubscription) => Readable;
  /** The default tabs of GraphiQL and the token that it sends; null when GraphiQL is not served. */
  readonly graphiql: { readonly tabs: readonly { readonly query: string }[]; readonly token: string | null } | null;
};

export type GraphqlServer = {
  /** For HTTP and SSE. The WebSocket server uses its parsing, validation and execution. */
  readonly yoga: ReturnType<typeof createYoga<RequestContext, GraphqlContext>>;
  /**
   * Answers a plain post with the same steps, in the same order, as `yoga`: only the conversion of Node's request and response to those of
   * the Fetch API is left out. Null for any other request.
   */
  answerPlainPost(post: Post, context: RequestContext): Promise<PlainAnswer> | null;
};

export function createGraphqlServer(parts: YogaParts): GraphqlServer {
  const options = yogaOptionsOf(parts);
  const engine = new YogaServer<RequestContext, GraphqlContext>({
    ...options,
    graphiql: false,
    fetchAPI: { Response: PlainAnswer as unknown as typeof Response },
  });
  return {
    yoga: createYoga<RequestContext, GraphqlContext>(options),
    answerPlainPost(post, context) {
      if (!isPlainPost(post)) return null;
      return engine.handle(requestOf(post), context as never) as Promise<unknown> as Promise<PlainAnswer>;
    },
  };
}

function yogaOptionsOf({
  schema,
  commands,
  feeds,
  logId,
  authenticate,
  clientTokens,
  administration,
  replayDelivery,
  graphiql,
  hasIntrospection,
  operationLimits,
  trustedDocuments,
  openEventStream,
}: YogaParts): YogaServerOptions<RequestContext, GraphqlContext> {
  const { log, db } = commands;
  const server = { commands, feeds, logId, clientTokens, administration, replayDelivery };
  return {
    schema,
    graphqlEndpoint: '/graphql',
    landingPage: false,
    batching: false,
    multipart: false,
    logging: false,
    cors: false, // the HTTP server decides
    graphiql: (request) =>
      graphiql !== null && {
        title: 'Paystream',
        defaultTabs: [...graphiql.tabs],
        subscriptionsProtocol: 'SSE',
        // Not in the header editor: the browser would keep an old token after the data directory got a new one. Only for loopback
        // addresses: users on other machines must enter the token.
        ...(graphiql.token !== null &&
          isLoopback(request) && { additionalHeaders: { authorization: `Bearer ${graphiql.token}` } }),
      },
    renderGraphiQL: renderGraphiqlPage,
    // An error before the context exists has no request id yet.
    maskedErrors: { maskError: (error) => maskedError(error, randomUUID(), log) },
    plugins: [
      // First: it replaces the way in which subscriptions start, and those that refuse some of them wrap it.
      shareSubscriptions({ server, openEventStream }),
      ...(trustedDocuments === null ? [] : [requireTrusted(trustedDocuments)]),
      strictParams(),
      limitDocuments({ hasIntrospection }),
      requireSubscriptionField(),
      limitOperations(operationLimits),
      maskExecution(log),
      codeResults(),
    ],
    context: async ({ requestId, authorization, origin, address, socket, lastEventId }) => {
      const actor = await authenticate(authorization);
      if (actor !== null) requireOrigin(origin, actor);
      return {
        actor,
        hasToken: bearerTokenOf(authorization) !== null,
        ...server,
        ...{ requestId, address, socket, lastEventId },
        orderEvents: createOrderEventsLoader(db.pool, actor?.merchantId ?? ''),
        ...createOrderLoaders(db.pool, actor ?? nobody),
      };
    },
  };
}

/** A caller without a valid token sees no order. */
const nobody: OrderScope = { merchantId: '', customerId: null, orderId: null };

/** Guards against DNS rebinding: a foreign page can make its own host name resolve to 127.0.0.1, but then the request names that host. */
function isLoopback({ url }: Request): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}

/** Masks the errors of execution and subscription, and logs them with the id of the request. */
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

/** Adds a code to errors that occur before execution. */
function codeResults(): Plugin {
  return {
    onResultProcess({ result, setResult }) {
      if (Array.isArray(result) || Symbol.asyncIterator in result) return;
      const { errors } = result;
      if (errors) setResult({ ...result, errors: errors.map(withCode) });
    },
  };
}
