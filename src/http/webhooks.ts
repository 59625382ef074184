import type { IncomingMessage, ServerResponse } from 'node:http';
import { overloadIn } from '../database/errors.ts';
import type { PassFailpoint } from '../domain/failpoint.ts';
import type { Log } from '../domain/log.ts';
import type { ProviderName } from '../domain/payment.ts';
import { type PaymentProvider, type WebhookDelivery, WebhookRejectedError } from '../providers/provider.ts';
import type { CallbackIntake } from '../worker/callback-intake.ts';
import { readBody } from './body.ts';
import { mediaTypeOf, requirePlainBody } from './media-type.ts';
import { RequestAbortedError, RequestRefusedError } from './refusal.ts';
import { reply, replyJson, replyRefusal } from './reply.ts';

const route = /^\/webhooks\/([a-z]{1,20})(?:\/([\w.@-]{1,64}))?\/?$/;

export type WebhookParts = {
  readonly providers: readonly PaymentProvider[];
  /** Providers that are configured but have not confirmed their account yet. */
  readonly away: readonly { readonly name: ProviderName }[];
  readonly now: () => Date;
  readonly log: Log;
  readonly failpoint: PassFailpoint;
  readonly intake: Pick<CallbackIntake, 'receive' | 'apply'>;
};

/** A callback that could not be verified. */
export type RejectedCallback = { readonly error: WebhookRejectedError; readonly body: Buffer };

/** Serves the webhook routes. A callback is acknowledged only after it is committed. The reason of a refusal is returned for the log and not sent. */
export async function handleWebhook(
  { providers, away, now, log, failpoint, intake }: WebhookParts,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<RejectedCallback | null> {
  const { provider, account } = routeOf(providers, path);
  // The provider's console may still hold an address with a former name of the account.
  const isNamed =
    (account ?? provider?.account) === provider?.account || provider?.formerAccounts.includes(account ?? '');
  if (provider === undefined && routeOf(away, path).provider !== undefined) {
    response.setHeader('retry-after', '15');
    replyJson(response, 503, { error: 'Try again later.' });
    return null;
  }
  if (provider === undefined || !isNamed) {
    replyJson(response, 404, {
      error: 'No webhook exists for this provider and account. Check the path and the configuration.',
    });
    return null;
  }
  if (request.method === 'OPTIONS') {
    response.writeHead(204, { allow: 'POST, OPTIONS' }).end();
    return null;
  }
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST, OPTIONS');
    replyJson(response, 405, { error: 'Send callbacks with POST.' });
    return null;
  }
  const expected = provider.webhookContentType;
  if (mediaTypeOf(request.headers['content-type'])?.type !== expected) {
    replyJson(response, 415, { error: `The content-type header must be ${expected}.` });
    return null;
  }
  let delivery: WebhookDelivery;
  try {
    requirePlainBody(request);
    delivery = { headers: headersOf(request), body: await readBody(request), receivedAt: now() };
  } catch (error) {
    if (error instanceof RequestRefusedError) replyRefusal(response, error);
    else if (!(error instanceof RequestAbortedError)) failed(error);
    return null;
  }
  try {
    const deliveryId = await intake.receive(provider, delivery);
    await failpoint('callback.kept');
    const { status, contentType: type, body } = provider.acknowledgement;
    reply(response, status, type, body);
    await failpoint('callback.acknowledged');
    if (deliveryId !== null) intake.apply(deliveryId);
  } catch (error) {
    if (error instanceof WebhookRejectedError) {
      replyJson(response, 400, { error: 'The callback could not be verified.' });
      return { error, body: delivery.body };
    }
    failed(error);
  }
  return null;

  // Not committed, so not acknowledged: the provider sends it again.
  function failed(error: unknown): void {
    if (request.destroyed && !request.complete) return; // the sender has disconnected
    const level = overloadIn(error) === null ? 'error' : 'warn';
    log[level]({ err: error, provider: provider?.name }, 'a callback could not be kept');
    replyJson(response, 503, { error: 'Try again later.' });
  }
}

/** Parses a webhook path. `account` is undefined when the path names none. */
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
