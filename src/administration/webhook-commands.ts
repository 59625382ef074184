import { createWebhookEndpoint } from '../commands/create-webhook-endpoint.ts';
import { deleteWebhookEndpoint } from '../commands/delete-webhook-endpoint.ts';
import { pauseWebhookEndpoint } from '../commands/pause-webhook-endpoint.ts';
import { replayWebhooks } from '../commands/replay-webhooks.ts';
import { resendWebhook } from '../commands/resend-webhook.ts';
import { resumeWebhookEndpoint } from '../commands/resume-webhook-endpoint.ts';
import { rotateWebhookSecret } from '../commands/rotate-webhook-secret.ts';
import { updateWebhookEndpoint } from '../commands/update-webhook-endpoint.ts';
import { noSuchEndpoint, type WebhookParts } from '../commands/webhook-input.ts';
import { readLogState } from '../database/log-state.ts';
import { isId } from '../domain/ids.ts';
import { listWebhookAttempts } from '../store/webhook-attempt-store.ts';
import { findWebhookOwner, listWebhookEndpoints } from '../store/webhook-endpoint-store.ts';
import { listWebhookMessages } from '../store/webhook-message-store.ts';
import type { WebhookOptions } from './options.ts';
import { tableOfEndpoints, tableOfMessages, textOfEndpoint, textOfNewSecret, textOfReplay } from './webhook-text.ts';

/** The number of messages that `webhook log` shows. */
const messagesShown = 50;

/** Runs one command on webhook endpoints and returns the text for the operator. */
export async function runWebhookCommand(
  parts: WebhookParts,
  options: WebhookOptions,
  merchantOf: (merchantId: string | null) => Promise<string>,
): Promise<string> {
  const { pool } = parts.db;
  const { command } = options;
  switch (command) {
    case 'webhook add': {
      const { url, eventTypes, ordered, description } = options;
      const merchantId = await merchantOf(options.merchantId);
      const made = await createWebhookEndpoint(parts, merchantId, { url, eventTypes, ordered, description });
      return textOfNewSecret('Added', made);
    }
    case 'webhook update': {
      const { endpointId: id, url, eventTypes, ordered, description } = options;
      const change = { url, eventTypes, ordered, description };
      return textOfEndpoint(await updateWebhookEndpoint(parts, await ownerOf(parts, id), id, change));
    }
    case 'webhook list':
      return tableOfEndpoints(await listWebhookEndpoints(pool, await merchantOf(options.merchantId)));
    case 'webhook log': {
      const { endpointId: id, onlyFailed } = options;
      await ownerOf(parts, id);
      const status = onlyFailed ? 'FAILED' : null;
      const messages = await listWebhookMessages(pool, id, { status, before: null, limit: messagesShown });
      const eventIds = messages.map(({ eventId }) => eventId);
      return tableOfMessages(messages, await listWebhookAttempts(pool, id, eventIds, 1));
    }
    case 'webhook pause':
      return textOfEndpoint(
        await pauseWebhookEndpoint(parts, await ownerOf(parts, options.endpointId), options.endpointId),
      );
    case 'webhook resume':
      return textOfEndpoint(
        await resumeWebhookEndpoint(parts, await ownerOf(parts, options.endpointId), options.endpointId),
      );
    case 'webhook remove': {
      const id = await deleteWebhookEndpoint(parts, await ownerOf(parts, options.endpointId), options.endpointId);
      return `Removed webhook endpoint ${id}. Nothing is sent to it any more.`;
    }
    case 'webhook rotate-secret': {
      const { endpointId: id, keepPreviousSeconds } = options;
      const rotated = await rotateWebhookSecret(parts, await ownerOf(parts, id), id, { keepPreviousSeconds });
      return textOfNewSecret('Rotated', rotated);
    }
    case 'webhook resend': {
      const { endpointId: id } = options;
      const { eventId, eventType } = await resendWebhook(parts, await ownerOf(parts, id), id, options.eventId);
      return `${eventType} ${eventId} will be sent to ${id} within a second, or when the endpoint is resumed.`;
    }
    case 'webhook replay': {
      const { endpointId: id, after, since, until, before } = options;
      const { logId } = await readLogState(pool);
      const range = { after, since, until, before };
      return textOfReplay(await replayWebhooks({ ...parts, logId }, await ownerOf(parts, id), id, range));
    }
  }
}

/** The merchant of an endpoint. @throws {NotFoundError} */
async function ownerOf({ db }: WebhookParts, id: string): Promise<string> {
  const merchantId = isId('webhookEndpoint', id) ? await findWebhookOwner(db.pool, id) : null;
  if (merchantId === null) throw noSuchEndpoint();
  return merchantId;
}
