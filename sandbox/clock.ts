/** The longest delay of one `setTimeout`, which overflows above about 24 days. */
const waitMsMax = 3_600_000;

type Task = { readonly dueMs: number; readonly run: () => void | Promise<void> };

export type ClockStart = {
  /** The offset before a restart. */
  readonly offsetMs?: number;
  /** Virtual time: the clock stands still at this instant until `advance`. Default: real time. */
  readonly standsAt?: Date | undefined;
  /** The merchant's clock, when a test moves that too. Default: real time. */
  readonly merchantNow?: (() => Date) | undefined;
};

/**
 * The sandbox's own clock: real time, or the instant at which virtual time stands still, plus an offset that only grows. All
 * delayed work (session expiry, callback retries, lapsing authorizations) is scheduled on this clock, so that a test can
 * advance to it.
 */
export class Clock {
  readonly isVirtual: boolean;
  #originMs: () => number;
  #merchantNow: (() => Date) | undefined;
  #offsetMs: number;
  #tasks: Task[] = []; // sorted by dueMs
  #timer: NodeJS.Timeout | null = null;
  #advancing: Promise<void> = Promise.resolve();
  #running = new Set<Promise<void>>();
  #closed = false;

  constructor({ offsetMs = 0, standsAt, merchantNow }: ClockStart = {}) {
    this.#merchantNow = merchantNow;
    this.#offsetMs = offsetMs;
    this.isVirtual = standsAt !== undefined;
    this.#originMs = standsAt === undefined ? () => Date.now() : () => standsAt.getTime();
  }

  get offsetMs(): number {
    return this.#offsetMs;
  }

  nowMs(): number {
    return this.#originMs() + this.#offsetMs;
  }

  /**
   * The time of every instant that goes over the wire, in either direction. It is real time without the offset: the merchant's
   * clock does not move with this one and would refuse signatures from the future. In virtual time the merchant uses this clock
   * too. A merchant with another clock provides it as `merchantNow`.
   */
  wireMs(): number {
    if (this.isVirtual) return this.nowMs();
    return this.#merchantNow?.().getTime() ?? this.#originMs();
  }

  wireSeconds(): number {
    return Math.floor(this.wireMs() / 1000);
  }

  /**
   * Schedules a task for an instant of this clock. A task that is already due runs on the next turn of the event loop; in virtual
   * time, with the next `advance`.
   */
  at(dueMs: number, run: Task['run']): void {
    this.#tasks.splice(this.#indexAfter(dueMs), 0, { dueMs, run });
    this.#arm();
  }

  /**
   * Moves time forward and runs every task that becomes due, one after the other in the order of their times, including tasks
   * that other tasks schedule. Resolves when the target is reached and all due tasks have finished. A task must not await
   * `advance`: that would be a deadlock.
   */
  advance(byMs: number): Promise<void> {
    const next = this.#advancing.then(() => this.#advanceTo(this.nowMs() + byMs));
    this.#advancing = next.catch(() => undefined);
    return next;
  }

  close(): void {
    this.#closed = true;
    this.#tasks = [];
    if (this.#timer) clearTimeout(this.#timer);
  }

  async #advanceTo(targetMs: number): Promise<void> {
    while (!this.#closed) {
      await Promise.all(this.#running);
      const task = this.#takeDue(targetMs);
      if (!task) break;
      this.#moveTo(task.dueMs);
      await this.#run(task);
    }
    this.#moveTo(targetMs);
    this.#arm();
  }

  #moveTo(instantMs: number): void {
    this.#offsetMs = Math.max(this.#offsetMs, instantMs - this.#originMs());
  }

  #takeDue(untilMs: number): Task | undefined {
    const first = this.#tasks[0];
    return first && first.dueMs <= untilMs ? this.#tasks.shift() : undefined;
  }

  #indexAfter(dueMs: number): number {
    let low = 0;
    let high = this.#tasks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const task = this.#tasks[middle];
      if (task && task.dueMs <= dueMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #arm(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const first = this.#tasks[0];
    if (!first || this.#closed || this.isVirtual) return;
    const waitMs = Math.min(Math.max(0, first.dueMs - this.nowMs()), waitMsMax);
    this.#timer = setTimeout(() => this.#runDue(), waitMs);
    this.#timer.unref();
  }

  #runDue(): void {
    for (let task = this.#takeDue(this.nowMs()); task; task = this.#takeDue(this.nowMs())) void this.#run(task);
    this.#arm();
  }

  /** Never rejects: no caller can handle the error, and the next task must still run. */
  async #run({ run }: Task): Promise<void> {
    const running = (async () => run())().catch((error: unknown) =>
      console.error('sandbox: a scheduled task failed', error),
    );
    this.#running.add(running);
    await running;
    this.#running.delete(running);
  }
}
