import { GraphQLError } from 'graphql';
import type { MasterKeys } from '../accounts/master-key.ts';
import type { ClientTokens } from '../commands/client-token.ts';
import type { OrderEvent } from '../domain/event.ts';
import type { Log } from '../domain/log.ts';
import type { Feeds } from '../events/feeds.ts';
import type { DestinationRules } from '../outgoing/destination.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import type { Caller } from './authentication.ts';
import type { OrderEventsLoader } from './order-events-loader.ts';
import type { OrderLoaders } from './order-loaders.ts';

/** What the mutations on keys and provider accounts need of the server. */
export type Administration = {
  readonly masterKeys: MasterKeys | null;
  readonly isProduction: boolean;
  readonly publicUrl: string;
  readonly webhookRules: DestinationRules;
};

/** Applies the kept body of a merchant's delivery again, or says what that would do. `log` is that of the request. */
export type ReplayDelivery = (
  log: Log,
  merchantId: string,
  deliveryId: string,
  isDryRun: boolean,
) => Promise<{ readonly outcome: DeliveryOutcome; readonly events: readonly OrderEvent[] }>;

type DeliveryOutcome = {
  readonly status: 'APPLIED' | 'IGNORED' | 'REVIEW' | 'POSTPONED';
  readonly reason: string | null;
};

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

/** The context of every resolver. Each HTTP request and each operation on a WebSocket gets its own. */
export type GraphqlContext = OrderLoaders & {
  /** The caller; null without a valid token. */
  readonly actor: Caller | null;
  /** True when the request carries a bearer token, valid or not. */
  readonly hasToken: boolean;
  readonly commands: CommandContext;
  readonly feeds: Feeds;
  /** Identifies the event log in cursors. */
  readonly logId: string;
  readonly requestId: string;
  /** The address of the client. */
  readonly address: string;
  /** Identifies the WebSocket of the operation; null over HTTP and SSE. */
  readonly socket: object | null;
  /** The id of the last event that an EventSource got before it reconnected; null for other requests. */
  readonly lastEventId: string | null;
  /** True when the limits of the operation are kept for certain: it was measured when its subscription began, or the document is our own. */
  readonly isMeasured: boolean;
  readonly administration: Administration;
  readonly replayDelivery: ReplayDelivery;
  /** Null on a server without a master key. */
  readonly clientTokens: ClientTokens | null;
  readonly orderEvents: OrderEventsLoader;
};

/** @throws {GraphQLError} UNAUTHENTICATED without a valid token. */
export function actorOf({ actor, hasToken }: GraphqlContext): Caller {
  if (actor !== null) return actor;
  const message = hasToken
    ? 'The bearer token is not valid.'
    : 'A bearer token is required: Authorization: Bearer <token>.';
  throw new GraphQLError(message, { extensions: { code: 'UNAUTHENTICATED' } });
}

/** Reports a bad argument of a field whose result has no error types. The message begins with `path`, the argument's name. */
export function badUserInput(path: string, message: string): GraphQLError {
  return new GraphQLError(`${path}: ${message}`, { extensions: { code: 'BAD_USER_INPUT' } });
}
