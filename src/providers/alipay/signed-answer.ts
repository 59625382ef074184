import { type Charset, mask } from './charset.ts';
import { type AlipayKey, isSigned } from './signature.ts';

/** The JSON tokens that determine where a member ends: a whole string, a bracket, a comma. */
const mark = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/g;
const member = /^\s*("[^"\\]*(?:\\.[^"\\]*)*")\s*:\s*(.*\S)\s*$/ds;

/**
 * The node that Alipay signed, as bytes; or, for an answer without a valid signature, the certificate that it names.
 */
export type VerifiedAnswer =
  | { readonly kind: 'signed'; readonly node: Buffer }
  | { readonly kind: 'unsigned'; readonly certSn: string | null };

/**
 * Finds the node of an answer and verifies its signature. Alipay signs the raw bytes of the node, so these bytes are
 * cut out of the outermost object. An answer with a repeated member is refused, because one copy could be verified and
 * the other one read.
 *
 * @param body JSON in the charset: `{"alipay_trade_query_response":{…},"sign":"…"}`. Errors of the gateway have the
 * member `error_response`. In certificate mode `alipay_cert_sn` is a sibling of `sign`.
 */
export function verifyAnswer(
  body: Buffer,
  charset: Charset,
  responseKey: string,
  keys: readonly AlipayKey[],
): VerifiedAnswer {
  const text = mask(body, charset);
  const members = membersOf(text);
  const named = textOf(text, members?.get('alipay_cert_sn'));
  const certSn = named !== null && /^\w{1,64}$/.test(named) ? named : null;
  const unsigned = { kind: 'unsigned', certSn } as const;
  if (members === null || members.has(responseKey) === members.has('error_response')) return unsigned;
  const place = members.get(responseKey) ?? members.get('error_response');
  const signature = textOf(text, members.get('sign'));
  if (place === undefined || signature === null) return unsigned;
  const node = body.subarray(place.from, place.to);
  return isSigned(node, signature, keys, certSn) ? { kind: 'signed', node } : unsigned;
}

/** The position of a member's value. */
type Place = { readonly from: number; readonly to: number };

function textOf(text: string, place: Place | undefined): string | null {
  const value = place === undefined ? '' : text.slice(place.from, place.to);
  const parsed: unknown = value.startsWith('"') ? JSON.parse(value) : null;
  return typeof parsed === 'string' ? parsed : null;
}

/**
 * The values of an object's members; null for a repeated member and for any other value than an object. The text must
 * be valid JSON.
 */
function membersOf(text: string): ReadonlyMap<string, Place> | null {
  if (!text.trimStart().startsWith('{')) return null;
  const members = new Map<string, Place>();
  let depth = 0;
  let start = 0;
  for (const { 0: found, index } of text.matchAll(mark)) {
    if (depth === 1 && (found === ',' || found === '}')) {
      const match = member.exec(text.slice(start, index));
      const [from, to] = match?.indices?.[2] ?? [];
      if (match?.[1] === undefined || from === undefined || to === undefined) return null;
      const key: unknown = JSON.parse(match[1]);
      if (typeof key !== 'string' || members.has(key)) return null;
      members.set(key, { from: start + from, to: start + to });
      start = index + 1;
    }
    if (found === '{' || found === '[') depth += 1;
    if (found === '}' || found === ']') depth -= 1;
    if (depth === 1 && start === 0) start = index + 1;
  }
  return members;
}
