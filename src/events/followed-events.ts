import type { Follower, Receiver } from './follower.ts';
import type { LoggedEvent } from './log.ts';

/** The events that a subscription follows. GraphQL's own executor would iterate over them; the server shares their reads and results. */
export class FollowedEvents implements AsyncIterable<LoggedEvent> {
  readonly follow: (receiver: Receiver) => Follower;

  constructor(follow: (receiver: Receiver) => Follower) {
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
  const take: Receiver['take'] = (event) => {
    if (give === null) return 'no room';
    const resolve = give;
    give = null;
    resolve({ done: false, value: event });
    return 'taken';
  };
  return {
    next() {
      if (isEnded) return Promise.resolve({ done: true, value: undefined });
      const next = new Promise<IteratorResult<LoggedEvent>>((resolve) => {
        give = resolve;
      });
      if (follower === null) follower = follow({ take });
      else follower.proceed();
      return next;
    },
    return() {
      isEnded = true;
      follower?.end();
      give?.({ done: true, value: undefined });
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
