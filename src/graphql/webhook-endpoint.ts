import DataLoader from 'dataloader';
import { isId } from '../domain/ids.ts';
import { webhookEndpointStatuses, webhookPauseReasons } from '../domain/webhook.ts';
import { encodeCursor } from '../events/cursor.ts';
import {
  findWebhookEndpoint,
  listWebhookEndpoints,
  type StoredWebhookEndpoint,
} from '../store/webhook-endpoint-store.ts';
import { countOpenWebhookMessages } from '../store/webhook-message-store.ts';
import { listWebhookReplays, type WebhookReplay } from '../store/webhook-replay-store.ts';
import { builder } from './builder.ts';
import { actorOf, type GraphqlContext } from './context.ts';
import { described, EventType } from './enums.ts';

const WebhookEndpointStatus = builder.enumType('WebhookEndpointStatus', {
  description: 'Whether events are sent to an endpoint.',
  values: described(webhookEndpointStatuses, {
    ACTIVE: 'Events are sent. While the endpoint does not answer, they are repeated at growing distances.',
    PAUSED: 'Nothing is sent. Events wait, and none is lost: `resumeWebhookEndpoint` sends them.',
  }),
});

const WebhookPauseReason = builder.enumType('WebhookPauseReason', {
  description: 'Why an endpoint is paused. New values may be added.',
  values: described(webhookPauseReasons, {
    REQUESTED: 'The merchant paused it.',
    FAILING: 'It acknowledged nothing for three days.',
    GONE: 'It answered 410 Gone.',
  }),
});

/** The most that `pendingCount` and `failedCount` count to. */
const countMax = 1000;
const replaysMax = 20;

export const WebhookReplayType = builder.objectRef<WebhookReplay>('WebhookReplay').implement({
  description: 'A range of events that is sent to an endpoint once more.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'The id, `whr_…`.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'The time of the request.' }),
    until: t.field({
      type: 'EventCursor',
      description: 'The end of the range, at most the position of the endpoint when the replay was requested.',
      resolve: ({ until }, _args, { logId }) => encodeCursor(logId, 'merchant', until),
    }),
    since: t.expose('occurredFrom', {
      type: 'DateTime',
      nullable: true,
      description: 'Only events that occurred at this time or later; null when the range begins after a cursor.',
    }),
    before: t.expose('occurredBefore', {
      type: 'DateTime',
      nullable: true,
      description: 'Only events that occurred before this time; null for no limit.',
    }),
    queued: t.exposeInt('events', { description: 'The events of the range that were handed over for sending so far.' }),
    queuedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When all events of the range were handed over; null while there are more.',
    }),
  }),
});

export const WebhookEndpoint = builder.objectRef<StoredWebhookEndpoint>('WebhookEndpoint').implement({
  description: 'A URL of the merchant that gets the merchant’s events, signed as Standard Webhooks says.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'The id, `whe_…`.' }),
    url: t.string({
      description: 'Where events are posted. Viewers see it without its query, which may contain a secret.',
      resolve: ({ url }, _args, context) => shownUrl(context, url),
    }),
    description: t.exposeString('description', { nullable: true, description: 'A text for people.' }),
    eventTypes: t.field({
      type: [EventType],
      description: 'The types of events that the endpoint gets. Empty: all.',
      resolve: ({ eventTypes }) => [...eventTypes],
    }),
    ordered: t.exposeBoolean('ordered', {
      description:
        'Whether an event is sent only after the endpoint has acknowledged the earlier events of its order. Orders do not wait for each other.',
    }),
    status: t.expose('status', { type: WebhookEndpointStatus, description: 'Whether events are sent.' }),
    pauseReason: t.expose('pauseReason', {
      type: WebhookPauseReason,
      nullable: true,
      description: 'Why the endpoint is paused; null while it is ACTIVE.',
    }),
    pausedAt: t.expose('pausedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Since when the endpoint is paused; null while it is ACTIVE.',
    }),
    failingSince: t.expose('failingSince', {
      type: 'DateTime',
      nullable: true,
      description:
        'The first failure since the last acknowledgement; null when the last attempt succeeded. After three days the endpoint is paused.',
    }),
    retryAt: t.expose('retryAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Until then nothing is sent, because the endpoint is down or asked for a pause; null otherwise.',
    }),
    cursor: t.field({
      type: 'EventCursor',
      description:
        'The endpoint has come so far in the merchant’s log: every earlier event of its types was sent, or is in `webhookMessages`.',
      resolve: (endpoint, _args, { logId }) => encodeCursor(logId, 'merchant', endpoint),
    }),
    pendingCount: t.int({
      description: `The messages that are to be sent, counted up to ${countMax}. Events after \`cursor\` are not among them.`,
      resolve: async ({ id }, _args, context) => (await countsLoader(context).load(id)).pending,
    }),
    failedCount: t.int({
      description: `The messages that were abandoned after three days and wait for \`resendWebhook\`, counted up to ${countMax}.`,
      resolve: async ({ id }, _args, context) => (await countsLoader(context).load(id)).failed,
    }),
    previousSecretUntil: t.expose('previousSecretUntil', {
      type: 'DateTime',
      nullable: true,
      description: 'Until then messages are signed with the previous secret as well; null when there was no rotation.',
    }),
    replays: t.field({
      type: [WebhookReplayType],
      description: `The newest ${replaysMax} replays, the newest first.`,
      resolve: async ({ id }, _args, { commands }) => [...(await listWebhookReplays(commands.db.pool, id, replaysMax))],
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'The time of creation.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'The time of the last change by a person.' }),
  }),
});

builder.queryField('webhookEndpoints', (t) =>
  t.field({
    type: [WebhookEndpoint],
    nullable: true,
    description: 'The merchant’s webhook endpoints, oldest first.',
    resolve: async (_root, _args, context) => [
      ...(await listWebhookEndpoints(context.commands.db.pool, actorOf(context).merchantId)),
    ],
  }),
);

builder.queryField('webhookEndpoint', (t) =>
  t.field({
    type: WebhookEndpoint,
    nullable: true,
    description: 'A webhook endpoint by its id; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'The id, `whe_…`.' }) },
    resolve: (_root, { id }, context) => findEndpointOf(context, id),
  }),
);

/** An endpoint of the caller's merchant; null when there is none. */
export async function findEndpointOf(context: GraphqlContext, id: string): Promise<StoredWebhookEndpoint | null> {
  if (!isId('webhookEndpoint', id)) return null;
  return findWebhookEndpoint(context.commands.db.pool, actorOf(context).merchantId, id);
}

/** A URL as the caller may see it. */
export function shownUrl(context: GraphqlContext, url: string): string {
  if (actorOf(context).role !== 'VIEWER') return url;
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

type Counts = { readonly pending: number; readonly failed: number };

/** One loader for each operation. */
const loaders = new WeakMap<GraphqlContext, DataLoader<string, Counts>>();

function countsLoader(context: GraphqlContext): DataLoader<string, Counts> {
  const held = loaders.get(context);
  if (held !== undefined) return held;
  const loader = new DataLoader<string, Counts>(
    async (ids) => {
      const counts = await countOpenWebhookMessages(context.commands.db.pool, [...new Set(ids)], countMax);
      return ids.map((id) => counts.get(id) ?? { pending: 0, failed: 0 });
    },
    { cache: false },
  );
  loaders.set(context, loader);
  return loader;
}
