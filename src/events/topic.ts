import { shareReads } from '../database/shared-read.ts';
import { isObserved, note } from '../telemetry/observe.ts';
import { comparePositions } from './cursor.ts';
import type { FollowerReads } from './follower-reads.ts';
import type { Place } from './log.ts';
import type { Notifier } from './notifications.ts';
import type { Past, PastReads } from './past-reads.ts';
import { Ring } from './ring.ts';
import type { Slices, Step } from './slices.ts';
import type { Track } from './track.ts';

export type TopicParts = {
  readonly notifier: Pick<Notifier, 'listen'>;
  readonly reads: FollowerReads;
  readonly pastReads: PastReads;
  readonly slices: Slices;
  /** The number of events that a topic keeps in memory. */
  readonly ringEvents: number;
};

/**
 * The interval between two reads while an older open transaction holds events back. Most transactions end quickly. The interval grows, so
 * that one that stays open does not cause constant polling.
 */
const heldBackDelayMsMin = 25;
const heldBackDelayMsMax = 1000;
/**
 * After telling its followers, a topic rests so many times as long as that took, at most `restMsMax`, so that dashboards leave time to payments. With
 * fewer than `manyFollowers` it rests less in proportion, because they cost little and would only be told late. Events
 * that come while it rests leave together, which costs a fraction of telling each. Time in which nothing was told counts as rest, up to
 * `creditMsMax` of telling: one event after a while, and a short burst, is told at once.
 */
const restFactorMax = 25;
const manyFollowers = 100;
const creditMsMax = 100;
const restMsMax = 100;
/** A follower that joins causes a read unless one began within this time, so that many who join at once cause few. */
const freshMs = 100;

/**
 * Follows the log of one merchant or one order for all its followers on this node: each event is read once and kept in a ring. A follower
 * is a position. It takes its events from the ring, or from the log while it is behind the ring.
 */
export class Topic {
  readonly #track: Track;
  readonly #parts: TopicParts;
  readonly #onEmpty: () => void;
  readonly #followers = new Set<Step>();
  readonly #stopListening: () => void;
  readonly #opening: Promise<void>;
  readonly #readEnd: () => Promise<Place>;
  #ring: Ring | null = null;
  #head: Place | null = null;
  #isClosed = false;
  #isReading = true;
  #isWoken = false;
  #isWaking = false;
  #readAtMs = 0;
  #heldBackDelayMs = heldBackDelayMsMin;
  #heldBackTimer: NodeJS.Timeout | null = null;
  #isInRound = false;
  #needsRound = false;
  #restTimer: NodeJS.Timeout | null = null;
  /** The time that telling may still take at `#creditAtMs`. */
  #creditMs = creditMsMax;
  #creditAtMs = performance.now();

