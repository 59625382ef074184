import type { KeyObject } from 'node:crypto';
import { isSigned } from './signature.ts';

/** Of JSON, what decides where a member ends: a string as a whole, a bracket, a comma. */
const mark = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/g;
const member = /^\s*("[^"\\]*(?:\\.[^"\\]*)*")\s*:(.+)$/s;

/**
 * True when the one answer that the text has is signed. Alipay signs the node as the raw text that it sent, so just that is cut out of
 * the outermost object. Of two members with one name, one could be verified and the other be read: then nothing is.
 *
 * @param text JSON: `{"alipay_trade_query_response":{…},"sign":"…"}`; errors of the gateway itself come as `error_response`.
 */
export function isSignedAnswer(text: string, responseKey: string, alipayPublicKey: KeyObject): boolean {
  const members = membersOf(text);
  if (members === null || members.has(responseKey) === members.has('error_response')) return false;
  const node = members.get(responseKey) ?? members.get('error_response');
  const signature = members.get('sign');
  if (node === undefined || signature === undefined || !signature.startsWith('"')) return false;
  return isSigned(node, JSON.parse(signature), alipayPublicKey);
}

/** The raw texts of an object's members; null when two have one name, or it is no object. The text is known to be JSON. */
function membersOf(text: string): ReadonlyMap<string, string> | null {
  if (!text.trimStart().startsWith('{')) return null;
  const members = new Map<string, string>();
  let depth = 0;
  let start = 0;
  for (const { 0: found, index } of text.matchAll(mark)) {
    if (depth === 1 && (found === ',' || found === '}')) {
      const [, name, value] = member.exec(text.slice(start, index)) ?? [];
      if (name === undefined || value === undefined) return null;
      const key: unknown = JSON.parse(name);
      if (typeof key !== 'string' || members.has(key)) return null;
      members.set(key, value.trim());
      start = index + 1;
    }
    if (found === '{' || found === '[') depth += 1;
    if (found === '}' || found === ']') depth -= 1;
    if (depth === 1 && start === 0) start = index + 1;
  }
  return members;
}
