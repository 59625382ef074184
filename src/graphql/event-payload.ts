import { randomUUID } from 'node:crypto';
import { type DocumentNode, type ExecutionResult, execute, type GraphQLSchema, parse } from 'graphql';
import type { LoggedEvent } from '../events/log.ts';
import type { GraphqlContext } from './context.ts';
import { contextOfViewer, type ServerContext, type Viewer } from './viewer.ts';

/**
 * The part of an event that a webhook carries: all fields that are stored with the event, and therefore stay the same. `OrderEvent.order` is
 * the current order, which the receiver can query.
 */
export const eventDocument: DocumentNode = parse(`
  subscription WebhookEvent {
    merchantEvents {
      id cursor sequence type occurredAt orderId orderNumber orderStatus orderPaymentStatus
      paymentId paymentStatus paymentMethod refundId refundStatus
      amount { amountMinor currency decimal }
      failure { reason message providerCode }
      actor { kind id }
      note
    }
  }
`);

/** Renders events for webhooks by executing a subscription, so that a webhook and the API show the same. */
export function createEventRenderer(
  server: ServerContext,
  schema: GraphQLSchema,
): (event: LoggedEvent) => Promise<string> {
  return async (event) => {
    const viewer: Viewer = { role: 'MERCHANT', id: '', merchantId: event.merchantId, customerId: null, orderId: null };
    const contextValue: GraphqlContext = { ...contextOfViewer(server, viewer), requestId: randomUUID() };
    const result: ExecutionResult = await execute({ schema, document: eventDocument, contextValue, rootValue: event });
    const shown = result.data?.merchantEvents as { readonly type: string; readonly occurredAt: string } | undefined;
    if (result.errors !== undefined || shown === undefined) {
      throw new Error(`The event ${event.id} cannot be shown.`, { cause: result.errors?.[0] });
    }
    return JSON.stringify({ type: shown.type, timestamp: shown.occurredAt, data: shown });
  };
}
