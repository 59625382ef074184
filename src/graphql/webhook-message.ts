import DataLoader from 'dataloader';
import { webhookMessageStatuses } from '../domain/webhook.ts';
import { encodeCursor } from '../events/cursor.ts';
import { listWebhookAttempts, type WebhookAttempt } from '../store/webhook-attempt-store.ts';
import { listWebhookMessages, type WebhookMessage } from '../store/webhook-message-store.ts';
import { builder } from './builder.ts';
import { actorOf, badUserInput, type GraphqlContext } from './context.ts';
import { described, EventType } from './enums.ts';
import { PageInfo, pageComplexity, pageSizeDefault, pageSizeOf, positionAfter } from './page.ts';
import { findEndpointOf, shownUrl } from './webhook-endpoint.ts';

const WebhookMessageStatus = builder.enumType('WebhookMessageStatus', {
  description: 'The state of one event on its way to one endpoint.',
  values: described(webhookMessageStatuses, {
    PENDING: 'To be sent, at the earliest at `nextAttemptAt`.',
    DELIVERED: 'The endpoint acknowledged it with a status of 200 to 299.',
    FAILED: 'Not acknowledged for three days, while the endpoint took other events. `resendWebhook` sends it again.',
  }),
});

const HttpHeader = builder.objectRef<{ readonly name: string; readonly value: string }>('HttpHeader').implement({
  description: 'A header of an HTTP request.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name, in lower case.' }),
    value: t.exposeString('value', { description: 'The value.' }),
  }),
});

const WebhookAttemptType = builder.objectRef<WebhookAttempt>('WebhookAttempt').implement({
  description: 'One request to an endpoint, with its answer.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'The id, `wha_…`.' }),
    attemptedAt: t.expose('attemptedAt', { type: 'DateTime', description: 'When the request was sent.' }),
    durationMs: t.exposeInt('durationMs', { description: 'The time until the answer was complete, in milliseconds.' }),
    url: t.string({
      description: 'Where the request was sent. Viewers see it without its query.',
      resolve: ({ url }, _args, context) => shownUrl(context, url),
    }),
    requestHeaders: t.field({
      type: [HttpHeader],
      description: 'The headers of the request, without `webhook-signature`.',
      resolve: ({ requestHeaders }) => Object.entries(requestHeaders).map(([name, value]) => ({ name, value })),
    }),
    requestBody: t.exposeString('requestBody', { description: 'The body of the request: JSON.' }),
    responseStatus: t.exposeInt('responseStatus', {
      nullable: true,
      description: 'The HTTP status of the answer; null when none came.',
    }),
    responseBody: t.string({
      nullable: true,
      description: 'The first 4 KiB of the answer; null when none came, and for viewers.',
      resolve: ({ responseBody }, _args, context) => (actorOf(context).role === 'VIEWER' ? null : responseBody),
    }),
    error: t.exposeString('error', {
      nullable: true,
      description: 'Why the attempt failed, as a sentence; null when it succeeded.',
    }),
  }),
});

const attemptsDefault = 5;
const attemptsMax = 50;

export const WebhookMessageType = builder.objectRef<WebhookMessage>('WebhookMessage').implement({
  description: 'One event on its way to one endpoint.',
  fields: (t) => ({
    endpointId: t.exposeID('endpointId', { description: 'The endpoint.' }),
    eventId: t.exposeID('eventId', { description: 'The event: the `webhook-id` of all its requests.' }),
    eventType: t.expose('eventType', { type: EventType, description: 'The type of the event.' }),
    orderId: t.exposeID('orderId', { description: 'The order that the event belongs to.' }),
    sequence: t.exposeInt('sequence', { description: 'The number of the event within its order.' }),
    status: t.expose('status', { type: WebhookMessageStatus, description: 'The state.' }),
    attemptCount: t.exposeInt('attempts', {
      description: 'The attempts since the message was created, sent again, replayed, or its endpoint resumed.',
    }),
    nextAttemptAt: t.expose('nextAttemptAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'The earliest time of the next attempt. Null unless PENDING, and while the message waits for an earlier one of its order that has FAILED.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the message was created.' }),
    deliveredAt: t.expose('deliveredAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the endpoint acknowledged it; null before.',
    }),
    attempts: t.field({
      type: [WebhookAttemptType],
      complexity: ({ first }) => ({
        field: 1,
        multiplier: Math.max(1, Math.min(first ?? attemptsDefault, attemptsMax)),
      }),
      description:
        'The attempts, newest first. They are kept for 30 days unless the operator of the server says otherwise.',
      args: {
        first: t.arg.int({ description: `The number of attempts, 1 to ${attemptsMax}. Default: ${attemptsDefault}.` }),
      },
      resolve: async ({ endpointId, eventId }, args, context) => {
        const first = args.first ?? attemptsDefault;
        if (first < 1 || first > attemptsMax) throw badUserInput('first', `must be 1 to ${attemptsMax}.`);
        return [...(await attemptsLoader(context).load({ endpointId, eventId, first }))];
      },
    }),
  }),
});

