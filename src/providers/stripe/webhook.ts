import { createHmac, timingSafeEqual } from 'node:crypto';
import { WebhookRejectedError } from '../provider.ts';

/** The signed timestamp may be this far from our clock, either way, before we treat the delivery as a replay. */
export const timestampToleranceSeconds = 300;

const hexSha256 = /^[0-9a-f]{64}$/;

/**
 * Verifies `Stripe-Signature` over the raw body. Parse only after this returns.
 *
 * @param secrets the endpoint's signing secrets; two are active during a replacement.
 * @throws {WebhookRejectedError} MISSING_SIGNATURE, STALE or BAD_SIGNATURE: for our logs, never for the sender.
 * @see https://docs.stripe.com/webhooks#verify-manually
 */
export function verifyStripeSignature(
  header: string | undefined,
  body: Buffer,
  secrets: readonly string[],
  receivedAt: Date,
): void {
  const { timestamp, signatures } = parseHeader(header);
  // A signature with a future timestamp could be replayed until that time plus the tolerance.
  const skewSeconds = Math.abs(Math.floor(receivedAt.getTime() / 1000) - Number(timestamp));
  if (skewSeconds > timestampToleranceSeconds) throw new WebhookRejectedError('STALE');
  const isSigned = secrets.some((secret) => {
    const expected = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest();
    return signatures.some((signature) => timingSafeEqual(signature, expected));
  });
  if (isSigned) return;
  const cause = new Error('If Stripe sent it, check STRIPE_WEBHOOK_SECRETS: each endpoint has its own secret.');
  throw new WebhookRejectedError('BAD_SIGNATURE', { cause });
}

/** `t=<unix seconds>,v1=<hex>[,v1=<hex>]`. Other schemes are ignored: v0 is a test scheme with a public key. */
function parseHeader(header: string | undefined): { timestamp: string; signatures: Buffer[] } {
  const timestamps: string[] = [];
  const signatures: Buffer[] = [];
  for (const part of (header ?? '').split(',')) {
    const [scheme, value = ''] = part.trim().split('=', 2);
    if (scheme === 't') timestamps.push(value);
    if (scheme === 'v1' && hexSha256.test(value)) signatures.push(Buffer.from(value, 'hex'));
  }
  const [timestamp] = timestamps;
  if (timestamp === undefined || signatures.length === 0) throw new WebhookRejectedError('MISSING_SIGNATURE');
  if (timestamps.length > 1 || !/^\d{1,12}$/.test(timestamp)) throw new WebhookRejectedError('BAD_SIGNATURE');
  return { timestamp, signatures };
}
