import type { IncomingMessage, ServerResponse } from 'node:http';
import { overloadIn } from '../database/errors.ts';
import type { PassFailpoint } from '../domain/failpoint.ts';
import type { Log } from '../domain/log.ts';
import type { ProviderName } from '../domain/payment.ts';
import { type PaymentProvider, type WebhookDelivery, WebhookRejectedError } from '../providers/provider.ts';
import { readBody } from './body.ts';
import { mediaTypeOf, requirePlainBody } from './media-type.ts';
import { RequestAbortedError, RequestRefusedError } from './refusal.ts';
import { reply, replyJson, replyRefusal } from './reply.ts';

const route = /^\/webhooks\/([a-z]{1,20})(?:\/([\w.@-]{1,64}))?\/?$/;

export type WebhookParts = {
  readonly providers: readonly PaymentProvider[];
  /** Configured, and still to say whose account it is. */
  readonly away: readonly { readonly name: ProviderName }[];
  readonly now: () => Date;
  readonly log: Log;
  readonly failpoint: PassFailpoint;
  /** Verifies a callback and commits it; its id when it is new. */
  receive(provider: PaymentProvider, delivery: WebhookDelivery): Promise<string | null>;
  /** Acts on a committed callback, once the provider has its answer. */
  apply(deliveryId: string): void;
};

/** The routes that providers post their callbacks to. Acknowledged only when committed; the reasons of a refusal stay in our logs. */
export async function handleWebhook(
  { providers, away, now, log, failpoint, receive, apply }: WebhookParts,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const { provider, account } = routeOf(providers, path);
  // An address with a former name of the account may still stand in the provider's console.
  const isNamed =
    (account ?? provider?.account) === provider?.account || provider?.formerAccounts.includes(account ?? '');
  if (provider === undefined && routeOf(away, path).provider !== undefined) {
    response.setHeader('retry-after', '15');
    return replyJson(response, 503, { error: 'Try again later.' });
  }
  if (provider === undefined || !isNamed) {
    return replyJson(response, 404, { error: 'There is no webhook of this provider and account here.' });
  }
  if (request.method === 'OPTIONS') {
    response.writeHead(204, { allow: 'POST, OPTIONS' }).end();
    return;
  }
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST, OPTIONS');
    return replyJson(response, 405, { error: 'Callbacks are posted.' });
  }
  const expected = provider.webhookContentType;
  if (mediaTypeOf(request.headers['content-type'])?.type !== expected) {
    return replyJson(response, 415, { error: `content-type must be ${expected}.` });
  }
  try {
    requirePlainBody(request);
    const delivery: WebhookDelivery = { headers: headersOf(request), body: await readBody(request), receivedAt: now() };
    const deliveryId = await receive(provider, delivery);
    await failpoint('callback.kept');
    const { status, contentType: type, body } = provider.acknowledgement;
    reply(response, status, type, body);
    await failpoint('callback.acknowledged');
    if (deliveryId !== null) apply(deliveryId);
  } catch (error) {
    if (error instanceof RequestAbortedError) return;
    if (error instanceof RequestRefusedError) return replyRefusal(response, error);
    if (error instanceof WebhookRejectedError)
      return replyJson(response, 400, { error: 'The callback could not be verified.' });
    if (request.destroyed && !request.complete) return; // whoever sent it has gone
    // Not committed, so not acknowledged: the provider will send it again.
    const level = overloadIn(error) === null ? 'error' : 'warn';
    log[level]({ err: error, provider: provider.name }, 'a callback could not be kept');
    replyJson(response, 503, { error: 'Try again later.' });
  }
}

/** The provider that a path names, and the account that it asks for. */
export function routeOf<T extends { readonly name: string }>(
  providers: readonly T[],
  path: string,
): { readonly provider: T | undefined; readonly account: string | undefined } {
  const [, name = '', account] = route.exec(path) ?? [];
  return { provider: providers.find((candidate) => candidate.name.toLowerCase() === name), account };
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(',') : (value ?? ''),
  ]);
  return Object.fromEntries(entries);
}
