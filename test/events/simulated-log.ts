import { comparePositions } from '../../src/events/cursor.ts';
import type { LoggedEvent, Place } from '../../src/events/log.ts';
import type { Track } from '../../src/events/track.ts';

type Transaction = { readonly xid: bigint; readonly events: LoggedEvent[] };

const epoch = 1;
const endPos = 9_223_372_036_854_775_807n;

/** A merchant's event log with transactions that overlap. Reads take a moment and may fail. */
export class SimulatedLog {
  readonly committed: LoggedEvent[] = [];
  reads = 0;
  /** The number of reads that fail from now on. */
  failures = 0;
  readonly #open: Transaction[] = [];
  readonly #readLimit: number;
  #nextXid = 1n;
  #nextPos = 1n;

  constructor(readLimit: number) {
    this.#readLimit = readLimit;
  }

  begin(): void {
    this.#open.push({ xid: this.#nextXid, events: [] });
    this.#nextXid += 1n;
  }

  append(transaction: number, type: LoggedEvent['type']): void {
    const found = this.#open[transaction % Math.max(1, this.#open.length)];
    if (found === undefined) return;
    const { xid } = found;
    found.events.push({ id: `evt_${this.#nextPos}`, epoch, xid, pos: this.#nextPos, type } as LoggedEvent);
    this.#nextPos += 1n;
  }

  /** Returns whether there was a transaction to end. */
  end(transaction: number, how: 'commit' | 'rollback'): boolean {
    const [found] = this.#open.splice(transaction % Math.max(1, this.#open.length), 1);
    if (found === undefined) return false;
    if (how === 'commit') this.committed.push(...found.events);
    return true;
  }

  rollBackAll(): void {
    while (this.end(0, 'rollback'));
  }

  /** The whole log, in its order. */
  get all(): LoggedEvent[] {
    return this.committed.toSorted(comparePositions);
  }

  get readableEnd(): Place {
    return { epoch, xid: this.#xmin - 1n, pos: endPos };
  }

  get track(): Track {
    return {
      name: 'merchant',
      about: { merchantId: 'merchant', orderId: null },
      readNewest: (eventsMax) =>
        this.#read(() => {
          const head = this.readableEnd;
          const newest = this.all.filter((event) => comparePositions(event, head) <= 0).slice(-eventsMax);
          const isAll = newest.length < eventsMax;
          const floor = isAll ? { epoch: 0, xid: 0n, pos: 0n } : (newest[0] ?? head);
          return { head, floor, events: isAll ? newest : newest.slice(1), isHeldBack: this.all.length > newest.length };
        }),
      readAfter: (place) =>
        this.#read(() => {
          const rows = this.all.filter((event) => comparePositions(event, place) > 0).slice(0, this.#readLimit);
          const events = rows.filter(({ xid }) => xid < this.#xmin);
          return { events, isFull: events.length === this.#readLimit, isHeldBack: events.length < rows.length };
        }),
      readEnd: () => this.#read(() => this.readableEnd),
    };
  }

  get #xmin(): bigint {
    return this.#open.reduce((least, { xid }) => (xid < least ? xid : least), this.#nextXid);
  }

  async #read<T>(read: () => T): Promise<T> {
    this.reads += 1;
    await new Promise(setImmediate);
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('The database is away.');
    }
    const result = read();
    await new Promise(setImmediate);
    return result;
  }
}
