import type { LoggedEvent } from '../events/log.ts';
import type { Slices, Step } from '../events/slices.ts';

/** The result of one event for one group of subscriptions, as JSON in UTF-8. It is null until it is there. */
export type Frame = {
  readonly eventId: string;
  /** The position of the event. */
  readonly cursor: string;
  readonly result: Buffer | null;
  /** True when the result could not be made. Those that wait for it must not pass the event. */
  readonly isFailed: boolean;
  /** They go on once the result is there, or has failed. */
  readonly waiting: Step[];
};

/** Subscriptions that get the same results. */
export type FrameGroup = {
  /** The result for an event, which was made after the event and is at most a second old. */
  frameOf(event: LoggedEvent): Frame;
  /** Call it once for each time that the group was entered. */
  leave(): void;
};

/**
 * Makes one result. Returns a promise only if it has to wait. It resolves to null when the result cannot be made.
 *
 * @param isWanted false when the group has no members any more.
 */
export type MakeFrame = (event: LoggedEvent, isWanted: () => boolean) => string | Promise<string | null>;

export type SharedFrames = {
  /** Enters the group with this key. `make` and `cursorOf` are used if it is a new group. */
  enter(key: string, make: MakeFrame, cursorOf: (event: LoggedEvent) => string): FrameGroup;
  readonly groupCount: number;
};

/** `OrderEvent.order` is the order as of the delivery. For a subscriber that takes an event later, it is read again. */
const frameAgeMsMax = 1000;
/** The memory for results that several subscriptions may still need. */
const rememberedBytesMax = 32 * 1024 * 1024;

type KnownFrame = { -readonly [Name in keyof Frame]: Frame[Name] } & {
  readonly frames: Map<string, KnownFrame>;
  madeAtMs: number;
};

type GroupParts = {
  readonly make: MakeFrame;
  readonly cursorOf: (event: LoggedEvent) => string;
  readonly frames: Map<string, KnownFrame>;
  readonly isWanted: () => boolean;
};

/** One object for all its members, because tens of thousands of them are idle. */
type Group = FrameGroup & { members: number };

/** Executes each event once for each group, and remembers the results for a moment. */
export function createSharedFrames(slices: Slices): SharedFrames {
  const groups = new Map<string, Group>();
  /** The frames that are made, oldest first. */
  const remembered = new Set<KnownFrame>();
  let rememberedBytes = 0;

  function forgetOld(nowMs: number): void {
    for (const frame of remembered) {
      if (nowMs - frame.madeAtMs <= frameAgeMsMax && rememberedBytes <= rememberedBytesMax) return;
      remembered.delete(frame);
      rememberedBytes -= frame.result?.length ?? 0;
      if (frame.frames.get(frame.eventId) === frame) frame.frames.delete(frame.eventId);
    }
  }

  /** It is forgotten, so that a subscriber that returns causes new attempts. */
  function fail(frame: KnownFrame): void {
    frame.isFailed = true;
    frame.frames.delete(frame.eventId);
    if (frame.waiting.length > 0) slices.add(frame.waiting.splice(0));
  }

  function finish(frame: KnownFrame, text: string): void {
    const nowMs = performance.now();
    frame.result = Buffer.from(text);
    frame.madeAtMs = nowMs;
    remembered.add(frame);
    rememberedBytes += frame.result.length;
    forgetOld(nowMs);
    if (frame.waiting.length > 0) slices.add(frame.waiting.splice(0));
  }

  function frameOf({ make, cursorOf, frames, isWanted }: GroupParts, event: LoggedEvent): Frame {
    const known = frames.get(event.id);
    if (known !== undefined && (known.result === null || performance.now() - known.madeAtMs <= frameAgeMsMax))
      return known;
    const frame: KnownFrame = {
      eventId: event.id,
      cursor: cursorOf(event),
      result: null,
      isFailed: false,
      waiting: [],
      frames,
      madeAtMs: 0,
    };
    frames.set(event.id, frame);
    const made = make(event, isWanted);
    if (typeof made === 'string') finish(frame, made);
    else void made.then((text) => (text === null ? fail(frame) : finish(frame, text)));
    return frame;
  }

  function open(key: string, { make, cursorOf }: Pick<GroupParts, 'make' | 'cursorOf'>): Group {
    const parts: GroupParts = { make, cursorOf, frames: new Map(), isWanted: () => group.members > 0 };
    const group: Group = {
      members: 0,
      frameOf: (event) => frameOf(parts, event),
      leave() {
        group.members -= 1;
        if (group.members === 0 && groups.get(key) === group) groups.delete(key);
      },
    };
    groups.set(key, group);
    return group;
  }

  return {
    enter(key, make, cursorOf) {
      const group = groups.get(key) ?? open(key, { make, cursorOf });
      group.members += 1;
      return group;
    },
    get groupCount() {
      return groups.size;
    },
  };
}