  constructor(track: Track, parts: TopicParts, onEmpty: () => void) {
    this.#track = track;
    this.#parts = parts;
    this.#onEmpty = onEmpty;
    // Before the first read, so that an event that the read does not find causes another one.
    this.#stopListening = parts.notifier.listen(track.name, () => this.#wake());
    this.#readEnd = shareReads(
      () => this.#read(() => track.readEnd()),
      () => '',
    );
    this.#opening = this.#open();
  }

  add(follower: Step): void {
    this.#followers.add(follower);
    if (this.#ring !== null && performance.now() - this.#readAtMs > freshMs) this.#wake();
  }

  remove(follower: Step): void {
    if (!this.#followers.delete(follower) || this.#followers.size > 0) return;
    this.#isClosed = true;
    this.#stopListening();
    for (const timer of [this.#heldBackTimer, this.#restTimer]) if (timer !== null) clearTimeout(timer);
    this.#onEmpty();
  }

  get about(): Track['about'] {
    return this.#track.about;
  }

  get followerCount(): number {
    return this.#followers.size;
  }

  /** The ring, once it has been filled; null when the topic was closed first. */
  async opened(): Promise<Ring | null> {
    await this.#opening;
    return this.#ring;
  }

  /** A place before every later event and after every event that was readable when this was called. */
  readEnd(): Promise<Place> {
    return this.#readEnd();
  }

  /** Reads events after a place that is before the ring. Followers at the same place share the read. */
  readPast(place: Place): Promise<Past> {
    return this.#parts.pastReads.share(this, place, async () => {
      // Everything up to the head was readable when the head was read, so a read that begins now finds it.
      const head = this.#head ?? place;
      const { events, isFull } = await this.#read(() => this.#track.readAfter(place));
      const last = events.at(-1) ?? place;
      return { events, through: isFull || comparePositions(last, head) > 0 ? last : head };
    });
  }

  async #open(): Promise<void> {
    const { ringEvents } = this.#parts;
    this.#readAtMs = performance.now();
    const { events, floor, head, isHeldBack } = await this.#read(() => this.#track.readNewest(ringEvents));
    if (this.#isClosed) return;
    this.#ring = new Ring(ringEvents, floor, events);
    this.#head = head;
    if (isHeldBack) this.#readLater();
    this.#isReading = false;
    this.#goOn();
  }

  /** Stays pending when the topic is closed while the database is away: nobody waits for it any more. */
  async #read<T>(read: () => Promise<T>): Promise<T> {
    const result = await this.#parts.reads.patiently(read, () => this.#isClosed);
    return result === null ? new Promise<never>(() => {}) : result;
  }

  /** One read for all notifications of this moment: those of orders that were written together come one after the other. */
  #wake(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    process.nextTick(() => {
      this.#isWaking = false;
      this.#isWoken = true;
      this.#goOn();
    });
  }

  #goOn(): void {
    if (this.#isWoken && !this.#isReading) void this.#readNews();
  }

  async #readNews(): Promise<void> {
    this.#isReading = true;
    while (this.#isWoken && !this.#isClosed && !this.#isInRound && this.#restTimer === null) {
      this.#isWoken = false;
      await this.#readOn();
    }
    this.#isReading = false;
  }

  /** Reads to the end of the log. */
  async #readOn(): Promise<void> {
    for (;;) {
      const [ring, head] = [this.#ring, this.#head];
      if (ring === null || head === null) return;
      this.#readAtMs = performance.now();
      const { events, isFull, isHeldBack } = await this.#read(() => this.#track.readAfter(head));
      if (this.#isClosed) return;
      if (events.length > 0) {
        ring.append(events);
        if (isObserved())
          for (const { occurredAt } of events) note({ kind: 'feed lag', ms: Date.now() - occurredAt.getTime() });
        this.#head = events.at(-1) ?? head;
        this.#heldBackDelayMs = heldBackDelayMsMin;
        this.#tellAll();
      }
      if (isFull) continue;
      if (isHeldBack) this.#readLater();
      return;
    }
  }

  #readLater(): void {
    if (this.#heldBackTimer !== null) return;
    this.#heldBackTimer = setTimeout(() => {
      this.#heldBackTimer = null;
      this.#heldBackDelayMs = Math.min(2 * this.#heldBackDelayMs, heldBackDelayMsMax);
      this.#wake();
    }, this.#heldBackDelayMs);
  }

  #tellAll(): void {
    this.#needsRound = true;
    if (this.#isInRound) return;
    this.#isInRound = true;
    this.#parts.slices.add(this.#rounds());
  }

  *#rounds(): Generator<Step, void, undefined> {
    const beganMs = performance.now();
    while (this.#needsRound) {
      this.#needsRound = false;
      yield* this.#followers;
    }
    // At the end of the turn, when the sockets have sent what they were given.
    process.nextTick(() => {
      this.#isInRound = false;
      this.#rest(beganMs);
    });
  }

  #rest(beganMs: number): void {
    const nowMs = performance.now();
    const restFactor = restFactorMax * Math.min(1, Math.max(1, this.#followers.size) / manyFollowers);
    const earnedMs = Math.max(0, nowMs - this.#creditAtMs) / restFactor;
    const leftMs = Math.min(creditMsMax, this.#creditMs + earnedMs) - (nowMs - beganMs);
    const restMs = Math.min(restMsMax, Math.max(0, -leftMs) * restFactor);
    this.#creditMs = Math.max(0, leftMs);
    this.#creditAtMs = nowMs + restMs;
    if (restMs < 1 || this.#isClosed) return this.#goOn();
    this.#restTimer = setTimeout(() => {
      this.#restTimer = null;
      this.#goOn();
    }, restMs);
  }
}
