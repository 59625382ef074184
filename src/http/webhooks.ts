import type { IncomingMessage } from 'node:http';
import type { CallbackAccount, ProviderAccounts } from '../accounts/provider-accounts.ts';
import { overloadIn } from '../database/errors.ts';
import type { PassFailpoint } from '../domain/failpoint.ts';
import { isId } from '../domain/ids.ts';
import type { Log } from '../domain/log.ts';
import { type WebhookDelivery, WebhookRejectedError } from '../providers/provider.ts';
import type { CallbackIntake } from '../worker/callback-intake.ts';
import type { Answer } from './answer.ts';
import { readBody } from './body.ts';
import { mediaTypeOf, requirePlainBody } from './media-type.ts';
import { RequestAbortedError, RequestRefusedError } from './refusal.ts';
import { reply, replyJson, replyJsonAndClose, replyRefusal } from './reply.ts';

const route = /^\/webhooks\/([a-z]{1,20})(?:\/([\w.@-]{1,64}))?\/?$/;

export type WebhookParts = {
  readonly accounts: Pick<ProviderAccounts, 'atRoute' | 'refresh'>;
  readonly now: () => Date;
  readonly log: Log;
  readonly failpoint: PassFailpoint;
  readonly intake: Pick<CallbackIntake, 'receive' | 'apply'>;
};

/** A callback that could not be verified. */
export type RejectedCallback = { readonly error: WebhookRejectedError; readonly body: Buffer };

/** Serves the webhook routes. A callback is acknowledged only after it is committed. The reason of a refusal is returned for the log and not sent. */
export async function handleWebhook(
  { accounts, now, log, failpoint, intake }: WebhookParts,
  request: IncomingMessage,
  response: Answer,
  path: string,
): Promise<RejectedCallback | null> {
  const found = await findAccount(accounts, path).catch(failed);
  if (found === null) return null;
  if (found.kind === 'away') {
    response.setHeader('retry-after', '15');
    replyJson(response, 503, { error: 'Try again later.' });
    return null;
  }
  if (found.kind !== 'open') {
    replyJsonAndClose(response, 404, {
      error: 'No webhook exists for this provider and account. Check the path and the configuration.',
    });
    return null;
  }
  const { provider } = found;
  if (request.method === 'OPTIONS') {
    response.writeHead(204, { allow: 'POST, OPTIONS' }).end();
    return null;
  }
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST, OPTIONS');
    replyJsonAndClose(response, 405, { error: 'Send callbacks with POST.' });
    return null;
  }
  const expected = provider.webhookContentType;
  if (mediaTypeOf(request.headers['content-type'])?.type !== expected) {
    replyJsonAndClose(response, 415, { error: `The content-type header must be ${expected}.` });
    return null;
  }
  let delivery: WebhookDelivery;
  try {
    requirePlainBody(request);
    delivery = { headers: headersOf(request), body: await readBody(request), receivedAt: now() };
  } catch (error) {
    if (error instanceof RequestRefusedError) {
      response.setHeader('connection', 'close');
      replyRefusal(response, error);
    } else if (!(error instanceof RequestAbortedError)) failed(error);
    return null;
  }
  try {
    const received = await intake.receive(provider, delivery, log);
    await failpoint('callback.kept');
    const { status, contentType: type, body } = provider.acknowledgement;
    reply(response, status, type, body);
    await failpoint('callback.acknowledged');
    if (received !== null) intake.apply(received);
  } catch (error) {
    if (error instanceof WebhookRejectedError) {
      replyJsonAndClose(response, 400, { error: 'The callback could not be verified.' });
      return { error, body: delivery.body };
    }
    failed(error);
  }
  return null;

  // Not committed, so not acknowledged: the provider sends it again.
  function failed(error: unknown): null {
    if (request.destroyed && !request.complete) return null; // the sender has disconnected
    const level = overloadIn(error) === null ? 'error' : 'warn';
    log[level]({ err: error, provider: nameOf(accountAt(accounts, path)) }, 'a callback could not be kept');
    replyJson(response, 503, { error: 'Try again later.' });
    return null;
  }
}

/** The provider of a webhook path; null when nothing is configured for it. */
export function nameOf(found: CallbackAccount): string | null {
  return found.kind === 'open' ? found.provider.name : found.name;
}

/** The account that a webhook path names. */
export function accountAt(accounts: Pick<ProviderAccounts, 'atRoute'>, path: string): CallbackAccount {
  const [, name = '', account] = route.exec(path) ?? [];
  return accounts.atRoute(name, account);
}

/** Another node may have stored the account a moment ago. */
async function findAccount(accounts: WebhookParts['accounts'], path: string): Promise<CallbackAccount> {
  const found = accountAt(accounts, path);
  const [, , account] = route.exec(path) ?? [];
  if (found.kind !== 'none' || account === undefined || !isId('providerAccount', account)) return found;
  await accounts.refresh();
  return accountAt(accounts, path);
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(',') : (value ?? ''),
  ]);
  return Object.fromEntries(entries);
}
