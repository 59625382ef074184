import { createWebhookEndpoint, type NewEndpoint } from '../commands/create-webhook-endpoint.ts';
import { deleteWebhookEndpoint } from '../commands/delete-webhook-endpoint.ts';
import { pauseWebhookEndpoint } from '../commands/pause-webhook-endpoint.ts';
import { replayWebhooks } from '../commands/replay-webhooks.ts';
import { resendWebhook } from '../commands/resend-webhook.ts';
import { resumeWebhookEndpoint } from '../commands/resume-webhook-endpoint.ts';
import { rotateWebhookSecret } from '../commands/rotate-webhook-secret.ts';
import { updateWebhookEndpoint } from '../commands/update-webhook-endpoint.ts';
import { ForbiddenError, InvalidInputError, NotFoundError } from '../domain/errors.ts';
import { builder } from './builder.ts';
import { actorOf, type GraphqlContext } from './context.ts';
import { EventType } from './enums.ts';
import { WebhookEndpoint, WebhookReplayType } from './webhook-endpoint.ts';
import { WebhookMessageType } from './webhook-message.ts';

const CreatedWebhookEndpoint = builder.objectRef<NewEndpoint>('WebhookEndpointSecret').implement({
  description: 'A webhook endpoint with a new secret.',
  fields: (t) => ({
    endpoint: t.field({ type: WebhookEndpoint, description: 'The endpoint.', resolve: ({ endpoint }) => endpoint }),
    secret: t.string({
      description: 'The secret that receivers verify signatures with: `whsec_…`. It is shown this once.',
      resolve: ({ secret }) => secret.reveal(),
    }),
  }),
});

const secretDescription =
  'A secret of your own: `whsec_` and 24 to 64 bytes in base64. Without it, one is made, which is recommended.';

const CreateWebhookEndpointInput = builder.inputType('CreateWebhookEndpointInput', {
  description: 'A new webhook endpoint.',
  fields: (t) => ({
    url: t.string({
      required: true,
      description: 'Where events are posted: https, and reachable on the public internet. At most 2048 characters.',
    }),
    description: t.string({ description: 'A text for people, at most 256 characters.' }),
    eventTypes: t.field({
      type: [EventType],
      description: 'The types of events that the endpoint gets. Default: all.',
    }),
    ordered: t.boolean({
      description: 'Whether an event waits until the earlier events of its order are acknowledged. Default: true.',
    }),
    secret: t.string({ description: secretDescription }),
  }),
});

const UpdateWebhookEndpointInput = builder.inputType('UpdateWebhookEndpointInput', {
  description: 'Changes of a webhook endpoint. Fields that are left out or null stay as they are.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The endpoint, `whe_…`.' }),
    url: t.string({ description: 'The new URL. Events that wait go there as well.' }),
    description: t.string({ description: 'The new description.' }),
    eventTypes: t.field({
      type: [EventType],
      description: 'The new types of events; an empty list: all. They apply to events after the endpoint’s `cursor`.',
    }),
    ordered: t.boolean({ description: 'Whether an event waits for the earlier events of its order.' }),
  }),
});

const ReplayWebhooksInput = builder.inputType('ReplayWebhooksInput', {
  description: 'A range of events. It begins with `after` or `since`, one of them.',
  fields: (t) => ({
    endpointId: t.id({ required: true, description: 'The endpoint, `whe_…`.' }),
    after: t.field({ type: 'EventCursor', description: 'The range begins after this position of the merchant’s log.' }),
    since: t.field({ type: 'DateTime', description: 'The range begins with the events of this time.' }),
    until: t.field({
      type: 'EventCursor',
      description: 'The range ends with the event at this position. Default: where the endpoint is now.',
    }),
    before: t.field({ type: 'DateTime', description: 'Only events that occurred before this time.' }),
  }),
});

const idArg = 'The id of the endpoint, `whe_…`.';

builder.mutationField('createWebhookEndpoint', (t) =>
  t.field({
    type: CreatedWebhookEndpoint,
    nullable: true,
    description: 'Registers a URL that gets the merchant’s events from now on.',
    args: { input: t.arg({ type: CreateWebhookEndpointInput, required: true, description: 'The endpoint.' }) },
    errors: {
      types: [InvalidInputError, ForbiddenError],
      union: { name: 'CreateWebhookEndpointResult', description: 'The endpoint with its secret, or an error.' },
    },
    resolve: (_root, { input }, context) => createWebhookEndpoint(partsOf(context), actorOf(context).merchantId, input),
  }),
);

builder.mutationField('updateWebhookEndpoint', (t) =>
  t.field({
    type: WebhookEndpoint,
    nullable: true,
    description: 'Changes an endpoint.',
    args: { input: t.arg({ type: UpdateWebhookEndpointInput, required: true, description: 'The changes.' }) },
    errors: {
      types: [InvalidInputError, NotFoundError, ForbiddenError],
      union: { name: 'UpdateWebhookEndpointResult', description: 'The endpoint, or an error.' },
    },
    resolve: (_root, { input: { id, ...input } }, context) =>
      updateWebhookEndpoint(partsOf(context), actorOf(context).merchantId, id, input),
  }),
);

