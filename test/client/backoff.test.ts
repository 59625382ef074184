import { expect, onTestFinished, test, vi } from 'vitest';
import WebSocket from 'ws';
import { atFirstMs, pause, pauseMs, pauseMsMax, pauseMsMaxAtFirst } from '../../packages/client/src/backoff.ts';
import { createClient } from '../../packages/client/src/client.ts';
import { freePort } from '../support/free-port.ts';

/** Numbers from 0 to 1 that are the same in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

test('pauses grow to 5 s during the first minute of an outage and to 30 s afterwards, on top of what the server asks for', () => {
  const longest = (tries: number, more = {}) => pauseMs(tries, 1, more);
  expect([1, 2, 3, 4, 5, 99].map((tries) => longest(tries))).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
  expect(longest(99, { outageMs: atFirstMs - 1 })).toBe(pauseMsMaxAtFirst);
  expect(longest(99, { outageMs: atFirstMs })).toBe(pauseMsMax);
  expect(longest(1, { outageMs: atFirstMs })).toBe(500);
  expect([0, 1].map((random) => pauseMs(3, random, { atLeastMs: 7000 }))).toEqual([7050, 9000]);
});

test('10,000 clients whose connections break at once come back within 5 s, and never more than half of them in one second', () => {
  const random = numbers(1);
  const outageMs = 20_000;
  const perSecond = new Map<number, number>();
  for (let client = 0; client < 10_000; client += 1) {
    let ms = 0;
    for (let tries = 1; ms < outageMs; tries += 1) ms += pauseMs(tries, random(), { outageMs: ms });
    const second = Math.floor((ms - outageMs) / 1000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  expect(Math.max(...perSecond.keys())).toBeLessThan(5);
  expect(Math.max(...perSecond.values())).toBeLessThan(5000);
});

test('a pause ends when the page is shown, not when it is hidden', async () => {
  const page = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
  vi.stubGlobal('document', page);
  onTestFinished(() => void vi.unstubAllGlobals());
  let isOver = false;
  const paused = pause(2 ** 30).then(() => {
    isOver = true;
  });
  page.dispatchEvent(new Event('visibilitychange'));
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  page.visibilityState = 'visible';
  page.dispatchEvent(new Event('visibilitychange'));
  await paused;
});

test.each(['websocket', 'sse'] as const)(
  '`follow` tries every 5 s at least for a minute while the server is away, and every 30 s later: %s',
  async (transport) => {
    vi.useFakeTimers({ toFake: ['performance'] });
    vi.spyOn(Math, 'random').mockReturnValue(0.999);
    onTestFinished(() => {
      vi.useRealTimers();
      vi.restoreAllMocks();
    });
    const ending = new AbortController();
    const waits: number[] = [];
    const url = `http://127.0.0.1:${await freePort()}/graphql`;
    const client = createClient({ url, webSocketImpl: WebSocket }, async (ms) => {
      waits.push(ms);
      if (waits.length === 24) ending.abort();
      vi.advanceTimersByTime(ms);
    });
    onTestFinished(() => client.close());
    await client.follow({ orderId: 'ord_1' }, { transport, after: 'cursor', signal: ending.signal }).next();
    let sinceMs = 0;
    for (const ms of waits) {
      expect(ms).toBeLessThanOrEqual(sinceMs < atFirstMs ? pauseMsMaxAtFirst : pauseMsMax);
      sinceMs += ms;
    }
    expect(waits.at(10)).toBeGreaterThan(pauseMsMaxAtFirst * 0.99);
    expect(waits.at(-1)).toBeGreaterThan(pauseMsMax * 0.99);
  },
);
