import type { Caller } from './authentication.ts';
import type { GraphqlContext } from './context.ts';
import { createOrderEventsLoader } from './order-events-loader.ts';
import { createOrderLoaders } from './order-loaders.ts';
import { neverEnding } from './revocations.ts';
import { isStaff } from './scope.ts';

/**
 * All that the results of a subscription may depend on of its caller. Subscriptions with equal viewers share their results, which are made
 * without any other knowledge of a caller.
 */
export type Viewer = Pick<Caller, 'role' | 'id' | 'merchantId' | 'customerId' | 'orderId'>;

/** The merchant's own people see the same, so their `id` is empty. Customers and buyers see their own id in events, and no other. */
export function viewerOf(caller: Pick<Caller, keyof Viewer>): Viewer {
  const { role, id, merchantId, customerId, orderId } = caller;
  return { role, id: isStaff(caller) ? '' : id, merchantId, customerId, orderId };
}

/** The parts of a context that are the same for every request. */
export type ServerContext = Pick<
  GraphqlContext,
  'commands' | 'feeds' | 'logId' | 'clientTokens' | 'administration' | 'replayDelivery'
>;

/** The context in which shared results are made. It knows the viewer, and neither a request nor a connection. */
export function contextOfViewer(server: ServerContext, viewer: Viewer): Omit<GraphqlContext, 'requestId'> {
  return {
    ...server,
    actor: { ...viewer, returnOrigins: [], webOrigins: [], revoked: neverEnding },
    ...{ hasToken: true, address: '', socket: null, lastEventId: null, isMeasured: true },
    orderEvents: createOrderEventsLoader(server.commands.db.pool, viewer.merchantId),
    ...createOrderLoaders(server.commands.db.pool, viewer),
  };
}
