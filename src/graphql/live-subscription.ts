import type { FollowedEvents } from '../events/followed-events.ts';
import type { Follower, Taken } from '../events/follower.ts';
import type { LoggedEvent } from '../events/log.ts';
import type { TokenEnd } from './revocations.ts';
import type { Frame, FrameGroup } from './shared-frames.ts';

/** Sends results to one client. */
export type Outlet = {
  /**
   * False when the client has to read first. Then nothing was sent, and the outlet calls `advance` of the subscription later.
   *
   * @param result its JSON in UTF-8.
   * @param cursor the position of the event in its log.
   */
  send(result: Buffer, cursor: string): boolean;
  /** Breaks the connection, because the next event cannot be sent. The client returns with its last cursor. */
  breakOff(): void;
};

/**
 * A running subscription. It holds a position in the log and belongs to a group, with which it shares its results. Its transport says where
 * they go, and ends it.
 */
export class LiveSubscription {
  readonly #events: FollowedEvents;
  readonly #group: FrameGroup;
  readonly #endings: (() => void)[] = [];
  #isEnded = false;
  #outlet: Outlet | null = null;
  #follower: Follower | null = null;
  /** The result that it waits for. */
  #frame: Frame | null = null;

  constructor(events: FollowedEvents, group: FrameGroup, revoked: TokenEnd) {
    this.#events = events;
    this.#group = group;
    this.onEnd(() => group.leave());
    this.onEnd(revoked.onEnd(() => this.end()));
  }

  /** Starts to follow the log. Call it once. */
  deliverTo(outlet: Outlet): void {
    if (this.#isEnded) return;
    this.#outlet = outlet;
    this.#follower = this.#events.follow(this);
  }

  take(event: LoggedEvent): Taken {
    // It is kept even if others no longer need it.
    const frame = this.#frame?.eventId === event.id ? this.#frame : this.#group.frameOf(event);
    if (frame.isFailed) {
      // It stays before the event, also for an outlet that takes a moment to end it.
      this.#outlet?.breakOff();
      return 'no room';
    }
    if (frame.result === null) {
      this.#frame = frame;
      frame.waiting.push(this);
      return 'not yet';
    }
    this.#frame = null;
    return this.#outlet?.send(frame.result, frame.cursor) ? 'taken' : 'no room';
  }

  /** Goes on after it had to wait for its client or for a result. */
  advance(): void {
    this.#follower?.proceed();
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#follower?.end();
    for (const act of this.#endings.splice(0)) act();
  }

  /** Calls `act` once when the subscription ends, or at once when it has ended. */
  onEnd(act: () => void): void {
    if (this.#isEnded) act();
    else this.#endings.push(act);
  }
}
