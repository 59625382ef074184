/** Fen as yuan with two decimals: `12.30`, `-0.05`. */
export function formatYuan(fen: number | bigint): string {
  const digits = String(fen).replace('-', '').padStart(3, '0');
  return `${fen < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** Parses yuan with at most two decimals as fen; null for any other text. */
export function parseYuan(text: string): number | null {
  const [, whole, decimals = ''] = /^(\d{1,9})(?:\.(\d{1,2}))?$/.exec(text) ?? [];
  return whole === undefined ? null : Number(whole) * 100 + Number(decimals.padEnd(2, '0'));
}
