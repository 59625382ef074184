import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { FrameWriter, ResultFrames } from '../../src/http/result-frames.ts';

/** The part of `ws` that reads frames of a server, which its types leave out. */
const { Receiver } = createRequire(import.meta.url)('ws') as {
  Receiver: new (options: { isServer: boolean; maxPayload: number }) => Writable;
};

/** The messages that a client reads in these bytes, which arrive in pieces. */
async function messagesIn(bytes: Buffer, pieceLength: number): Promise<unknown[]> {
  const receiver = new Receiver({ isServer: false, maxPayload: 0 });
  const messages: unknown[] = [];
  receiver.on('message', (data: Buffer, isBinary: boolean) => {
    messages.push(isBinary ? 'binary' : JSON.parse(data.toString()));
  });
  for (let at = 0; at < bytes.length; at += pieceLength) receiver.write(bytes.subarray(at, at + pieceLength));
  await new Promise<void>((resolve) => receiver.end(resolve));
  return messages;
}

const next = (id: string, payload: unknown) => ({ id, type: 'next', payload });
const add = (frames: ResultFrames, id: string, payload: unknown) =>
  frames.add(id, Buffer.from(JSON.stringify(payload)));

test('each result is one text message of its operation, in the sequence of the results', async () => {
  const frames = new ResultFrames(new FrameWriter());
  const results: readonly (readonly [string, unknown])[] = [
    ...[['a', 1] as const, ['a', { b: '支付 🙂' }] as const, ['a "name" 名', null] as const, ['a', [2]] as const],
  ];
  for (const [id, payload] of results) add(frames, id, payload);
  const bytes = frames.toBytes();
  expect(frames.byteLength).toBe(bytes.length);
  const expected = results.map(([id, payload]) => next(id, payload));
  for (const pieceLength of [1, 7, bytes.length]) expect(await messagesIn(bytes, pieceLength)).toEqual(expected);
});

test('messages of all lengths are read as they were written, at the bounds of the three kinds of length too', async () => {
  const around = [0, 125, 126, 127, 65_535, 65_536, 200_000].flatMap((length) => [length - 1, length, length + 1]);
  // The message has these characters beside the text.
  const beside = JSON.stringify(next('1', '')).length;
  const texts = around.map((length) => 'x'.repeat(Math.max(0, length - beside)));
  const frames = new ResultFrames(new FrameWriter());
  for (const text of texts) add(frames, '1', text);
  const messages = (await messagesIn(frames.toBytes(), 50_000)) as { payload: string }[];
  expect(messages.map(({ payload }) => payload.length)).toEqual(texts.map(({ length }) => length));
  expect(messages).toEqual(texts.map((text) => next('1', text)));
});

test('sockets that get the same results share their bytes, and one with another id of the operation gets its own', async () => {
  const writer = new FrameWriter();
  const payloads = [1, { b: '支付 🙂' }, 'x'.repeat(70_000)];
  const results = payloads.map((payload) => Buffer.from(JSON.stringify(payload)));
  const bytesFor = (operations: readonly (readonly [string, readonly Buffer[]])[]) => {
    const frames = new ResultFrames(writer);
    for (const [id, given] of operations) for (const result of given) frames.add(id, result);
    const bytes = frames.toBytes();
    expect(bytes).toHaveLength(frames.byteLength);
    return bytes;
  };
  const expected = (id: string, given: readonly unknown[]) => given.map((payload) => next(id, payload));
  const first = bytesFor([['a', results]]);
  expect(bytesFor([['a', results]])).toBe(first);
  for (const id of ['b', 'a longer one', '名', '"', 'a'])
    expect(await messagesIn(bytesFor([[id, results]]), 50_000)).toEqual(expected(id, payloads));
  expect(await messagesIn(first, 50_000)).toEqual(expected('a', payloads));
  // Fewer of them, others of the same lengths, and two operations of one socket.
  expect(await messagesIn(bytesFor([['a', results.slice(0, 2)]]), 50_000)).toEqual(expected('a', payloads.slice(0, 2)));
  const others = [2, { b: '付支 🙂' }, 'y'.repeat(70_000)];
  const ofOthers = others.map((payload) => Buffer.from(JSON.stringify(payload)));
  expect(await messagesIn(bytesFor([['b', ofOthers]]), 50_000)).toEqual(expected('b', others));
  const ofTwo = bytesFor([
    ['b', ofOthers],
    ['a', results],
  ]);
  expect(await messagesIn(ofTwo, 50_000)).toEqual([...expected('b', others), ...expected('a', payloads)]);
});
