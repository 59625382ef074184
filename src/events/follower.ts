import type { EventType } from '../domain/event.ts';
import type { Log } from '../domain/log.ts';
import { comparePositions, type LogPosition } from './cursor.ts';
import type { LoggedEvent, Place } from './log.ts';
import type { Past } from './past-reads.ts';
import type { Ring } from './ring.ts';
import type { Topic } from './topic.ts';

/** What became of an event: taken, to be offered again after `proceed`, or to be offered again after a long wait. */
export type Taken = 'taken' | 'not yet' | 'no room';

/** The receiving end of a subscription. */
export type Receiver = {
  /**
   * Takes the next event. Otherwise nothing has been done with it: the receiver calls `proceed` of its follower later, never from within
   * this call, and is offered the event again.
   */
  take(event: LoggedEvent): Taken;
  /** There are no more events, because of an error that has been logged. */
  end(): void;
};

/** One subscription as the log sees it: a position, and who gets the events after it. */
export class Follower {
  readonly #topic: Topic;
  readonly #types: readonly EventType[] | null;
  readonly #receiver: Receiver;
  readonly #log: Log;
  /** It reads the log, waits for its receiver, or waits for new events. */
  #state: 'reading' | 'waiting' | 'ready' | 'ended' = 'reading';
  #place: Place | null = null;
  #ring: Ring | null = null;
  /** The index in the ring; null while it is not known. */
  #index: number | null = null;
  /** Events from before the ring, and how many of them are done. */
  #past: Past | null = null;
  #pastDone = 0;

  /** @param after null to start with the next event. */
  constructor(
    topic: Topic,
    { types, after }: { readonly types: readonly EventType[] | null; readonly after: LogPosition | null },
    receiver: Receiver,
    log: Log,
  ) {
    this.#topic = topic;
    this.#types = types;
    this.#receiver = receiver;
    this.#log = log;
    topic.add(this);
    void this.#begin(after);
  }

  /** Offers all events that there are. */
  advance(): void {
    if (this.#state !== 'ready') return;
    try {
      this.#offerAll();
    } catch (error) {
      this.#log.error({ err: error, ...this.#topic.about }, 'a subscription failed and has been ended');
      this.end();
      this.#receiver.end();
    }
  }

  /** Goes on after the receiver has not taken an event. */
  proceed(): void {
    if (this.#state === 'waiting') this.#goOn();
  }

  end(): void {
    this.#state = 'ended';
    this.#past = null;
    this.#topic.remove(this);
  }

  async #begin(after: LogPosition | null): Promise<void> {
    const ring = await this.#topic.opened();
    // Without a sequence number: the position may be that of an event of another order.
    const place = after === null ? await this.#topic.readEnd() : { epoch: after.epoch, xid: after.xid, pos: after.pos };
    if (this.#state === 'ended') return;
    this.#ring = ring;
    this.#place = place;
    this.#goOn();
  }

  #goOn(): void {
    this.#state = 'ready';
    this.advance();
  }

  #offerAll(): void {
    for (let event = this.#next(); event !== null; event = this.#next()) {
      if (this.#types === null || this.#types.includes(event.type)) {
        const taken = this.#receiver.take(event);
        if (this.#state === 'ended') return;
        if (taken !== 'taken') return this.#wait(taken);
      }
      this.#pass(event);
    }
  }

  #wait(taken: 'not yet' | 'no room'): void {
    this.#state = 'waiting';
    // A long wait must not keep events in memory.
    if (taken === 'no room') this.#past = null;
  }

  #pass(event: LoggedEvent): void {
    this.#place = event;
    if (this.#past !== null) this.#pastDone += 1;
    else if (this.#index !== null) this.#index += 1;
  }

  /** The next event; null when there is none, or when it has to be read first. */
  #next(): LoggedEvent | null {
    const [place, ring] = [this.#place, this.#ring];
    if (place === null || ring === null) return null;
    if (this.#past !== null) {
      const event = this.#past.events[this.#pastDone];
      if (event !== undefined) return event;
      if (comparePositions(this.#past.through, place) > 0) this.#place = this.#past.through;
      this.#past = null;
      return this.#next();
    }
    if (this.#index === null || !ring.reaches(this.#index)) this.#index = ring.indexAfter(place);
    if (this.#index === null) {
      this.#state = 'reading';
      void this.#readPast(place);
      return null;
    }
    const event = ring.at(this.#index);
    if (event === undefined) return null;
    if (comparePositions(event, place) > 0) return event;
    // A cursor from another node may be ahead of what this node has read.
    this.#index += 1;
    return this.#next();
  }

  async #readPast(place: Place): Promise<void> {
    const past = await this.#topic.readPast(place);
    if (this.#state === 'ended') return;
    this.#past = past;
    this.#pastDone = 0;
    this.#goOn();
  }
}
