/** Beijing keeps one offset all year. */
const beijingOffsetMs = 8 * 3_600_000;

/** `yyyy-MM-dd HH:mm:ss` in Beijing. */
export function beijingTime(ms: number): string {
  return beijingMillis(ms).slice(0, 19);
}

/** `yyyy-MM-dd HH:mm:ss.SSS` in Beijing. */
export function beijingMillis(ms: number): string {
  return new Date(ms + beijingOffsetMs).toISOString().replace('T', ' ').replace('Z', '');
}

/** `yyyy-MM-dd` in Beijing. */
export function beijingDate(ms: number): string {
  return beijingTime(ms).slice(0, 10);
}

/** The instant of a `yyyy-MM-dd HH:mm:ss` in Beijing; null for any other text, also for days that there are not. */
export function readBeijingTime(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return null;
  const ms = Date.parse(`${text.replace(' ', 'T')}Z`) - beijingOffsetMs;
  return Number.isNaN(ms) || beijingTime(ms) !== text ? null : ms;
}

/** Fen as yuan with two decimals: `12.30`, `-0.05`. */
export function yuan(fen: number): string {
  const digits = String(Math.abs(fen)).padStart(3, '0');
  return `${fen < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** Yuan with at most two decimals as fen; null for any other text. */
export function readYuan(text: string): number | null {
  const [, whole, decimals = ''] = /^(\d{1,9})(?:\.(\d{1,2}))?$/.exec(text) ?? [];
  return whole === undefined ? null : Number(whole) * 100 + Number(decimals.padEnd(2, '0'));
}
