/**
 * Matches a path with a pattern in which `:id` stands for one segment. Returns that segment as it was sent, `''` for a pattern
 * without `:id`, and null when the path does not match.
 */
export function matchPath(pattern: string, path: string): string | null {
  const expected = pattern.split('/');
  const segments = path.split('/');
  const matches =
    expected.length === segments.length && expected.every((step, at) => step === ':id' || step === segments[at]);
  return matches ? (segments[expected.indexOf(':id')] ?? '') : null;
}

/** Percent-decodes a segment. A malformed one is returned unchanged: it matches no id, so the endpoint answers with its own 404. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
