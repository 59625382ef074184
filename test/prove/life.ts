/** The other end is gone: a call broke off, a callback was not answered, a subscription ended. */
export class BrokenConnectionError extends Error {
  constructor() {
    super('The connection is broken: the node has died.');
  }
}

/** A process as far as it can die in the middle of anything: from then on nothing of it goes on, and nobody hears from it. */
export class Life {
  #isOver = false;
  #end: () => void = () => {};
  /** Rejects when the life ends, and never before. */
  readonly ended: Promise<never>;

  constructor() {
    this.ended = new Promise((_resolve, reject) => {
      this.#end = () => reject(new BrokenConnectionError());
    });
    this.ended.catch(() => {}); // most lives end with nobody waiting
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
    this.#end();
  }

  /** What somebody outside hears of work in here: its result, or that the connection broke. */
  async heard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isOver) throw new BrokenConnectionError();
    return Promise.race([work(), this.ended]);
  }

  /** What code in here gets of something that was under way: nothing any more, once its process is dead. */
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

/** Where the code of a dead process waits. A promise of its own each time: one for all would hold everybody who ever waited. */
export function forever(): Promise<never> {
  return new Promise(() => {});
}
