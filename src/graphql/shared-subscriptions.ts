import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, execute } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { encodeCursor } from '../events/cursor.ts';
import { FollowedEvents } from '../events/followed-events.ts';
import type { LoggedEvent } from '../events/log.ts';
import { actorOf, type GraphqlContext } from './context.ts';
import { excessOfSubscription } from './document-limits.ts';
import { groupKeyOf, type SubscriptionRequest } from './group-key.ts';
import { LiveSubscription } from './live-subscription.ts';
import { maskedError } from './mask.ts';
import { executePatiently, overloadsIn } from './patient-execution.ts';
import { createSharedFrames, type MakeFrame } from './shared-frames.ts';
import { contextOfViewer, type ServerContext, type Viewer, viewerOf } from './viewer.ts';

export type SharedSubscriptionParts = {
  readonly server: ServerContext;
  /** Opens the body of a response that is an event stream. */
  readonly openEventStream: (subscription: LiveSubscription) => Readable;
};

/**
 * Starts subscriptions, and executes each event once for all that get the same result. The transports get a LiveSubscription in place of
 * an iterator: for thousands of subscriptions, iterators cost more than the sending.
 */
export function shareSubscriptions({ server, openEventStream }: SharedSubscriptionParts): Plugin<GraphqlContext> {
  const frames = createSharedFrames(server.feeds.slices);

  async function start(args: ExecutionArgs): Promise<ExecutionResult | LiveSubscription> {
    const events = await createSourceEventStream(args);
    if (!(events instanceof FollowedEvents)) return events as ExecutionResult; // the errors of the field's `subscribe`
    const excess = excessOfSubscription(args);
    if (excess !== null) return { errors: [excess] };
    const caller = actorOf(args.contextValue as GraphqlContext);
    const { document, operationName = null, variableValues } = args;
    const request = { document, operationName, variables: variableValues ?? {} };
    const viewer = viewerOf(caller);
    const make = createMake(server, args.schema, request, viewer);
    const group = frames.enter(groupKeyOf(request, viewer), make, cursorIn(server.logId, events.scope));
    return new LiveSubscription(events, group, caller.revoked);
  }

  return {
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn(start);
    },
    onResultProcess({ request, result, setResultProcessor }) {
      if (!(result instanceof LiveSubscription)) return;
      const { headers } = request;
      setResultProcessor((_result, { Response }) => {
        if (acceptsEventStream(headers.get('accept')))
          return new Response(openEventStream(result) as never, { headers: { 'content-type': 'text/event-stream' } });
        result.end();
        return new Response(null, { status: 406 });
      }, 'text/event-stream');
    },
  };
}

/** The same cursor as that of the event in the result, which need not select it. */
function cursorIn(logId: string, scope: FollowedEvents['scope']): (event: LoggedEvent) => string {
  return (event) => encodeCursor(logId, scope === 'merchant' ? scope : { orderId: event.orderId }, event);
}

function acceptsEventStream(accept: string | null): boolean {
  return /(^|[\s,])(text\/event-stream|text\/\*|\*\/\*)/.test(accept ?? '*/*');
}

/**
 * Executes events for one group. While the database is away, the execution is repeated for as long as somebody waits for it, as reading the log
 * is: a subscriber that got an error in place of an event would have missed it.
 */
function createMake(
  server: ServerContext,
  schema: ExecutionArgs['schema'],
  { document, operationName, variables }: SubscriptionRequest,
  viewer: Viewer,
): MakeFrame {
  const { reads } = server.feeds;
  const { log } = server.commands;
  const context = contextOfViewer(server, viewer);

  function run(event: LoggedEvent, requestId: string): ExecutionResult | Promise<ExecutionResult> {
    const contextValue: GraphqlContext = { ...context, requestId };
    return execute({ schema, document, operationName, variableValues: variables, contextValue, rootValue: event }) as
      | ExecutionResult
      | Promise<ExecutionResult>;
  }

  async function runPatiently(event: LoggedEvent, requestId: string, isWanted: () => boolean): Promise<string | null> {
    const result = await executePatiently({
      attempt: () => reads.run(async () => (isWanted() ? run(event, requestId) : null)),
      isWanted,
      onGiveUp: (err) =>
        log.warn({ err, requestId, eventId: event.id }, 'an event cannot be read for its subscribers, who are cut off'),
    });
    return result === null ? null : textOf(result, requestId);
  }

  function textOf({ errors, ...result }: ExecutionResult, requestId: string): string {
    const masked = errors?.map((error) => maskedError(error, requestId, log));
    return JSON.stringify({ ...result, ...(masked && { errors: masked }) });
  }

  /** Executes at once if it can, because most results need no other read. */
  function make(event: LoggedEvent, requestId: string, isWanted: () => boolean): string | Promise<string | null> {
    const leave = reads.takeNow();
    if (leave === null) return runPatiently(event, requestId, isWanted);
    const result = run(event, requestId);
    if (!(result instanceof Promise)) {
      leave();
      return textOf(result, requestId);
    }
    return result
      .finally(leave)
      .then((ended) =>
        overloadsIn(ended).length > 0 ? runPatiently(event, requestId, isWanted) : textOf(ended, requestId),
      );
  }

  return (event, isWanted) => {
    const requestId = randomUUID();
    const failed = (error: unknown) => textOf({ errors: [maskedError(error, requestId, log)] }, requestId);
    try {
      const made = make(event, requestId, isWanted);
      return typeof made === 'string' ? made : made.catch(failed);
    } catch (error) {
      return failed(error);
    }
  };
}
