/** China has one time zone and no summer time: UTC+8, whatever the process thinks where it is. */
const offsetMs = 8 * 3_600_000;
const localText = /^(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,3}))?$/;
const dayMs = 24 * 3_600_000;

/** `2026-11-21 08:00:00`, as Alipay writes instants. */
export function beijingText(instant: Date): string {
  return new Date(instant.getTime() + offsetMs).toISOString().slice(0, 19).replace('T', ' ');
}

/** `2026-11-21T08:00:00+08:00`, as WeChat Pay writes them. */
export function beijingRfc3339(instant: Date): string {
  return `${beijingText(instant).replace(' ', 'T')}+08:00`;
}

/** @throws {RangeError} when it is no instant of the form `2026-11-21 08:00:00`, with or without milliseconds. */
export function instantOfBeijing(text: string): Date {
  const [, year, month, day, hour, minute, second, millis = '0'] = localText.exec(text) ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.${millis.padEnd(3, '0')}Z`;
  const utc = new Date(iso);
  // A day or an hour that does not exist would roll over, or not parse at all.
  if (Number.isNaN(utc.getTime()) || utc.toISOString() !== iso)
    throw new RangeError('An instant of Beijing’s time was expected.');
  return new Date(utc.getTime() - offsetMs);
}

/** A day of Beijing's, `2026-11-21`: from its first instant up to, and without, the next one's. */
export function beijingDay(date: string): { readonly from: Date; readonly until: Date } {
  const from = instantOfBeijing(`${date} 00:00:00`);
  return { from, until: new Date(from.getTime() + dayMs) };
}
