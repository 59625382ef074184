import type { Follower, Receiver } from './follower.ts';
import type { LoggedEvent } from './log.ts';

/** The events that a subscription follows. GraphQL's own executor would iterate over them; the server shares their reads and results. */
export class FollowedEvents implements AsyncIterable<LoggedEvent> {
  readonly follow: (receiver: Receiver) => Follower;
  /** The log in which the cursors of its events are positions. */
  readonly scope: 'merchant' | 'order';

  constructor(scope: 'merchant' | 'order', follow: (receiver: Receiver) => Follower) {
    this.scope = scope;
    this.follow = follow;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<LoggedEvent> {
    return iterate(this.follow);
  }
}

/** The events of one follower as an async iterator, which takes one when it is asked for one. Follows from the first `next` on. */
function iterate(follow: (receiver: Receiver) => Follower): AsyncIterableIterator<LoggedEvent> {
  let follower: Follower | null = null;
  let isEnded = false;
  let give: ((result: IteratorResult<LoggedEvent>) => void) | null = null;
  const receiver: Receiver = {
    take(event) {
      if (give === null) return 'no room';
      const resolve = give;
      give = null;
      resolve({ done: false, value: event });
      return 'taken';
    },
    end() {
      isEnded = true;
      give?.({ done: true, value: undefined });
    },
  };
  return {
    next() {
      if (isEnded) return Promise.resolve({ done: true, value: undefined });
      const next = new Promise<IteratorResult<LoggedEvent>>((resolve) => {
        give = resolve;
      });
      if (follower === null) follower = follow(receiver);
      else follower.proceed();
      return next;
    },
    return() {
      follower?.end();
      receiver.end();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
