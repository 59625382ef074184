import type { Log } from '../domain/log.ts';

/** The number of refused callbacks per provider and minute that are logged individually. One summary line counts the rest. */
export const refusalLinesPerMinute = 20;
const windowMs = 60_000;

export type RefusalLog = {
  /** Logs or counts one refusal. `provider` is null when the path names no configured provider. */
  refused(provider: string | null, reason: string, fields: object): void;
  /** Logs the counts of past minutes; with `'now'` also of the current one. */
  logCounted(until?: 'now'): void;
};

type Window = { readonly startedAt: number; lines: number; readonly counted: Map<string, number> };

/** Logs every refusal, individually or in a count, so that a flood neither fills the disk nor hides other refusals. */
export function createRefusalLog(log: Log, now: () => Date): RefusalLog {
  const windows = new Map<string | null, Window>();

  function end(provider: string | null, { startedAt, counted }: Window): void {
    windows.delete(provider);
    const count = [...counted.values()].reduce((sum, times) => sum + times, 0);
    if (count === 0) return;
    const since = new Date(startedAt).toISOString();
    log.warn({ provider, count, reasons: Object.fromEntries(counted), since }, 'more callbacks refused');
  }

  const isOver = ({ startedAt }: Window) => Math.abs(now().getTime() - startedAt) >= windowMs;

  return {
    refused(provider, reason, fields) {
      const held = windows.get(provider);
      if (held !== undefined && isOver(held)) end(provider, held);
      const window = windows.get(provider) ?? { startedAt: now().getTime(), lines: 0, counted: new Map() };
      windows.set(provider, window);
      if (window.lines < refusalLinesPerMinute) {
        window.lines += 1;
        log.warn({ provider, reason, ...fields }, 'callback refused');
      } else window.counted.set(reason, (window.counted.get(reason) ?? 0) + 1);
    },
    logCounted(until) {
      for (const [provider, window] of windows) if (until === 'now' || isOver(window)) end(provider, window);
    },
  };
}
