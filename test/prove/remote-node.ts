import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BrokenConnectionError } from './life.ts';
import type { Node, NodeObserver } from './node.ts';
import type { Door } from './provider-client.ts';
import type { Asked, FromNode, Observed, Requests, Told, ToNode } from './wire.ts';
import type { StartNode } from './world.ts';

const processPath = fileURLToPath(new URL('./node-process.ts', import.meta.url));

/** The share of deaths that are a real SIGKILL. A new process takes seconds to start, so one is kept ready. */
const realDeaths = 0.1;

/** The database server notices a killed process with a delay; a commit that the process had sent may still take effect. */
const brokenOffMs = 100;

type Waiting = { readonly resolve: (answer: unknown) => void; readonly reject: (error: Error) => void };
type Tenant = {
  readonly number: number;
  readonly now: () => Date;
  readonly door: Door;
  readonly observer: NodeObserver;
};

/** A process that hosts a sequence of nodes. */
class NodeProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly ready: Promise<void>;
  #requests = 0;
  #tenant: Tenant | null = null;
  isGone = false;

  constructor(databaseUrl: string) {
    this.#child = fork(processPath, [databaseUrl], { serialization: 'advanced' });
    this.ready = new Promise((resolve, reject) => {
      this.#child.once('message', () => resolve());
      this.#child.once('exit', (code, signal) =>
        reject(new Error(`A node’s process could not start: ${signal ?? code}.`)),
      );
    });
    this.ready.catch(() => {}); // the error is reported when `ready` is awaited
    this.#child.on('message', (message: FromNode) => this.#receive(message));
    this.#child.once('exit', () => this.#breakOff());
  }

  let(tenant: Tenant): void {
    this.#tenant = tenant;
  }

  async ask<K extends keyof Requests>(kind: K, body: Requests[K]['ask']): Promise<Requests[K]['answer']> {
    if (this.isGone) throw new BrokenConnectionError();
    this.#requests += 1;
    const id = this.#requests;
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#send({ type: 'ask', id, asked: { kind, body } as Asked });
    return answer as Promise<Requests[K]['answer']>; // the process answers each kind with its own type
  }

  tell(told: Told): void {
    if (!this.isGone) this.#send({ type: 'tell', told });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
    this.#breakOff();
  }

  #send(message: Asking): void {
    const tenant = this.#tenant;
    if (tenant === null || !this.#child.connected) return;
    this.#child.send({ ...message, node: tenant.number, nowMs: tenant.now().getTime() } satisfies ToNode);
  }

  #receive(message: FromNode): void {
    switch (message.type) {
      case 'ready':
        return;
      case 'answer':
        this.#waiting.get(message.id)?.resolve(message.answer);
        this.#waiting.delete(message.id);
        return;
      case 'failed':
        this.#waiting.get(message.id)?.reject(new Error(message.message));
        this.#waiting.delete(message.id);
        return;
      case 'door': {
        const { id, node, request } = message;
        if (this.#tenant?.number !== node) return;
        void this.#tenant.door(request).then((outcome) => this.#send({ type: 'door', id, outcome }));
        return;
      }
      case 'observed':
        if (this.#tenant?.number === message.node) observe(this.#tenant.observer, message.observed);
    }
  }

  #breakOff(): void {
    this.isGone = true;
    for (const { reject } of this.#waiting.values()) reject(new BrokenConnectionError());
    this.#waiting.clear();
  }
}

type Asking = ToNode extends infer M ? (M extends unknown ? Omit<M, 'node' | 'nowMs'> : never) : never;

/** The node processes of a worker, one per slot, and a spare that replaces a killed one. */
export class NodeProcesses {
  readonly #databaseUrl: string;
  readonly #slots: (NodeProcess | undefined)[] = [];
  #spare: NodeProcess;
  #nodes = 0;

  constructor(databaseUrl: string) {
    this.#databaseUrl = databaseUrl;
    this.#spare = new NodeProcess(databaseUrl);
  }

  readonly start: StartNode = async ({ slot, now, door, observer, pauses, dice, retired }) => {
    const process = await this.#processFor(slot);
    this.#nodes += 1;
    let isDead = false;
    const die: NodeObserver['died'] = (at) => {
      if (isDead) return;
      isDead = true;
      observer.died(at);
      if (at !== null && dice.hit(realDeaths)) process.kill();
    };
    process.let({ number: this.#nodes, now, door, observer: { ...observer, died: die } });
    await process.ask('start', { seed: dice.int(0, 2 ** 31), pauses, retired });
    return nodeOn(process, () => isDead, die);
  };

  close(): void {
    for (const process of [...this.#slots, this.#spare]) process?.kill();
  }

  async #processFor(slot: number): Promise<NodeProcess> {
    const held = this.#slots[slot];
    if (held !== undefined && !held.isGone) return held;
    if (held !== undefined) await delay(brokenOffMs);
    const process = this.#spare;
    this.#slots[slot] = process;
    this.#spare = new NodeProcess(this.#databaseUrl);
    await process.ready;
    return process;
  }
}

function nodeOn(process: NodeProcess, isDead: () => boolean, die: NodeObserver['died']): Node {
  const broken = (error: unknown): null => {
    if (!(error instanceof BrokenConnectionError)) throw error;
    die(null);
    return null;
  };
  return {
    get isDead() {
      return isDead();
    },
    async call(command, actor, input) {
      const answer = await process.ask('call', { command, actor, input }).catch(broken);
      return answer ?? { kind: 'broken' };
    },
    async receive(callback) {
      const answer = await process.ask('receive', callback).catch(broken);
      if (answer === null) throw new BrokenConnectionError();
      return answer;
    },
    sweep: () => process.ask('sweep', null).catch(broken),
    async watchTail() {
      await process.ask('watchTail', null).catch(broken);
    },
    follow: (subscription, scope, after) => process.tell({ kind: 'follow', body: { subscription, scope, after } }),
    unfollow: (subscription) => process.tell({ kind: 'unfollow', body: { subscription } }),
    notify: (notification) => process.tell({ kind: 'notify', body: notification }),
    crashAt: (failpoint, nth) => process.tell({ kind: 'crashAt', body: { failpoint, nth } }),
    spoil: (what, nth) => process.tell({ kind: 'spoil', body: { what, nth } }),
    async idle() {
      if (!isDead()) await process.ask('idle', null).catch(broken);
    },
    async kill() {
      process.tell({ kind: 'kill', body: null });
      die(null);
    },
  };
}

function observe(observer: NodeObserver, { kind, body }: Observed): void {
  switch (kind) {
    case 'passed':
      return observer.passed(body);
    case 'died':
      return observer.died(body);
    case 'spoiled':
      return observer.spoiled(body);
    case 'complained':
      return observer.complained(body);
    case 'heard':
      return observer.heard(body.subscription, body.event);
    case 'notified':
      return observer.notified(body);
  }
}
