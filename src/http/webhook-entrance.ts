import type { IncomingMessage } from 'node:http';
import { firstPaymentIdIn } from '../domain/ids.ts';
import { logOfRequest } from '../logging/request-log.ts';
import { withoutSecrets } from '../logging/secrets.ts';
import type { WebhookRejectedError } from '../providers/provider.ts';
import { note } from '../telemetry/observe.ts';
import type { Answer } from './answer.ts';
import type { CallbackLane } from './callback-lane.ts';
import type { RequestRefusedError } from './refusal.ts';
import { createRefusalLog, type RefusalLog } from './refusal-log.ts';
import { replyJsonAndClose } from './reply.ts';
import { accountAt, handleWebhook, nameOf, type WebhookParts } from './webhooks.ts';

const textCharactersMax = 200;

/** Reasons of refusals before verification, by HTTP status. Refusals by verification have the reason of their `WebhookRejectedError`. */
const reasonsByStatus: Readonly<Record<number, string>> = {
  404: 'NO_SUCH_WEBHOOK',
  405: 'NOT_POSTED',
  408: 'TOO_SLOW',
  413: 'TOO_LARGE',
  415: 'WRONG_MEDIA_TYPE',
};

/** The webhook routes, with a log line for every refused callback. */
export type WebhookEntrance = {
  handle(request: IncomingMessage, response: Answer, path: string, requestId: string): Promise<void>;
  /** Logs a callback that is refused before routing. */
  refuse(request: IncomingMessage, refusal: RequestRefusedError, requestId: string): void;
  /** Logs how many refused callbacks were only counted: in minutes that are over, or until now. */
  logCounted(until?: 'now'): void;
};

export type WebhookEntranceParts = WebhookParts & {
  readonly lane: CallbackLane;
  addressOf(request: IncomingMessage): string;
};

export function createWebhookEntrance(parts: WebhookEntranceParts): WebhookEntrance {
  const refusals = createRefusalLog(parts.log, parts.now);
  return {
    handle: (request, response, path, requestId) => handle(parts, refusals, request, response, path, requestId),
    refuse: (request, refusal, requestId) => logUnrouted(parts, refusals, request, refusal, requestId),
    logCounted: refusals.logCounted,
  };
}

/**
 * Serves a callback and logs its refusal. The status of the answer decides, so that no kind of refusal is forgotten. Internal errors (5xx)
 * are logged where they occur, except for a provider that is away: the log mentions that provider only once, so each of its callbacks is
 * logged here.
 */
async function handle(
  parts: WebhookEntranceParts,
  refusals: RefusalLog,
  request: IncomingMessage,
  response: Answer,
  path: string,
  requestId: string,
): Promise<void> {
  const { lane, addressOf } = parts;
  const address = addressOf(request);
  const waitMs = await lane.waitMsOf(address);
  if (waitMs !== null) {
    note({ kind: 'shed', reason: 'callbacks_limited' });
    response.setHeader('retry-after', String(Math.ceil(waitMs / 1000)));
    replyJsonAndClose(response, 429, { error: 'Too many callbacks from this address were refused. Try again later.' });
    refusals.refused(nameOf(accountAt(parts.accounts, path)), 'RATE_LIMITED', { requestId, status: 429 });
    return;
  }
  const rejected = await handleWebhook({ ...parts, log: logOfRequest(parts.log, requestId) }, request, response, path);
  const found = accountAt(parts.accounts, path);
  const logRefusal = (reason: string, fields: object) => {
    note({
      kind: 'callback',
      provider: found.kind === 'none' ? 'none' : (nameOf(found) ?? 'none'),
      outcome: 'refused',
    });
    refusals.refused(nameOf(found), reason, { requestId, ...fields });
  };
  const { statusCode: status } = response;
  if (status < 300 && request.method === 'POST' && !isAborted(request)) lane.accepted(address);
  else if (status >= 400 && status < 500) await lane.refused(address);
  if (rejected !== null) {
    const { error, body } = rejected;
    const paymentId = firstPaymentIdIn(body.toString('latin1'));
    const fields = { ...(paymentId !== null && { paymentId }), ...whyOf(error), bytes: body.length };
    logRefusal(error.reason, { status, ...fields });
  } else if (isAborted(request) && status < 400) logRefusal('ABORTED', {});
  else if (status >= 400 && status < 500) {
    logRefusal(reasonsByStatus[status] ?? 'REFUSED', { status, ...aboutRequest(request, path, status) });
  } else if (found.kind === 'away' && status === 503) logRefusal('PROVIDER_AWAY', { status });
}

/** Logs a callback that is refused before routing, because its request line or a header is invalid. */
function logUnrouted(
  { accounts }: Pick<WebhookParts, 'accounts'>,
  refusals: RefusalLog,
  { url = '' }: IncomingMessage,
  { status, message: why }: RequestRefusedError,
  requestId: string,
): void {
  const [, path = ''] = /^(?:https?:\/\/[^/?#]*)?([^?]*)/i.exec(url) ?? [];
  refusals.refused(nameOf(accountAt(accounts, path)), reasonsByStatus[status] ?? 'REFUSED', { requestId, status, why });
}

/** True when the connection closed before the request was complete. */
function isAborted({ destroyed, complete }: IncomingMessage): boolean {
  return destroyed && !complete;
}

/** Takes the explanation for operators from the cause. The parser's message for invalid JSON would repeat the sender's input. */
function whyOf({ cause }: WebhookRejectedError): { readonly why?: string } {
  if (!(cause instanceof Error)) return {};
  return {
    why: cause instanceof SyntaxError ? 'The body is not valid JSON.' : withoutSecrets(cause.message).slice(0, 300),
  };
}

/** Fields that distinguish a proxy that modifies requests from a stranger who probes paths. */
function aboutRequest({ method, headers }: IncomingMessage, path: string, status: number): object {
  if (status === 404) return { path: withoutSecrets(path).slice(0, textCharactersMax) };
  if (status === 405) return { method };
  if (status === 413) return { contentLength: headers['content-length']?.slice(0, 20) };
  const { 'content-type': contentType, 'content-encoding': contentEncoding } = headers;
  return {
    contentType: contentType?.slice(0, textCharactersMax),
    contentEncoding: contentEncoding?.slice(0, textCharactersMax),
  };
}
