/** The longest single wait handed to the runtime's own timer, which overflows above about 24 days. */
const waitMsMax = 3_600_000;

type Task = { readonly dueMs: number; readonly run: () => void | Promise<void> };

export type ClockStart = {
  /** How far it had been moved before a restart. */
  readonly offsetMs?: number;
  /** Virtual time: the clock stands still here, and everything waits for `advance`. Without it, real time. */
  readonly standsAt?: Date | undefined;
  /** The merchant's clock, where that is moved as well; real time without it. */
  readonly merchantNow?: (() => Date) | undefined;
};

/**
 * The sandbox's own time: real time, or the instant at which virtual time stands still, plus an offset that only grows.
 * Everything that happens "later" here (session expiry, webhook retries, lapsing authorizations) is planned on this clock, so
 * that a test can make it happen now.
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
   * The time for every instant that is told to others or comes from them. It is real time, without the offset: the merchant's
   * own clock does not move with ours, and would refuse signatures from the future. Virtual time is the merchant's as well, and a
   * merchant whose clock is moved too says where it stands.
   */
  wireMs(): number {
    if (this.isVirtual) return this.nowMs();
    return this.#merchantNow?.().getTime() ?? this.#originMs();
  }

  wireSeconds(): number {
    return Math.floor(this.wireMs() / 1000);
  }

  /**
   * Plans a task for an instant of this clock. One that is due already runs on the next turn of the event loop, or, in virtual
   * time, with the next `advance`.
   */
  at(dueMs: number, run: Task['run']): void {
    this.#tasks.splice(this.#placeAfter(dueMs), 0, { dueMs, run });
    this.#arm();
  }

  /**
   * Moves time forward through every planned instant in order, waiting for each task, also for those under way and those
   * that tasks plan on the way. Resolves when the target is reached and nothing is due any more. A task must not wait for it:
   * each would wait for the other.
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

  #placeAfter(dueMs: number): number {
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

  /** Never rejects: nobody waits who could do anything about it, and the next task must have its turn. */
  async #run({ run }: Task): Promise<void> {
    const running = (async () => run())().catch((error: unknown) =>
      console.error('sandbox: a planned task failed', error),
    );
    this.#running.add(running);
    await running;
    this.#running.delete(running);
  }
}
