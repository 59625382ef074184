const intervalMs = 50;
/** Work in a node that is this late is slow for everybody. */
export const loopDelayMsMax = 250;

export type LoopDelay = {
  /** True when a timer has lately fired so much later than it was due that everything in this process is slow. */
  isLate(): boolean;
  stop(): void;
};

/** Watches how late the event loop of this process is. */
export function watchLoopDelay(): LoopDelay {
  let dueAt = performance.now() + intervalMs;
  let delayMs = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    // It decays, so that one long task does not refuse requests for longer than a moment.
    delayMs = Math.max(now - dueAt, delayMs / 2);
    dueAt = now + intervalMs;
  }, intervalMs);
  timer.unref();
  return {
    // Late is also a timer that is overdue now.
    isLate: () => Math.max(delayMs, performance.now() - dueAt) > loopDelayMsMax,
    stop: () => clearInterval(timer),
  };
}
