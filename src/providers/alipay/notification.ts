import { z } from 'zod';
import { type VerifiedWebhook, WebhookRejectedError } from '../provider.ts';
import { type Charset, charsetNameIn, charsetOf, decode } from './charset.ts';
import { type AlipayKey, isSigned } from './signature.ts';

/** The fields of a callback, decoded once and not touched since. */
export type Fields = ReadonlyMap<string, string>;
/** The same as bytes: what Alipay has signed. Names are one character for each byte. */
type RawFields = ReadonlyMap<string, Buffer>;

const unsigned = new Set(['sign', 'sign_type']);

const identitySchema = z.object({
  notify_id: z.string().regex(/^[\x21-\x7e]{1,128}$/),
  notify_type: z.string().regex(/^[\w.]{1,64}$/),
  trade_status: z.string().optional(),
});

/**
 * Checks a callback by Alipay's keys, as a form with each field once. The signature is over the bytes of the fields, whatever their charset:
 * that is declared by the field `charset`, which is signed, or else by the header. `sign_type` is not covered by the signature, so it must
 * be what we expect, and chooses nothing. `notify_time` is no measure of freshness: Alipay repeats itself for a day.
 *
 * @throws {WebhookRejectedError} MALFORMED, also for a charset that we do not know; MISSING_SIGNATURE or BAD_SIGNATURE.
 * @see https://opendocs.alipay.com/open/270/105902
 */
export function verifyNotification(
  body: Buffer,
  contentType: string | undefined,
  keys: readonly AlipayKey[],
): VerifiedWebhook {
  const raw = parseForm(body);
  const charset = charsetOf(charsetFieldOf(raw) ?? charsetNameIn(contentType) ?? 'utf-8');
  if (charset === null) {
    throw new WebhookRejectedError('MALFORMED', { cause: new Error('Its charset is neither UTF-8 nor GBK.') });
  }
  const fields = decodedFields(raw, charset);
  const signature = fields.get('sign');
  if (signature === undefined || signature === '') throw new WebhookRejectedError('MISSING_SIGNATURE');
  const certSn = fields.get('alipay_cert_sn') ?? null;
  if (fields.get('sign_type') !== 'RSA2' || !isSigned(signedBytesOf(raw, fields), signature, keys, certSn)) {
    const cause = new Error(
      'Should Alipay have sent it, check ALIPAY_PUBLIC_KEY or ALIPAY_CERT: it must be Alipay’s own. It may hold two while they are changed.',
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
 * The fields of a callback that was verified before. Where it declares its charset in the header alone, texts for people may come out
 * wrong; what we read of a callback is ASCII, which is the same in every charset that we know.
 */
export function fieldsOf(body: Buffer): Fields {
  const raw = parseForm(body);
  const declared = charsetFieldOf(raw);
  const charset = declared === null ? null : charsetOf(declared);
  if (charset !== null) return decodedFields(raw, charset);
  return new Map([...raw].map(([name, value]) => [name, value.toString('utf8')]));
}

/**
 * The fields of a form, as bytes. Names are just names, brackets and all.
 * @throws {WebhookRejectedError} MALFORMED, also when a field is there twice: parsers do not agree which one counts.
 */
function parseForm(body: Buffer): RawFields {
  const fields = new Map<string, Buffer>();
  for (const pair of body.toString('latin1').split('&')) {
    if (pair === '') continue;
    const split = pair.includes('=') ? pair.indexOf('=') : pair.length;
    const name = unescaped(pair.slice(0, split));
    if (fields.has(name)) throw malformed(new RangeError('A field of a form is there twice.'));
    fields.set(name, Buffer.from(unescaped(pair.slice(split + 1)), 'latin1'));
  }
  return fields;
}

/** @param text one character for each byte, as the result. */
function unescaped(text: string): string {
  if (/%(?![0-9a-f]{2})/i.test(text)) throw malformed(new RangeError('An escape of a form is no escape.'));
  return text
    .replaceAll('+', ' ')
    .replaceAll(/%(..)/g, (_escape, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function charsetFieldOf(raw: RawFields): string | null {
  return raw.get('charset')?.toString('latin1') || null;
}

function decodedFields(raw: RawFields, charset: Charset): Fields {
  const fields = new Map<string, string>();
  try {
    for (const [name, value] of raw) {
      const decodedName = decode(Buffer.from(name, 'latin1'), charset);
      if (fields.has(decodedName)) throw new RangeError('A field of a form is there twice.');
      fields.set(decodedName, decode(value, charset));
    }
  } catch (cause) {
    throw malformed(cause);
  }
  return fields;
}

function malformed(cause: unknown): WebhookRejectedError {
  return new WebhookRejectedError('MALFORMED', { cause });
}

/** All fields but the signature's own, empty ones too, in the order of their names: the bytes as they came. */
function signedBytesOf(raw: RawFields, fields: Fields): Buffer {
  const names = [...fields.keys()];
  const pairs = [...raw].map(([name, value], index) => ({ name, value, order: names[index] ?? name }));
  const signed = pairs
    .filter(({ order }) => !unsigned.has(order))
    .sort((one, other) => (one.order < other.order ? -1 : 1))
    .map(({ name, value }) => Buffer.concat([Buffer.from(`${name}=`, 'latin1'), value]));
  return Buffer.concat(signed.flatMap((pair, index) => (index === 0 ? [pair] : [Buffer.from('&'), pair])));
}
