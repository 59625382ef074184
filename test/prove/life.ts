/** The other end of a connection has died: a call, a callback or a subscription ended without an answer. */
export class BrokenConnectionError extends Error {
  constructor() {
    super('The connection is broken: the node has died.');
  }
}

/** The lifetime of a simulated process. It can end at any await; afterwards none of its code continues, and nothing it does is visible. */
export class Life {
  #isOver = false;
  #end: () => void = () => {};
  /** Rejects when the life ends; never resolves. */
  readonly ended: Promise<never>;

  constructor() {
    this.ended = new Promise((_resolve, reject) => {
      this.#end = () => reject(new BrokenConnectionError());
    });
    this.ended.catch(() => {}); // usually nobody waits for the end
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
    this.#end();
  }

  /** Returns the result of the process's work to code outside: the result, or a broken connection. */
  async heard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isOver) throw new BrokenConnectionError();
    return Promise.race([work(), this.ended]);
  }

  /** Passes a result to code inside the process; never settles once the process is dead. */
  async within<T>(work: Promise<T>): Promise<T> {
    try {
      const result = await work;
      return this.#isOver ? await forever() : result;
    } catch (error) {
      if (this.#isOver) return forever();
      throw error;
    }
  }
}

/** A promise that never settles, for the code of a dead process. A new one each time: a shared one would retain all its waiters. */
export function forever(): Promise<never> {
  return new Promise(() => {});
}
