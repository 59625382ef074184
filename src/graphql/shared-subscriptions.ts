import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, execute } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { overloadIn } from '../database/database.ts';
import { encodeCursor } from '../events/cursor.ts';
import { FollowedEvents } from '../events/followed-events.ts';
import type { LoggedEvent } from '../events/log.ts';
import { actorOf, type GraphqlContext } from './context.ts';
import { excessOfSubscription } from './document-limits.ts';
import { groupKeyOf, type SubscriptionRequest } from './group-key.ts';
import { LiveSubscription } from './live-subscription.ts';
import { maskedError } from './mask.ts';
import { createSharedFrames, type MakeFrame } from './shared-frames.ts';
import { contextOfViewer, type ServerContext, type Viewer, viewerOf } from './viewer.ts';

export type SharedSubscriptionParts = {
  readonly server: ServerContext;
  /** Opens the body of a response that is an event stream. */
  readonly openEventStream: (subscription: LiveSubscription) => Readable;
};

const retryDelayMs = 1000;
/** Then the subscribers get the error, because it may be one of the operation, such as a statement that always takes too long. */
const attemptsMax = 30;

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
 * Executes events for one group. While the database is away, the execution is repeated, as reading the log is: a subscriber that got an
 * error in place of an event would have missed it.
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

  async function runPatiently(event: LoggedEvent, requestId: string): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      const result = await reads.run(async () => run(event, requestId));
      if (attempt === attemptsMax || !isOverloaded(result)) return textOf(result, requestId);
      await delay(retryDelayMs);
    }
  }

  function textOf({ errors, ...result }: ExecutionResult, requestId: string): string {
    const masked = errors?.map((error) => maskedError(error, requestId, log));
    return JSON.stringify({ ...result, ...(masked && { errors: masked }) });
  }

  /** Executes at once if it can, because most results need no other read. */
  function make(event: LoggedEvent, requestId: string): string | Promise<string> {
    const leave = reads.takeNow();
    if (leave === null) return runPatiently(event, requestId);
    const result = run(event, requestId);
    if (!(result instanceof Promise)) {
      leave();
      return textOf(result, requestId);
    }
    return result
      .finally(leave)
      .then((ended) => (isOverloaded(ended) ? runPatiently(event, requestId) : textOf(ended, requestId)));
  }

  return (event) => {
    const requestId = randomUUID();
    const failed = (error: unknown) => textOf({ errors: [maskedError(error, requestId, log)] }, requestId);
    try {
      const made = make(event, requestId);
      return typeof made === 'string' ? made : made.catch(failed);
    } catch (error) {
      return failed(error);
    }
  };
}

function isOverloaded({ errors = [] }: ExecutionResult): boolean {
  return errors.some(({ originalError }) => overloadIn(originalError) !== null);
}
