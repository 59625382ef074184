import WebSocket from 'ws';
import { createClient, type PaystreamClient } from '../../packages/client/src/client.ts';
import type { PaystreamStorage } from '../../packages/client/src/storage.ts';
import type { TestApp } from '../support/test-app.ts';

/**
 * What happens to a request. `lost`: it does not arrive. `unanswered`: it is executed, and the answer is lost. `late`: the client takes it
 * for lost, and it arrives later. `overloaded`: the server turns it away.
 */
export const faults = ['none', 'lost', 'unanswered', 'late', 'overloaded'] as const;
export type Fault = (typeof faults)[number];

/** The network between all tabs and the server: which fault comes next, and what is still on its way. */
export type Network = {
  readonly faults: Fault[];
  readonly late: (() => Promise<unknown>)[];
  /** The idempotency keys that were sent. */
  readonly keys: Set<string>;
};

/** A page with the client in it. */
export type Tab = {
  readonly client: PaystreamClient;
  /** Breaks the connections of its subscriptions. */
  cut(): void;
  /** Ends it in the middle of whatever it does. Nothing that it does afterwards has an effect. */
  kill(): void;
};

export function openTab(app: TestApp, network: Network, storage: PaystreamStorage, onSent = () => {}): Tab {
  let isAlive = true;
  const connections = new Set<() => void>();

  class Line extends WebSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      const cut = () => this.terminate();
      connections.add(cut);
      this.once('close', () => connections.delete(cut));
    }
  }

  async function call(input: Parameters<typeof fetch>[0], init: RequestInit = {}): Promise<Response> {
    if (!isAlive) throw new TypeError('The page is gone.');
    const isStream = new Headers(init.headers).get('accept') === 'text/event-stream';
    if (isStream) return openStream(input, init, connections);
    const [, key] = /"idempotencyKey":"([^"]+)"/.exec(String(init.body)) ?? [];
    if (key === undefined) return fetch(input, init);
    network.keys.add(key);
    const { signal: _signal, ...untied } = init; // what is on its way does not end with its page
    const fault = network.faults.shift() ?? 'none';
    if (fault === 'lost') throw new TypeError('The request was lost.');
    if (fault === 'late') {
      network.late.push(async () => (await fetch(input, untied)).text());
      throw new TypeError('The request is late.');
    }
    if (fault === 'overloaded') {
      const errors = [{ message: 'Busy.', extensions: { code: 'OVERLOADED', retryAfterMs: 1 } }];
      return Response.json({ errors }, { status: 503 });
    }
    const answered = fetch(input, untied);
    onSent();
    const answer = await answered;
    const text = await answer.text();
    if (fault === 'unanswered' || !isAlive) throw new TypeError('The answer was lost.');
    return new Response(text, { status: answer.status, headers: answer.headers });
  }

  const own: PaystreamStorage = {
    getItem: (name) => storage.getItem(name),
    setItem: (name, value) => (isAlive ? storage.setItem(name, value) : undefined),
    removeItem: (name) => (isAlive ? storage.removeItem(name) : undefined),
  };
  const client = createClient(
    { url: `${app.app.url}/graphql`, token: app.token, fetch: call, webSocketImpl: Line, storage: own },
    async (_ms, signal) => {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    },
  );
  const cut = () => {
    for (const end of [...connections]) end();
  };
  return {
    client,
    cut,
    kill() {
      isAlive = false;
      client.close();
      cut();
    },
  };
}

async function openStream(
  input: Parameters<typeof fetch>[0],
  init: RequestInit,
  connections: Set<() => void>,
): Promise<Response> {
  const line = new AbortController();
  const cut = () => line.abort();
  connections.add(cut);
  const end = () => {
    connections.delete(cut);
    line.abort();
  };
  init.signal?.addEventListener('abort', end);
  return fetch(input, { ...init, signal: line.signal });
}

/** The storage of the tabs of one browser. */
export type Disk = { openView(): PaystreamStorage; sync(): void };

/**
 * `shared`: every tab sees every write at once. `lagging`: a tab sees the writes of the others only after a while, as in browsers that keep
 * a process for each tab. `lost`: nothing is kept: each page begins with nothing.
 */
export const diskKinds = ['shared', 'lagging', 'lost'] as const;

export function createDisk(kind: (typeof diskKinds)[number]): Disk {
  const common = new Map<string, string>();
  const lagging: { view: Map<string, string>; writes: [name: string, value: string | null][] }[] = [];
  const apply = (values: Map<string, string>, name: string, value: string | null) => {
    if (value === null) values.delete(name);
    else values.set(name, value);
  };
  return {
    openView() {
      const view = kind === 'shared' ? common : kind === 'lost' ? new Map<string, string>() : new Map(common);
      const writes: [name: string, value: string | null][] = [];
      if (kind === 'lagging') lagging.push({ view, writes });
      const write = (name: string, value: string | null) => {
        apply(view, name, value);
        writes.push([name, value]);
      };
      return {
        getItem: (name) => view.get(name) ?? null,
        setItem: write,
        removeItem: (name) => write(name, null),
      };
    },
    sync() {
      for (const { writes } of lagging) for (const [name, value] of writes.splice(0)) apply(common, name, value);
      for (const { view } of lagging) {
        view.clear();
        for (const [name, value] of common) view.set(name, value);
      }
    },
  };
}
