import { createHash } from 'node:crypto';

/** Deeper than the JSON of any callback. Values below this depth are dropped. */
const depthMax = 16;

const unreadableShape = /^\[\d{1,10} bytes, sha256 [\da-f]{64}\]$/;

/** Keeps only the named fields of a JSON body, at every depth. */
export function keepJsonFields(body: Buffer, keptOf: (content: object) => ReadonlySet<string>): Buffer {
  let content: unknown;
  try {
    content = JSON.parse(body.toString('utf8'));
  } catch {
    return unreadable(body);
  }
  if (typeof content !== 'object' || content === null) return unreadable(body);
  return Buffer.from(JSON.stringify(keepIn(content, keptOf(content), 0)));
}

function keepIn(value: unknown, kept: ReadonlySet<string>, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === depthMax) return null;
  if (Array.isArray(value)) return value.map((item) => keepIn(item, kept, depth + 1));
  const [held, result] = [value as Readonly<Record<string, unknown>>, {} as Record<string, unknown>];
  for (const name of Object.keys(held)) if (kept.has(name)) result[name] = keepIn(held[name], kept, depth + 1);
  return result;
}

/** Keeps only the named fields of a form body. The bytes, their order and their character set do not change. */
export function keepFormFields(body: Buffer, kept: ReadonlySet<string>): Buffer {
  const pairs = body.toString('latin1').split('&');
  const keptPairs = pairs.filter((pair) => kept.has(unescaped(pair.split('=', 1)[0] ?? '')));
  return keptPairs.length === 0 ? unreadable(body) : Buffer.from(keptPairs.join('&'), 'latin1');
}

/** A decoded field name, as verification reads it: proxies may escape more characters than necessary. */
function unescaped(name: string): string {
  return name
    .replaceAll('+', ' ')
    .replaceAll(/%([\da-f]{2})/gi, (_escape, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

/** The size and the hash, which identify the body. Redacting this text again returns it unchanged. */
function unreadable(body: Buffer): Buffer {
  if (unreadableShape.test(body.toString('latin1'))) return body;
  return Buffer.from(`[${body.length} bytes, sha256 ${createHash('sha256').update(body).digest('hex')}]`);
}
