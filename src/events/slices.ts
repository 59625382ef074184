/** How long one slice may keep the event loop, in milliseconds. */
const sliceMs = 4;
/** The number of steps between two looks at the clock. */
const stepsPerLook = 16;
/** The number of steps after which another list has its turn. */
const stepsPerTurn = 256;

export type Step = { advance(): void };

/**
 * Works through long lists in slices, so that an event for thousands of subscribers does not keep the process from everything else. Lists
 * take turns.
 */
export type Slices = {
  /** `steps` is iterated lazily. */
  add(steps: Iterable<Step>): void;
};

export function createSlices(): Slices {
  const lists: Iterator<Step>[] = [];
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(runSlice);
  }

  function runSlice(): void {
    isScheduled = false;
    const endMs = performance.now() + sliceMs;
    for (let list = lists.shift(); list !== undefined; list = lists.shift()) {
      const turn = takeTurn(list, endMs);
      if (turn !== 'done') lists.push(list);
      if (turn === 'out of time') return schedule();
    }
  }

  return {
    add(steps) {
      lists.push(steps[Symbol.iterator]());
      schedule();
    },
  };
}

function takeTurn(list: Iterator<Step>, endMs: number): 'done' | 'next list' | 'out of time' {
  for (let count = 1; count <= stepsPerTurn; count += 1) {
    const { done, value } = list.next();
    if (done) return 'done';
    value.advance();
    if (count % stepsPerLook === 0 && performance.now() >= endMs) return 'out of time';
  }
  return 'next list';
}
