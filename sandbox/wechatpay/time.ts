const beijingOffsetMs = 8 * 3_600_000;

/** `2027-01-01T08:00:00+08:00`, whatever the zone of this process. */
export function beijingTime(ms: number): string {
  return `${new Date(ms + beijingOffsetMs).toISOString().slice(0, 19)}+08:00`;
}

/** `2027-01-01 08:00:00`, as bills have it. */
export function beijingClock(ms: number): string {
  return beijingTime(ms).slice(0, 19).replace('T', ' ');
}

/** `2027-01-01` */
export function beijingDate(ms: number): string {
  return beijingTime(ms).slice(0, 10);
}

/** `20270101080000`, for ids. */
export function beijingDigits(ms: number): string {
  return beijingTime(ms).slice(0, 19).replace(/\D/g, '');
}

/** Whole hours since midnight in Beijing. */
export function beijingHour(ms: number): number {
  return new Date(ms + beijingOffsetMs).getUTCHours();
}

const rfc3339 = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** The instant in milliseconds; null for what is not RFC 3339 with a zone, such as a local time. */
export function parseRfc3339(text: string): number | null {
  if (!rfc3339.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}
