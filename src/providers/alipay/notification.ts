import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { type VerifiedWebhook, WebhookRejectedError } from '../provider.ts';
import { isSigned } from './signature.ts';

/** The fields of a callback, decoded once and not touched since. */
export type Fields = ReadonlyMap<string, string>;

const unsigned = new Set(['sign', 'sign_type']);
const utf8 = /^utf-8$/i;
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const identitySchema = z.object({
  notify_id: z.string().regex(/^[\x21-\x7e]{1,128}$/),
  notify_type: z.string().regex(/^[\w.]{1,64}$/),
  trade_status: z.string().optional(),
});

/**
 * Checks a callback by Alipay's key, as a form with each field once. `sign_type` is not covered by the signature, so it must be what we
 * expect, and chooses nothing. `notify_time` is no measure of freshness: Alipay repeats itself for a day.
 *
 * @throws {WebhookRejectedError} MALFORMED, MISSING_SIGNATURE or BAD_SIGNATURE.
 * @see https://opendocs.alipay.com/open/270/105902
 */
export function verifyNotification(
  body: Buffer,
  contentType: string | undefined,
  alipayPublicKey: KeyObject,
): VerifiedWebhook {
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType ?? '') ?? [];
  const fields = parseForm(body);
  if (!utf8.test(charset) || !utf8.test(fields.get('charset') ?? 'utf-8')) throw new WebhookRejectedError('MALFORMED');
  const signature = fields.get('sign');
  if (signature === undefined || signature === '') throw new WebhookRejectedError('MISSING_SIGNATURE');
  if (fields.get('sign_type') !== 'RSA2' || !isSigned(signedTextOf(fields), signature, alipayPublicKey)) {
    const cause = new Error(
      'Should Alipay have sent it, check ALIPAY_PUBLIC_KEY or ALIPAY_CERT: it must be Alipay’s own.',
    );
    throw new WebhookRejectedError('BAD_SIGNATURE', { cause });
  }
  const identity = identitySchema.safeParse(Object.fromEntries(fields));
  if (!identity.success) throw new WebhookRejectedError('MALFORMED', { cause: identity.error });
  const { notify_id: eventId, notify_type: type, trade_status: status } = identity.data;
  // A status that has not the form of one is for whoever reads the content.
  const hasStatus = status !== undefined && /^\w{1,64}$/.test(status);
  return { eventId, eventType: hasStatus ? `${type}.${status}` : type };
}

/**
 * The fields of a form, in UTF-8. Names are just names, brackets and all.
 * @throws {WebhookRejectedError} MALFORMED, also when a field is there twice: parsers do not agree which one counts.
 */
export function parseForm(body: Buffer): Fields {
  const fields = new Map<string, string>();
  try {
    for (const pair of strictUtf8.decode(body).split('&')) {
      if (pair === '') continue;
      const split = pair.includes('=') ? pair.indexOf('=') : pair.length;
      const name = decoded(pair.slice(0, split));
      if (fields.has(name)) throw new RangeError('A field of a form is there twice.');
      fields.set(name, decoded(pair.slice(split + 1)));
    }
  } catch (cause) {
    throw new WebhookRejectedError('MALFORMED', { cause });
  }
  return fields;
}

/** @throws {URIError} when an escape is no escape, or the bytes are no UTF-8. */
function decoded(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

/** All fields but the signature's own, empty ones too, in the order of their names. */
function signedTextOf(fields: Fields): string {
  return [...fields.keys()]
    .filter((name) => !unsigned.has(name))
    .sort()
    .map((name) => `${name}=${fields.get(name)}`)
    .join('&');
}
