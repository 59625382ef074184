import { setTimeout as delay } from 'node:timers/promises';
import { type ExecutionArgs, type ExecutionResult, GraphQLError, getOperationAST, OperationTypeNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Gate } from '../limits/gate.ts';
import type { Limits } from '../limits/limits.ts';
import type { OperationRate } from '../limits/open-limits.ts';
import type { Quota } from '../limits/quota.ts';
import type { RateLimiter } from '../limits/rate-limiter.ts';
import { note } from '../telemetry/observe.ts';
import type { Caller } from './authentication.ts';
import type { GraphqlContext } from './context.ts';
import { LiveSubscription } from './live-subscription.ts';

export type OperationLimitParts = {
  readonly limits: Pick<Limits, 'subscriptionsPerSocket' | 'subscriptionsPerPrincipal'>;
  readonly rates: Readonly<Record<OperationRate, RateLimiter>>;
  readonly subscriptions: Quota;
  /** Queries and mutations in progress on this node. The transports let them in. */
  readonly operations: Gate;
};

/** How long to wait for a place that another subscription has to leave first. */
const placeRetryMs = 5000;

/** How long a subscription may wait for the rate of its caller before it is refused. */
const startWaitMsMax = 10_000;

/** Identifies a caller among those of all merchants. */
export function principalOf({ merchantId, role, id }: Pick<Caller, 'merchantId' | 'role' | 'id'>): string {
  return `${merchantId}:${role}:${id}`;
}

/** Refuses operations that are over a limit of their caller, on every transport, before they are executed. */
export function limitOperations(parts: OperationLimitParts): Plugin<GraphqlContext> {
  return {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => withinRate(parts, args, executeFn));
    },
    onSubscribe({ subscribeFn, setSubscribeFn }) {
      setSubscribeFn(async (args: ExecutionArgs) => {
        const context = args.contextValue as GraphqlContext;
        const { actor, socket } = context;
        if (actor === null) return withinRate(parts, args, subscribeFn);
        const places = takePlaces(parts, principalOf(actor), socket);
        if (typeof places === 'string') return refusal(context, places, placeRetryMs);
        return releasing((args) => startWithinRate(parts, args, subscribeFn), args, places);
      });
    },
  };
}

type Execute = (args: ExecutionArgs) => unknown;

/** Executes an operation within the rate of its caller. */
function withinRate(parts: OperationLimitParts, args: ExecutionArgs, execute: Execute): unknown {
  const waitMs = countOne(parts, args);
  const goOn = (waitMs: number | null) => (waitMs === null ? execute(args) : rateRefusal(args, waitMs));
  return waitMs instanceof Promise ? waitMs.then(goOn) : goOn(waitMs);
}

/**
 * Starts a subscription within the rate of its caller. One that comes too early waits for a while, because many dashboards return at once after a
 * break of their connections, and some clients, such as an EventSource, take a refusal for the end.
 */
async function startWithinRate(parts: OperationLimitParts, args: ExecutionArgs, start: Execute): Promise<unknown> {
  for (let waitedMs = 0; ; ) {
    const waitMs = await countOne(parts, args);
    if (waitMs === null) return start(args);
    waitedMs += waitMs;
    if (waitedMs > startWaitMsMax) return rateRefusal(args, waitMs);
    // Over HTTP it has a place among the operations in progress, which it must not keep from others.
    const isPlaced = (args.contextValue as GraphqlContext).socket === null;
    const goOn = isPlaced ? parts.operations.pause() : null;
    await delay(waitMs);
    goOn?.();
  }
}

/** Null within the limit, otherwise the time to wait in milliseconds. */
function countOne({ rates }: OperationLimitParts, args: ExecutionArgs): ReturnType<RateLimiter['take']> {
  const { actor, address } = args.contextValue as GraphqlContext;
  const kind = kindOf(args);
  const rate = rates[rateNameOf(actor, kind === OperationTypeNode.MUTATION)];
  if (actor === null) return rate.take(address);
  // By themselves: dashboards that return must not use up the queries of the merchant's server.
  return rate.take(
    kind === OperationTypeNode.SUBSCRIPTION ? `${principalOf(actor)} subscriptions` : principalOf(actor),
  );
}

function rateRefusal(args: ExecutionArgs, waitMs: number): ExecutionResult {
  const context = args.contextValue as GraphqlContext;
  const ofCaller = { mutation: 'mutations', query: 'queries', subscription: 'new subscriptions' }[kindOf(args)];
  const what = context.actor === null ? 'requests without a valid token from this address' : ofCaller;
  return refusal(context, `There are too many ${what}.`, waitMs);
}

function kindOf({ document, operationName }: ExecutionArgs): OperationTypeNode {
  return getOperationAST(document, operationName)?.operation ?? OperationTypeNode.QUERY;
}

export function rateNameOf(actor: Caller | null, isMutation: boolean): OperationRate {
  if (actor === null) return 'unauthenticated';
  if (actor.role === 'MERCHANT') return isMutation ? 'mutations' : 'queries';
  return isMutation ? 'personMutations' : 'personQueries';
}

/** The function that gives the places back, or the sentence why there is none. */
function takePlaces(
  { limits, subscriptions }: OperationLimitParts,
  principal: string,
  socket: object | null,
): (() => void) | string {
  const { subscriptionsPerPrincipal, subscriptionsPerSocket } = limits;
  const ofPrincipal = subscriptions.take(principal, subscriptionsPerPrincipal);
  if (ofPrincipal === null) return `The caller has ${subscriptionsPerPrincipal} subscriptions, the maximum.`;
  const ofSocket = socket === null ? null : subscriptions.take(socket, subscriptionsPerSocket);
  if (socket !== null && ofSocket === null) {
    ofPrincipal.release();
    return `The socket has ${subscriptionsPerSocket} subscriptions, the maximum.`;
  }
  return () => {
    ofPrincipal.release();
    ofSocket?.release();
  };
}

function refusal({ socket }: GraphqlContext, message: string, retryAfterMs: number): ExecutionResult {
  note({ kind: 'shed', reason: 'rate_limited' });
  const http = { status: 429, headers: { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) } };
  const error = new GraphQLError(`${message} Try again after retryAfterMs milliseconds.`, {
    extensions: { code: 'RATE_LIMITED', retryAfterMs, ...(socket === null && { http }) },
  });
  return { errors: [error] };
}

type Subscribe = (args: ExecutionArgs) => unknown;

/** Subscribes, and calls `release` when the subscription has ended. */
async function releasing(subscribe: Subscribe, args: ExecutionArgs, release: () => void): Promise<unknown> {
  try {
    const result = await subscribe(args);
    if (result instanceof LiveSubscription) result.onEnd(release);
    else release();
    return result;
  } catch (error) {
    release();
    throw error;
  }
}
