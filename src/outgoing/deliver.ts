import type { WebhookSecrets } from '../accounts/webhook-secrets.ts';
import { newId } from '../domain/ids.ts';
import { afterFailure, type FailureEffect, failuresUntilDown } from '../domain/webhook.ts';
import type { LoggedEvent } from '../events/log.ts';
import { insertWebhookAttempt, type WebhookAttempt } from '../store/webhook-attempt-store.ts';
import {
  lockWebhookRecord,
  pauseWebhookEndpoint,
  recordWebhookFailure,
  recordWebhookSuccess,
  type StoredWebhookEndpoint,
} from '../store/webhook-endpoint-store.ts';
import {
  holdBackLater,
  hurryWebhookMessages,
  letLaterGo,
  markDelivered,
  markFailed,
  type WebhookMessage,
} from '../store/webhook-message-store.ts';
import { type OutgoingContext, turn } from './context.ts';
import { signWebhook } from './signature.ts';
import { NoWebhookAnswerError, type WebhookAnswer, type WebhookRequest } from './transport.ts';

/** The result of one attempt. `isStopped`: the endpoint gets nothing more for now. */
export type Attempted = { readonly isDelivered: boolean; readonly isStopped: boolean };

/** After an outage of this length a success is taken as its end, and what waits is tried at once. */
const outageMsMin = 10 * 60_000;

/** Sends a message once, and records what came of it. The message counts as delivered only after the endpoint has said so. */
export async function deliver(
  context: OutgoingContext,
  endpoint: StoredWebhookEndpoint,
  secrets: WebhookSecrets,
  message: WebhookMessage,
  event: LoggedEvent,
): Promise<Attempted> {
  const { clock, failpoint, render } = context;
  const { url, previousSecretUntil } = endpoint;
  const body = await render(event);
  const attemptedAt = clock.now();
  const isRotating = previousSecretUntil !== null && previousSecretUntil > attemptedAt;
  const signed = signWebhook(isRotating ? secrets : { ...secrets, previous: null }, {
    ...{ id: event.id, body, at: attemptedAt },
  });
  const headers = { 'content-type': 'application/json', 'user-agent': 'Paystream-Webhooks/1', ...signed };
  await failpoint('webhook.sending');
  const startedMs = performance.now();
  const answer = await answerOf(context, { url, headers, body });
  const durationMs = Math.round(performance.now() - startedMs);
  await failpoint('webhook.answered');
  const { 'webhook-signature': _, ...requestHeaders } = headers;
  const error = typeof answer === 'string' ? answer : refusalIn(answer);
  const attempt: WebhookAttempt = {
    ...{
      id: newId('webhookAttempt'),
      endpointId: endpoint.id,
      eventId: event.id,
      url,
      requestHeaders,
      requestBody: body,
    },
    responseStatus: typeof answer === 'string' ? null : answer.status,
    responseBody: typeof answer === 'string' ? null : answer.body,
    ...{ error, attemptedAt, durationMs },
  };
  if (error === null) {
    await recordSuccess(context, endpoint, message, attempt);
    return { isDelivered: true, isStopped: false };
  }
  const retryAfterMs = typeof answer === 'string' ? 0 : answer.retryAfterMs;
  const effect = await recordFailure(context, endpoint, message, attempt, retryAfterMs);
  return { isDelivered: false, isStopped: effect.retryAt !== null || effect.pause !== null };
}

/** The answer, or the sentence why there is none. */
async function answerOf({ send }: OutgoingContext, request: WebhookRequest): Promise<WebhookAnswer | string> {
  try {
    return await send(request);
  } catch (error) {
    if (error instanceof NoWebhookAnswerError) return error.message;
    throw error;
  }
}

/** Why an answer is none that acknowledges; null for one that does. */
function refusalIn({ status }: WebhookAnswer): string | null {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400) return `The endpoint answered ${status}. Redirects are not followed.`;
  return status === 410 ? 'The endpoint answered 410: it wants no more events.' : `The endpoint answered ${status}.`;
}

async function recordSuccess(
  { db, clock }: OutgoingContext,
  { id, ordered }: StoredWebhookEndpoint,
  message: WebhookMessage,
  attempt: WebhookAttempt,
): Promise<void> {
  await db.transaction(async (tx) => {
    const at = clock.now();
    const record = await lockWebhookRecord(tx, id);
    await markDelivered(tx, message, attempt.attemptedAt, at);
    await insertWebhookAttempt(tx, attempt);
    if (ordered) await letLaterGo(tx, message, at);
    if (record === null || record.failingSince === null) return;
    await recordWebhookSuccess(tx, id);
    const outageMs = at.getTime() - record.failingSince.getTime();
    if (record.failures >= failuresUntilDown || outageMs >= outageMsMin) await hurryWebhookMessages(tx, id, at);
  }, turn);
}

async function recordFailure(
  { db, clock, log, chance }: OutgoingContext,
  { id, ordered, merchantId }: StoredWebhookEndpoint,
  message: WebhookMessage,
  attempt: WebhookAttempt,
  retryAfterMs: number,
): Promise<FailureEffect> {
  const { attemptedAt, responseStatus, error } = attempt;
  const effect = await db.transaction(async (tx) => {
    const record = await lockWebhookRecord(tx, id);
    const decided = afterFailure(
      record ?? { failures: 0, failingSince: null },
      {
        ...{ at: attemptedAt, responseStatus, retryAfterMs, attempts: message.attempts + 1 },
        firstAttemptAt: message.firstAttemptAt ?? attemptedAt,
      },
      chance(),
    );
    await markFailed(tx, message, attemptedAt, decided);
    await insertWebhookAttempt(tx, attempt);
    if (ordered) await holdBackLater(tx, message, decided.nextAttemptAt);
    if (record === null) return decided; // paused meanwhile
    await recordWebhookFailure(tx, id, decided);
    if (decided.pause !== null) await pauseWebhookEndpoint(tx, id, decided.pause, clock.now());
    return decided;
  }, turn);
  const names = { merchantId, webhookEndpointId: id, eventId: message.eventId, orderId: message.orderId };
  if (effect.pause !== null) {
    const fields = { ...names, reason: effect.pause, failingSince: effect.failingSince, problem: error };
    log.error(fields, 'a webhook endpoint was paused: its events wait until the merchant resumes it');
  } else if (effect.status === 'FAILED') {
    log.error(
      { ...names, problem: error },
      'an event could not be delivered to a webhook endpoint: it waits until it is sent again',
    );
  }
  return effect;
}
