import type { NewEndpoint } from '../commands/create-webhook-endpoint.ts';
import type { WebhookEndpoint } from '../domain/webhook.ts';
import type { WebhookAttempt } from '../store/webhook-attempt-store.ts';
import type { WebhookMessage } from '../store/webhook-message-store.ts';
import type { WebhookReplay } from '../store/webhook-replay-store.ts';
import { dayOf, minuteOf, table } from './text.ts';

export function textOfNewSecret(verb: 'Added' | 'Rotated', { endpoint, secret }: NewEndpoint): string {
  const { id, previousSecretUntil } = endpoint;
  const made =
    verb === 'Added'
      ? `Added webhook endpoint ${id}. ${sentencesOf(endpoint)}`
      : `Webhook endpoint ${id} has a new secret. ${
          previousSecretUntil === null
            ? 'The previous one is not used any more.'
            : `Until ${minuteOf(previousSecretUntil)} messages are signed with the previous one as well.`
        }`;
  return `${made}
Copy the secret now; it is not shown again:

${secret.reveal()}

Your server verifies each message with it: see docs/outgoing-webhooks.md.`;
}

export function textOfEndpoint(endpoint: WebhookEndpoint): string {
  return `Webhook endpoint ${endpoint.id}. ${sentencesOf(endpoint)}`;
}

function sentencesOf(endpoint: WebhookEndpoint): string {
  const { url, eventTypes, ordered, status } = endpoint;
  const types = eventTypes.length === 0 ? 'All events' : `Events of the types ${eventTypes.join(', ')}`;
  const order = ordered ? ', those of one order one after the other' : '';
  const next = status === 'PAUSED' ? `\nTo resume it: npm run paystream -- webhook resume ${endpoint.id}` : '';
  return `${types} are posted to ${url}${order}. It is ${stateOf(endpoint)}.${next}`;
}

const reasons = { REQUESTED: 'on request', FAILING: 'it answered nothing for three days', GONE: 'it answered 410' };

function stateOf({ pauseReason, pausedAt, failingSince }: WebhookEndpoint): string {
  if (pauseReason !== null && pausedAt !== null) return `paused since ${minuteOf(pausedAt)} (${reasons[pauseReason]})`;
  return failingSince === null ? 'active' : `active, failing since ${minuteOf(failingSince)}`;
}

export function tableOfEndpoints(endpoints: readonly WebhookEndpoint[]): string {
  if (endpoints.length === 0) {
    return 'There is no webhook endpoint. Add one: npm run paystream -- webhook add --url https://shop.example/webhooks';
  }
  return table(
    ['id', 'url', 'events', 'ordered', 'created', 'state'],
    endpoints.map((endpoint) => [
      ...[endpoint.id, endpoint.url, endpoint.eventTypes.join(' ') || 'all', endpoint.ordered ? 'yes' : 'no'],
      ...[dayOf(endpoint.createdAt), stateOf(endpoint)],
    ]),
  );
}

export function tableOfMessages(messages: readonly WebhookMessage[], attempts: readonly WebhookAttempt[]): string {
  if (messages.length === 0) return 'There is no message.';
  return table(
    ['event', 'type', 'order', 'state', 'attempts', 'last attempt', 'answer', 'next attempt'],
    messages.map(({ eventId, eventType, orderId, sequence, status, attempts: count, nextAttemptAt }) => {
      const last = attempts.find((attempt) => attempt.eventId === eventId);
      return [
        ...[eventId, eventType, `${orderId} ${sequence}`, status.toLowerCase(), String(count)],
        last === undefined ? '' : minuteOf(last.attemptedAt),
        last === undefined ? '' : (last.error ?? String(last.responseStatus)),
        nextAttemptAt === null ? '' : minuteOf(nextAttemptAt),
      ];
    }),
  );
}

export function textOfReplay({ id, endpointId }: WebhookReplay): string {
  return `Replay ${id}: the events of the range are sent to ${endpointId} once more, the oldest first.
To follow it: npm run paystream -- webhook log ${endpointId}`;
}
