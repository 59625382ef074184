import { hourMs } from './durations.ts';

/** China has one time zone and no daylight saving time. */
const beijingOffsetMs = 8 * hourMs;

/** ISO 8601 with the digits of Beijing time; its trailing `Z` does not apply. */
function beijingIso(ms: number): string {
  return new Date(ms + beijingOffsetMs).toISOString();
}

/** `2027-01-01 08:00:00` in Beijing. */
export function beijingTime(ms: number): string {
  return beijingIso(ms).slice(0, 19).replace('T', ' ');
}

/** `2027-01-01 08:00:00.000` in Beijing. */
export function beijingMillis(ms: number): string {
  return beijingIso(ms).slice(0, 23).replace('T', ' ');
}

/** `2027-01-01T08:00:00+08:00` */
export function beijingRfc3339(ms: number): string {
  return `${beijingIso(ms).slice(0, 19)}+08:00`;
}

/** `2027-01-01` in Beijing. */
export function beijingDate(ms: number): string {
  return beijingIso(ms).slice(0, 10);
}

/** `20270101080000` in Beijing, for ids. */
export function beijingDigits(ms: number): string {
  return beijingIso(ms).slice(0, 19).replace(/\D/g, '');
}

/** The hour of the day in Beijing, 0 to 23. */
export function beijingHour(ms: number): number {
  return new Date(ms + beijingOffsetMs).getUTCHours();
}

/** Parses `yyyy-MM-dd HH:mm:ss` in Beijing; null for any other text and for dates that do not exist. */
export function parseBeijingTime(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return null;
  const ms = Date.parse(`${text.replace(' ', 'T')}Z`) - beijingOffsetMs;
  return Number.isNaN(ms) || beijingTime(ms) !== text ? null : ms;
}

/** Parses `yyyy-MM-dd` as the start of that day in Beijing; null for any other text and for dates that do not exist. */
export function parseBeijingDate(text: string): number | null {
  return parseBeijingTime(`${text} 00:00:00`);
}
