import type DataLoader from 'dataloader';
import { GraphQLError } from 'graphql';
import type { LogPosition } from '../events/cursor.ts';
import type { Wakes } from '../events/notifications.ts';
import type { Actor, CommandContext } from '../provider-calls/context.ts';
import type { OrderEventPage } from './event.ts';

/** What every resolver is handed: made anew for each request, and for each operation on a socket. */
export type GraphqlContext = {
  /** For whom; null without a valid token. */
  readonly actor: Actor | null;
  /** Whether there was a bearer token at all. */
  readonly hasToken: boolean;
  readonly commands: CommandContext;
  readonly wakes: Wakes;
  /** Names the log in cursors. */
  readonly logId: string;
  readonly requestId: string;
  readonly orderEvents: DataLoader<OrderEventsKey, OrderEventPage, string>;
};

/** Some of one order's events; pages of several orders with the same arguments are read together. */
export type OrderEventsKey = { readonly orderId: string; readonly first: number; readonly after: LogPosition | null };

/** @throws {GraphQLError} UNAUTHENTICATED without a valid token. */
export function actorOf({ actor, hasToken }: GraphqlContext): Actor {
  if (actor !== null) return actor;
  const why = hasToken
    ? 'The bearer token is not known here.'
    : 'A bearer token is required: Authorization: Bearer <token>.';
  throw new GraphQLError(why, { extensions: { code: 'UNAUTHENTICATED' } });
}

/** An argument that no typed result can tell of. The message names it. */
export function badUserInput(path: string, message: string): GraphQLError {
  return new GraphQLError(`${path}: ${message}`, { extensions: { code: 'BAD_USER_INPUT' } });
}
