import type { IncomingMessage, ServerResponse } from 'node:http';
import { firstPaymentIdIn } from '../domain/ids.ts';
import type { Log } from '../domain/log.ts';
import { withoutSecrets } from '../logging/secrets.ts';
import { WebhookRejectedError } from '../providers/provider.ts';
import type { RequestRefusedError } from './refusal.ts';
import { handleWebhook, routeOf, type WebhookParts } from './webhooks.ts';

/** So many refusals of one provider's callbacks have a line of their own in a minute; of the others, a line says how many there were. */
export const refusalLinesPerMinute = 20;
const windowMs = 60_000;
const textCharactersMax = 200;

/** Why a callback was refused: a reason of `WebhookRejectedError`, or one of these, which come before verification. */
const reasons: Readonly<Record<number, string>> = {
  404: 'NO_SUCH_WEBHOOK',
  405: 'NOT_POSTED',
  408: 'TOO_SLOW',
  413: 'TOO_LARGE',
  415: 'WRONG_MEDIA_TYPE',
};

export type RefusalLog = {
  /** Leaves a line, or counts. `provider` is null where the path names none that is configured. */
  refused(provider: string | null, reason: string, fields: object): void;
  /** Says how many were only counted in minutes that are over, or until now. */
  tellCounted(until?: 'now'): void;
};

type Window = { readonly startedAt: number; lines: number; readonly counted: Map<string, number> };

/** Every refusal that it is told of leaves a line or is counted by one, however many come: a flood fills no disk and hides nothing. */
export function createRefusalLog(log: Log, now: () => Date): RefusalLog {
  const windows = new Map<string | null, Window>();

  function end(provider: string | null, { startedAt, counted }: Window): void {
    windows.delete(provider);
    const count = [...counted.values()].reduce((sum, times) => sum + times, 0);
    if (count === 0) return;
    const since = new Date(startedAt).toISOString();
    log.warn({ provider, count, reasons: Object.fromEntries(counted), since }, 'more callbacks refused');
  }

  const isOver = ({ startedAt }: Window) => Math.abs(now().getTime() - startedAt) >= windowMs;

  return {
    refused(provider, reason, fields) {
      const held = windows.get(provider);
      if (held !== undefined && isOver(held)) end(provider, held);
      const window = windows.get(provider) ?? { startedAt: now().getTime(), lines: 0, counted: new Map() };
      windows.set(provider, window);
      if (window.lines < refusalLinesPerMinute) {
        window.lines += 1;
        log.warn({ provider, reason, ...fields }, 'callback refused');
      } else window.counted.set(reason, (window.counted.get(reason) ?? 0) + 1);
    },
    tellCounted(until) {
      for (const [provider, window] of windows) if (until === 'now' || isOver(window)) end(provider, window);
    },
  };
}

/**
 * Answers a callback, and has it leave a line when it was refused, whatever by: judged by the answer, so that no refusal can be forgotten.
 * What failed for a reason of ours (5xx) is logged where it failed, but for a provider that is away: of each callback to it there is a line
 * here, for the log tells of the provider itself only once.
 */
export async function handleCallback(
  parts: WebhookParts,
  refusals: RefusalLog,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  let rejection: { readonly reason: string; readonly fields: object } | null = null;
  const receive: WebhookParts['receive'] = async (provider, delivery) => {
    try {
      return await parts.receive(provider, delivery);
    } catch (error) {
      if (error instanceof WebhookRejectedError) {
        const paymentId = firstPaymentIdIn(delivery.body.toString('latin1'));
        const fields = { ...(paymentId !== null && { paymentId }), ...whyOf(error), bytes: delivery.body.length };
        rejection = { reason: error.reason, fields };
      }
      throw error;
    }
  };
  await handleWebhook({ ...parts, receive }, request, response, path);
  const { provider } = routeOf(parts.providers, path);
  const told = (reason: string, fields: object) => refusals.refused(provider?.name ?? null, reason, fields);
  const { statusCode: status } = response;
  if (rejection !== null) {
    const { reason, fields } = rejection as { readonly reason: string; readonly fields: object }; // set by a callback
    told(reason, { status, ...fields });
  } else if (isAborted(request) && status < 400) told('ABORTED', {});
  else if (status >= 400 && status < 500) {
    told(reasons[status] ?? 'REFUSED', { status, ...aboutRequest(request, path, status) });
  } else if (provider === undefined && status === 503) {
    refusals.refused(routeOf(parts.away, path).provider?.name ?? null, 'PROVIDER_AWAY', { status });
  }
}

/** Leaves a line for a callback that is refused before it comes to its route, because its request line or a header is not as it must be. */
export function logUnroutedCallback(
  { providers, away }: Pick<WebhookParts, 'providers' | 'away'>,
  refusals: RefusalLog,
  { url = '' }: IncomingMessage,
  { status, message: why }: RequestRefusedError,
): void {
  const [, path = ''] = /^(?:https?:\/\/[^/?#]*)?([^?]*)/i.exec(url) ?? [];
  const { provider } = routeOf([...providers, ...away], path);
  refusals.refused(provider?.name ?? null, reasons[status] ?? 'REFUSED', { status, why });
}

/** The connection ended before the request was all here: its sender went away, or was cut off. */
function isAborted({ destroyed, complete }: IncomingMessage): boolean {
  return destroyed && !complete;
}

/** The cause says what an operator can look at; what a stranger has sent says nothing. */
function whyOf({ cause }: WebhookRejectedError): { readonly why?: string } {
  if (!(cause instanceof Error)) return {};
  return { why: cause instanceof SyntaxError ? 'It is not JSON.' : withoutSecrets(cause.message).slice(0, 300) };
}

/** What tells a proxy that changes requests from somebody who tries doors. */
function aboutRequest({ method, headers }: IncomingMessage, path: string, status: number): object {
  if (status === 404) return { path: path.slice(0, textCharactersMax) };
  if (status === 405) return { method };
  if (status === 413) return { contentLength: headers['content-length']?.slice(0, 20) };
  const { 'content-type': contentType, 'content-encoding': contentEncoding } = headers;
  return {
    contentType: contentType?.slice(0, textCharactersMax),
    contentEncoding: contentEncoding?.slice(0, textCharactersMax),
  };
}
