import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, execute } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { FollowedEvents } from '../events/followed-events.ts';
import type { LoggedEvent } from '../events/log.ts';
import { actorOf, type GraphqlContext } from './context.ts';
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

/**
 * Starts subscriptions, and executes each event once for all that get the same result. The transports get a LiveSubscription in place of
 * an iterator: for thousands of subscriptions, iterators cost more than the sending.
 */
export function shareSubscriptions({ server, openEventStream }: SharedSubscriptionParts): Plugin<GraphqlContext> {
  const frames = createSharedFrames(server.feeds.slices);

  async function start(args: ExecutionArgs): Promise<ExecutionResult | LiveSubscription> {
    const events = await createSourceEventStream(args);
    if (!(events instanceof FollowedEvents)) return events as ExecutionResult; // the errors of the field's `subscribe`
    const caller = actorOf(args.contextValue as GraphqlContext);
    const { document, operationName = null, variableValues } = args;
    const request = { document, operationName, variables: variableValues ?? {} };
    const viewer = viewerOf(caller);
    const group = frames.enter(groupKeyOf(request, viewer), createMake(server, args.schema, request, viewer));
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

function acceptsEventStream(accept: string | null): boolean {
  return /(^|[\s,])(text\/event-stream|text\/\*|\*\/\*)/.test(accept ?? '*/*');
}

function createMake(
  server: ServerContext,
  schema: ExecutionArgs['schema'],
  { document, operationName, variables }: SubscriptionRequest,
  viewer: Viewer,
): MakeFrame {
  const { reads } = server.feeds;
  const { log } = server.commands;

  function run(event: LoggedEvent): string | Promise<string> {
    const requestId = randomUUID();
    const textOf = ({ errors, ...result }: ExecutionResult) =>
      JSON.stringify({
        ...result,
        ...(errors && { errors: errors.map((error) => maskedError(error, requestId, log)) }),
      });
    const failed = (error: unknown) => textOf({ errors: [maskedError(error, requestId, log)] });
    try {
      const contextValue = contextOfViewer(server, viewer, requestId);
      const args = { schema, document, operationName, variableValues: variables, contextValue, rootValue: event };
      const result = execute(args);
      return result instanceof Promise ? result.then(textOf).catch(failed) : textOf(result);
    } catch (error) {
      return failed(error);
    }
  }

  return (event) => {
    const leave = reads.takeNow();
    if (leave === null) return reads.run(async () => run(event));
    const text = run(event);
    if (typeof text === 'string') leave();
    else void text.then(leave);
    return text;
  };
}