type MessagePage = {
  readonly messages: readonly WebhookMessage[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
};

const cursorOf = ({ logId }: GraphqlContext, message: WebhookMessage) => encodeCursor(logId, 'merchant', message);

const WebhookMessageEdge = builder.objectRef<WebhookMessage>('WebhookMessageEdge').implement({
  description: 'A message and its position in the list.',
  fields: (t) => ({
    cursor: t.string({
      description: 'The position, which is that of the event in the merchant’s log.',
      resolve: (message, _args, context) => cursorOf(context, message),
    }),
    node: t.field({ type: WebhookMessageType, description: 'The message.', resolve: (message) => message }),
  }),
});

const WebhookMessageConnection = builder.objectRef<MessagePage>('WebhookMessageConnection').implement({
  description: 'A page of messages.',
  fields: (t) => ({
    edges: t.field({
      complexity: { multiplier: 1 },
      type: [WebhookMessageEdge],
      description: 'The messages of the page with their cursors.',
      resolve: ({ messages }) => [...messages],
    }),
    nodes: t.field({
      complexity: { multiplier: 1 },
      type: [WebhookMessageType],
      description: 'The messages of the page.',
      resolve: ({ messages }) => [...messages],
    }),
    pageInfo: t.field({
      type: PageInfo,
      description: 'The position of the page in the list.',
      resolve: ({ messages, hasNextPage, hasPreviousPage }, _args, context) => {
        const [start, end] = [messages.at(0), messages.at(-1)];
        return {
          ...{ hasNextPage, hasPreviousPage },
          startCursor: start === undefined ? null : cursorOf(context, start),
          endCursor: end === undefined ? null : cursorOf(context, end),
        };
      },
    }),
  }),
});

builder.queryField('webhookMessages', (t) =>
  t.field({
    type: WebhookMessageConnection,
    nullable: true,
    complexity: pageComplexity,
    description:
      'The delivery log of an endpoint, newest event first. Null when there is no such endpoint. Delivered messages are kept for 30 days unless the operator of the server says otherwise.',
    args: {
      endpointId: t.arg.id({ required: true, description: 'The endpoint, `whe_…`.' }),
      status: t.arg({ type: WebhookMessageStatus, description: 'Return only messages in this state.' }),
      first: t.arg.int({ description: 'The page size, 1 to 100. Default: 20.' }),
      after: t.arg({ type: 'EventCursor', description: 'Return only messages that follow this cursor in the list.' }),
    },
    resolve: async (_root, { endpointId, status, ...args }, context) => {
      const first = pageSizeOf('first', args.first) ?? pageSizeDefault;
      const before = positionAfter(context, 'merchant', args.after);
      if ((await findEndpointOf(context, endpointId)) === null) return null;
      const { pool } = context.commands.db;
      const rows = await listWebhookMessages(pool, endpointId, { status: status ?? null, before, limit: first + 1 });
      return { messages: rows.slice(0, first), hasNextPage: rows.length > first, hasPreviousPage: before !== null };
    },
  }),
);

type AttemptsKey = { readonly endpointId: string; readonly eventId: string; readonly first: number };

/** One loader for each operation: the attempts of a page of messages are read by one statement. */
const loaders = new WeakMap<GraphqlContext, DataLoader<AttemptsKey, readonly WebhookAttempt[]>>();

function attemptsLoader(context: GraphqlContext): DataLoader<AttemptsKey, readonly WebhookAttempt[]> {
  const held = loaders.get(context);
  if (held !== undefined) return held;
  const loader = new DataLoader<AttemptsKey, readonly WebhookAttempt[]>(
    async (keys) => {
      const found = new Map<string, WebhookAttempt[]>();
      const nameOf = ({ endpointId, first }: AttemptsKey) => `${endpointId} ${first}`;
      for (const name of new Set(keys.map(nameOf))) {
        const group = keys.filter((key) => nameOf(key) === name);
        const [{ endpointId, first } = { endpointId: '', first: 0 }] = group;
        const eventIds = [...new Set(group.map(({ eventId }) => eventId))];
        for (const attempt of await listWebhookAttempts(context.commands.db.pool, endpointId, eventIds, first)) {
          const of = `${name} ${attempt.eventId}`;
          found.set(of, [...(found.get(of) ?? []), attempt]);
        }
      }
      return keys.map((key) => found.get(`${nameOf(key)} ${key.eventId}`) ?? []);
    },
    { cache: false },
  );
  loaders.set(context, loader);
  return loader;
}
