import { createHmac } from 'node:crypto';
import { type WebhookSecrets, webhookKeyOf } from '../accounts/webhook-secrets.ts';
import type { Secret } from '../domain/secret.ts';

/** The headers of one message, as Standard Webhooks names them. */
export type WebhookHeaders = {
  readonly 'webhook-id': string;
  readonly 'webhook-timestamp': string;
  readonly 'webhook-signature': string;
};

/**
 * Signs a message. During a rotation it has a signature of each secret.
 *
 * @param id the same for all attempts of a message: receivers recognize repetitions by it.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signWebhook(
  { current, previous }: WebhookSecrets,
  { id, body, at }: { readonly id: string; readonly body: string; readonly at: Date },
): WebhookHeaders {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signed = `${id}.${timestamp}.${body}`;
  const signatures = [current, ...(previous === null ? [] : [previous])].map((secret) => `v1,${hmac(secret, signed)}`);
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

function hmac(secret: Secret, text: string): string {
  return createHmac('sha256', webhookKeyOf(secret)).update(text, 'utf8').digest('base64');
}
