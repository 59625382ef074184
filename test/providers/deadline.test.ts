import { getEventListeners } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { withDeadline } from '../../src/providers/deadline.ts';
import { answeredInTime } from '../../src/providers/provider.ts';
import { patient } from './contract-steps.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Where connections are taken and nothing is ever said. */
async function openSilence(): Promise<string> {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test('the time of a request is up when it is, whatever the garbage collector has had meanwhile', async () => {
  const url = await openSilence();
  const asking = withDeadline(patient(), 300, (signal) => fetch(url, { signal }));
  const collecting = setInterval(collectGarbage, 20);
  onTestFinished(() => clearInterval(collecting));
  await expect(asking).rejects.toMatchObject({ name: 'TimeoutError' });
});

test('a call ends by the signal that it is given, with that signal’s reason', async () => {
  const url = await openSilence();
  const controller = new AbortController();
  const asking = withDeadline(controller.signal, 60_000, (signal) => fetch(url, { signal }));
  controller.abort(new Error('Stopped.'));
  await expect(asking).rejects.toThrow('Stopped.');
  const signals: AbortSignal[] = [];
  await withDeadline(controller.signal, 60_000, async (signal) => signals.push(signal));
  expect(signals[0]?.aborted).toBe(true);
});

test('what a call answers in time is its answer', async () => {
  expect(await withDeadline(patient(), 60_000, async () => 7)).toBe(7);
});

test('nothing of a call is left at its signal when the call has ended', async () => {
  const { signal } = new AbortController();
  await withDeadline(signal, 60_000, async () => 7);
  await answeredInTime(signal, async () => 7);
  await expect(answeredInTime(signal, () => Promise.reject(new Error('Refused.')))).rejects.toThrow();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
