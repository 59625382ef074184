import { z } from 'zod';
import { type VerifiedWebhook, WebhookRejectedError } from '../provider.ts';
import { type Charset, charsetNameIn, charsetOf, decode } from './charset.ts';
import { type AlipayKey, isSigned } from './signature.ts';

/** The decoded fields of a callback. They are not changed after decoding. */
export type Fields = ReadonlyMap<string, string>;
/** The same fields as bytes, which Alipay signs. Names have one character for each byte. */
type RawFields = ReadonlyMap<string, Buffer>;

const unsigned = new Set(['sign', 'sign_type']);

const identitySchema = z.object({
  notify_id: z.string().regex(/^[\x21-\x7e]{1,128}$/),
  notify_type: z.string().regex(/^[\w.]{1,64}$/),
  trade_status: z.string().optional(),
});

/**
 * Verifies a callback: a form in which each field occurs once. The signature covers the bytes of the fields in their
 * charset. The signed field `charset` declares it, otherwise the header does.
 *
 * `sign_type` is not covered by the signature. It must have the expected value and selects nothing. `notify_time` is
 * not checked for freshness, because Alipay repeats callbacks for a day.
 *
 * @throws {WebhookRejectedError} MALFORMED, also for an unknown charset; MISSING_SIGNATURE or BAD_SIGNATURE.
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
      'If Alipay sent it, check ALIPAY_PUBLIC_KEY or ALIPAY_CERT: it must be Alipay’s own. It may hold two during a key change.',
    );
    throw new WebhookRejectedError('BAD_SIGNATURE', { cause });
  }
  const identity = identitySchema.safeParse(Object.fromEntries(fields));
  if (!identity.success) throw new WebhookRejectedError('MALFORMED', { cause: identity.error });
  const { notify_id: eventId, notify_type: type, trade_status: status } = identity.data;
  // The caller handles a status with an unexpected form.
  const hasStatus = status !== undefined && /^\w{1,64}$/.test(status);
  return { eventId, eventType: hasStatus ? `${type}.${status}` : type };
}

/**
 * Reads the fields of a verified callback. When only the header declares the charset, text for people may be decoded
 * wrongly. The fields that we use are ASCII, which is the same in every known charset.
 */
export function fieldsOf(body: Buffer): Fields {
  const raw = parseForm(body);
  const declared = charsetFieldOf(raw);
  const charset = declared === null ? null : charsetOf(declared);
  if (charset !== null) return decodedFields(raw, charset);
  return new Map([...raw].map(([name, value]) => [name, value.toString('utf8')]));
}

/**
 * Parses a form to bytes. Names have no structure; brackets are ordinary characters.
 *
 * @throws {WebhookRejectedError} MALFORMED, also for a repeated field, because parsers disagree which value counts.
 */
function parseForm(body: Buffer): RawFields {
  const fields = new Map<string, Buffer>();
  for (const pair of body.toString('latin1').split('&')) {
    if (pair === '') continue;
    const split = pair.includes('=') ? pair.indexOf('=') : pair.length;
    const name = unescaped(pair.slice(0, split));
    if (fields.has(name)) throw malformed(new RangeError('A form contains a field twice.'));
    fields.set(name, Buffer.from(unescaped(pair.slice(split + 1)), 'latin1'));
  }
  return fields;
}

/** @param text one character for each byte. The result has the same form. */
function unescaped(text: string): string {
  if (/%(?![0-9a-f]{2})/i.test(text)) throw malformed(new RangeError('A form contains an invalid percent escape.'));
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
      if (fields.has(decodedName)) throw new RangeError('A form contains a field twice.');
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

/** The signed bytes: all fields except those of the signature, including empty ones, sorted by name. */
function signedBytesOf(raw: RawFields, fields: Fields): Buffer {
  const names = [...fields.keys()];
  const pairs = [...raw].map(([name, value], index) => ({ name, value, order: names[index] ?? name }));
  const signed = pairs
    .filter(({ order }) => !unsigned.has(order))
    .sort((one, other) => (one.order < other.order ? -1 : 1))
    .map(({ name, value }) => Buffer.concat([Buffer.from(`${name}=`, 'latin1'), value]));
  return Buffer.concat(signed.flatMap((pair, index) => (index === 0 ? [pair] : [Buffer.from('&'), pair])));
}
