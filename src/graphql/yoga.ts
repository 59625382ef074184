import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type ExecutionArgs, type ExecutionResult, execute, GraphQLError, type GraphQLSchema } from 'graphql';
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
import { logOfRequest } from '../logging/request-log.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { type Authenticate, bearerTokenOf, type Caller } from './authentication.ts';
import type { Administration, GraphqlContext, ReplayDelivery, RequestContext } from './context.ts';
import { limitDocuments } from './document-limits.ts';
import { renderGraphiqlPage } from './graphiql-page.ts';
import { createKnownDocuments } from './known-documents.ts';
import type { LiveSubscription } from './live-subscription.ts';
import { maskedError, withCode } from './mask.ts';
import { observeOperations } from './observed-operations.ts';
import { limitOperations, type OperationLimitParts } from './operation-limits.ts';
import { createOrderEventsLoader } from './order-events-loader.ts';
import { createOrderLoaders } from './order-loaders.ts';
import { requireOrigin } from './page-origin.ts';
import { isPlainPost, PlainAnswer, type Post } from './plain-post.ts';
import { strictParams } from './request-params.ts';
import { shareSubscriptions } from './shared-subscriptions.ts';
import { createShortWay, type DataAnswer, takeEnding } from './short-way.ts';
import { requireSubscriptionField } from './subscription-root.ts';
import { requireTrusted, type TrustedDocuments } from './trusted-documents.ts';

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
   * Answers a plain post with the same steps, in the same order, as `yoga`, without the conversion of Node's request and response to those of
   * the Fetch API. Null for any other request.
   */
  answerPlainPost(post: Post, context: RequestContext): Promise<DataAnswer | PlainAnswer> | null;
};

export function createGraphqlServer(parts: YogaParts): GraphqlServer {
  const options = yogaOptionsOf(parts);
  const known = createKnownDocuments();
  const engine = new YogaServer<RequestContext, GraphqlContext>({
    ...options,
    graphiql: false,
    parserAndValidationCache: { documentCache: known.documentCache },
    plugins: [...(options.plugins ?? []), known.plugin, takeEnding()],
    fetchAPI: { Response: PlainAnswer as unknown as typeof Response },
  });
  const answer = createShortWay(engine, known);
  return {
    yoga: createYoga<RequestContext, GraphqlContext>(options),
    answerPlainPost: (post, context) => (isPlainPost(post) ? answer(post, context) : null),
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
      // These two come first: they replace the ways in which operations are executed and subscriptions start, and those that refuse some of them wrap them.
      withGraphqlExecute(),
      shareSubscriptions({ server, openEventStream }),
      ...(trustedDocuments === null ? [] : [requireTrusted(trustedDocuments)]),
      strictParams(),
      limitDocuments({ hasIntrospection }),
      requireSubscriptionField(),
      limitOperations(operationLimits),
      // After what refuses operations, so that it sees those as well.
      observeOperations(),
      maskExecution(log),
      codeResults(),
    ],
    context(request) {
      const { authorization } = request;
      const found = authenticate(authorization);
      return found instanceof Promise ? found.then((actor) => contextOf(request, actor)) : contextOf(request, found);
    },
  };

  function contextOf(
    { requestId, authorization, origin, address, socket, lastEventId }: RequestContext,
    actor: Caller | null,
  ): GraphqlContext {
    if (actor !== null) requireOrigin(origin, actor);
    return {
      actor,
      hasToken: actor !== null || bearerTokenOf(authorization) !== null,
      ...server,
      commands: { ...commands, log: logOfRequest(log, requestId) },
      ...{ requestId, address, socket, lastEventId, isMeasured: false },
      orderEvents: createOrderEventsLoader(db.pool, actor?.merchantId ?? ''),
      ...createOrderLoaders(db.pool, actor ?? nobody),
    };
  }
}

/** A caller without a valid token sees no order. */
const nobody: OrderScope = { merchantId: '', customerId: null, orderId: null };

/** Guards against DNS rebinding: a foreign page can make its own host name resolve to 127.0.0.1, but then the request names that host. */
function isLoopback({ url }: Request): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}

/** Yoga's own executor adds what this API does not have, such as results in parts, and takes more time. */
function withGraphqlExecute(): Plugin {
  return {
    onExecute({ setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => {
        const result = execute(args) as ExecutionResult | Promise<ExecutionResult>;
        // Only an operation that cannot be executed, such as one with invalid variables, ends without data, and at once.
        return result instanceof Promise || result.data !== undefined ? result : refused(result);
      });
    },
  };
}

/** Over HTTP the answer has the status 400. */
function refused({ errors = [] }: ExecutionResult): ExecutionResult {
  return {
    errors: errors.map(({ message, nodes, source, positions, path, originalError, extensions }) => {
      const more = { ...extensions, http: { status: 400 } };
      return new GraphQLError(message, { nodes, source, positions, path, originalError, extensions: more });
    }),
  };
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
