/** An http or https URL; null for any other text. */
export function webUrlOf(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') ? url : null;
}

/** True when buyers may be sent to this URL. @param origins the allowed origins; `*` allows every one. */
export function allowsReturnTo(origins: readonly string[], url: URL): boolean {
  return origins.includes('*') || origins.includes(url.origin);
}
