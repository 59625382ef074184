import { type Charset, mask } from './charset.ts';
import { type AlipayKey, isSigned } from './signature.ts';

/** Of JSON, what decides where a member ends: a string as a whole, a bracket, a comma. */
const mark = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/g;
const member = /^\s*("[^"\\]*(?:\\.[^"\\]*)*")\s*:\s*(.*\S)\s*$/ds;

/** What an answer holds: the node that Alipay has signed, as bytes; or why there is none, and which certificate it names. */
export type VerifiedAnswer =
  | { readonly kind: 'signed'; readonly node: Buffer }
  | { readonly kind: 'unsigned'; readonly certSn: string | null };

/**
 * Finds the one node that the answer has and verifies it. Alipay signs the node as the raw bytes that it sent, so just those are cut out of
 * the outermost object. Of two members with one name, one could be verified and the other be read: then nothing is.
 *
 * @param body JSON in the charset: `{"alipay_trade_query_response":{…},"sign":"…"}`; errors of the gateway itself come as
 * `error_response`. In certificate mode `alipay_cert_sn` stands beside them.
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

/** Where a member's value stands. */
type Place = { readonly from: number; readonly to: number };

function textOf(text: string, place: Place | undefined): string | null {
  const value = place === undefined ? '' : text.slice(place.from, place.to);
  const parsed: unknown = value.startsWith('"') ? JSON.parse(value) : null;
  return typeof parsed === 'string' ? parsed : null;
}

/** The values of an object's members; null when two have one name, or it is no object. The text is known to be JSON. */
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
