import { comparePositions, type LogPosition } from './cursor.ts';
import type { LoggedEvent } from './log.ts';

/**
 * The newest events of a topic, oldest first. It has every event after `floor` that its reader has read. Events have consecutive indexes,
 * which they keep as long as they are in the ring.
 */
export class Ring {
  readonly #eventsMax: number;
  readonly #events: LoggedEvent[];
  #floor: LogPosition;
  #first = 0;

  constructor(eventsMax: number, floor: LogPosition, events: readonly LoggedEvent[]) {
    this.#eventsMax = eventsMax;
    this.#floor = floor;
    this.#events = [...events];
    this.#trim();
  }

  append(events: readonly LoggedEvent[]): void {
    this.#events.push(...events);
    this.#trim();
  }

  /** The index of the first event after a position, which may be the index of the next event to come. Null when the position is before the ring. */
  indexAfter(position: LogPosition): number | null {
    if (comparePositions(position, this.#floor) < 0) return null;
    let [low, high] = [0, this.#events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const event = this.#events[middle];
      if (event !== undefined && comparePositions(event, position) <= 0) low = middle + 1;
      else high = middle;
    }
    return this.#first + low;
  }

  /** True while the event of this index is in the ring, or to come. */
  reaches(index: number): boolean {
    return index >= this.#first;
  }

  at(index: number): LoggedEvent | undefined {
    return this.#events[index - this.#first];
  }

  #trim(): void {
    const dropped = this.#events.splice(0, Math.max(0, this.#events.length - this.#eventsMax));
    this.#first += dropped.length;
    this.#floor = dropped.at(-1) ?? this.#floor;
  }
}
