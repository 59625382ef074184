/** China has one time zone, UTC+8, without daylight saving time. The time zone of the process is not used. */
const offsetMs = 8 * 3_600_000;
const localText = /^(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,3}))?$/;
const dayMs = 24 * 3_600_000;

/** Alipay's format: `2026-11-21 08:00:00`. */
export function beijingText(instant: Date): string {
  return new Date(instant.getTime() + offsetMs).toISOString().slice(0, 19).replace('T', ' ');
}

/** WeChat Pay's format: `2026-11-21T08:00:00+08:00`. */
export function beijingRfc3339(instant: Date): string {
  return `${beijingText(instant).replace(' ', 'T')}+08:00`;
}

/** @throws {RangeError} when the text does not have the form `2026-11-21 08:00:00`, with or without milliseconds. */
export function instantOfBeijing(text: string): Date {
  const [, year, month, day, hour, minute, second, millis = '0'] = localText.exec(text) ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.${millis.padEnd(3, '0')}Z`;
  const utc = new Date(iso);
  // An invalid day or hour rolls over or does not parse.
  if (Number.isNaN(utc.getTime()) || utc.toISOString() !== iso) throw new RangeError('A Beijing time was expected.');
  return new Date(utc.getTime() - offsetMs);
}

/**
 * A day in Beijing, `2026-11-21`: from its first instant (inclusive) to the first instant of the next day (exclusive).
 */
export function beijingDay(date: string): { readonly from: Date; readonly until: Date } {
  const from = instantOfBeijing(`${date} 00:00:00`);
  return { from, until: new Date(from.getTime() + dayMs) };
}