builder.mutationField('rotateWebhookSecret', (t) =>
  t.field({
    type: CreatedWebhookEndpoint,
    nullable: true,
    description:
      'Gives an endpoint a new secret. For a day, or as long as `keepPreviousSeconds` says, each message has a signature of both secrets. ' +
      'A previous secret that was still kept ends.',
    args: {
      id: t.arg.id({ required: true, description: idArg }),
      keepPreviousSeconds: t.arg.int({
        description:
          'How long the previous secret is kept, 0 to 604800 seconds. Default: 86400. 0 for a secret that leaked.',
      }),
      secret: t.arg.string({ description: secretDescription }),
    },
    errors: {
      types: [InvalidInputError, NotFoundError, ForbiddenError],
      union: { name: 'RotateWebhookSecretResult', description: 'The endpoint with its new secret, or an error.' },
    },
    resolve: (_root, { id, ...input }, context) =>
      rotateWebhookSecret(partsOf(context), actorOf(context).merchantId, id, input),
  }),
);

builder.mutationField('pauseWebhookEndpoint', (t) =>
  t.field({
    type: WebhookEndpoint,
    nullable: true,
    description: 'Pauses an endpoint: its events wait. Can be repeated safely.',
    args: { id: t.arg.id({ required: true, description: idArg }) },
    errors: {
      types: [NotFoundError, ForbiddenError],
      union: { name: 'PauseWebhookEndpointResult', description: 'The endpoint, or an error.' },
    },
    resolve: (_root, { id }, context) => pauseWebhookEndpoint(context.commands, actorOf(context).merchantId, id),
  }),
);

builder.mutationField('resumeWebhookEndpoint', (t) =>
  t.field({
    type: WebhookEndpoint,
    nullable: true,
    description:
      'Resumes a paused endpoint: everything that waited is sent, those of an order in sequence. Can be repeated safely.',
    args: { id: t.arg.id({ required: true, description: idArg }) },
    errors: {
      types: [NotFoundError, ForbiddenError],
      union: { name: 'ResumeWebhookEndpointResult', description: 'The endpoint, or an error.' },
    },
    resolve: (_root, { id }, context) => resumeWebhookEndpoint(context.commands, actorOf(context).merchantId, id),
  }),
);

const DeletedWebhookEndpoint = builder.objectRef<{ readonly id: string }>('DeletedWebhookEndpoint').implement({
  description: 'A webhook endpoint that was deleted.',
  fields: (t) => ({ id: t.exposeID('id', { description: 'The id that the endpoint had.' }) }),
});

builder.mutationField('deleteWebhookEndpoint', (t) =>
  t.field({
    type: DeletedWebhookEndpoint,
    nullable: true,
    description: 'Deletes an endpoint with its delivery log for good. Nothing that waits is sent any more.',
    args: { id: t.arg.id({ required: true, description: idArg }) },
    errors: {
      types: [NotFoundError, ForbiddenError],
      union: { name: 'DeleteWebhookEndpointResult', description: 'The id, or an error.' },
    },
    resolve: async (_root, { id }, context) => ({
      id: await deleteWebhookEndpoint(context.commands, actorOf(context).merchantId, id),
    }),
  }),
);

builder.mutationField('resendWebhook', (t) =>
  t.field({
    type: WebhookMessageType,
    nullable: true,
    description:
      'Sends one event to an endpoint once more, whatever became of it before, also if the endpoint never got it. To a paused endpoint it is sent after that is resumed.',
    args: {
      endpointId: t.arg.id({ required: true, description: idArg }),
      eventId: t.arg.id({ required: true, description: 'The event, `evt_…`.' }),
    },
    errors: {
      types: [NotFoundError, ForbiddenError],
      union: { name: 'ResendWebhookResult', description: 'The message, or an error.' },
    },
    resolve: (_root, { endpointId, eventId }, context) =>
      resendWebhook(context.commands, actorOf(context).merchantId, endpointId, eventId),
  }),
);

builder.mutationField('replayWebhooks', (t) =>
  t.field({
    type: WebhookReplayType,
    nullable: true,
    description:
      'Sends the events of a range, those of the endpoint’s types, once more. Receivers recognize them by their `webhook-id`, which stays the same. Events after the endpoint’s `cursor` are not part of it: they are sent anyway.',
    args: { input: t.arg({ type: ReplayWebhooksInput, required: true, description: 'The range.' }) },
    errors: {
      types: [InvalidInputError, NotFoundError, ForbiddenError],
      union: { name: 'ReplayWebhooksResult', description: 'The replay, or an error.' },
    },
    resolve: (_root, { input: { endpointId, ...input } }, context) =>
      replayWebhooks({ ...context.commands, logId: context.logId }, actorOf(context).merchantId, endpointId, input),
  }),
);

function partsOf({ commands, administration }: GraphqlContext) {
  const { db, clock } = commands;
  return { db, clock, ...administration };
}
