import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { until } from './clock.ts';
import type { Product } from './product.ts';

/** Looks into the process of the product, by Node's inspector. Opening it costs the product a thread, so open it only where it is needed. */
export type Inspector = {
  /** The memory that is in use after a garbage collection, in MB: the heap, and buffers outside of it. */
  usedMb(): Promise<number>;
  /** Starts to measure the delays of the event loop. `eventLoopMs` returns the longest one and the 99th percentile since then. */
  watchEventLoop(): Promise<void>;
  eventLoopMs(): Promise<{ readonly max: number; readonly p99: number }>;
};

/** For the environment of a product whose inspector is opened: any free port. */
export const inspectable = { NODE_OPTIONS: '--inspect-port=0' };

const openTimeoutMs = 10_000;

export async function openInspector(
  product: Product,
  scope: { keep<T extends { close(): unknown }>(opened: T): T },
): Promise<Inspector> {
  process.kill(product.pid, 'SIGUSR1');
  let address = '';
  const isOpen = await until(() => {
    [, address = ''] = /Debugger listening on (ws:\S+)/.exec(readFileSync(product.logFile, 'utf8')) ?? [];
    return address !== '';
  }, openTimeoutMs);
  if (!isOpen) throw new Error('The inspector of the product did not open.');
  const socket = scope.keep(new WebSocket(address));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  let lastId = 0;
  const waiting = new Map<number, (answer: string) => void>();
  socket.on('message', (data) => {
    const { id } = JSON.parse(String(data)) as { id?: number };
    if (id !== undefined) waiting.get(id)?.(String(data));
  });
  function ask(method: string, params: object = {}): Promise<string> {
    lastId += 1;
    socket.send(JSON.stringify({ id: lastId, method, params }));
    return new Promise((resolve) => waiting.set(lastId, resolve));
  }
  async function evaluate<T>(expression: string): Promise<T> {
    const answer = JSON.parse(await ask('Runtime.evaluate', { expression, returnByValue: true })) as {
      result: { result: { value: T }; exceptionDetails?: object };
    };
    if (answer.result.exceptionDetails) throw new Error(`The product could not evaluate ${expression}.`);
    return answer.result.result.value;
  }
  return {
    async usedMb() {
      await ask('HeapProfiler.collectGarbage');
      const { heapUsed, external } = await evaluate<NodeJS.MemoryUsage>('process.memoryUsage()');
      return (heapUsed + external) / 1e6;
    },
    async watchEventLoop() {
      await evaluate(
        `globalThis.benchDelay = process.getBuiltinModule('perf_hooks').monitorEventLoopDelay({ resolution: 5 }); benchDelay.enable(); 0`,
      );
    },
    async eventLoopMs() {
      const [max, p99] = await evaluate<[number, number]>('[benchDelay.max, benchDelay.percentile(99)]');
      return { max: max / 1e6, p99: p99 / 1e6 };
    },
  };
}
