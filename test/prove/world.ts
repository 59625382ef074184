import type { CallbackAnswer, CallbackRequest } from '../../sandbox/callback-post.ts';
import type { DoorAnswer, DoorRequest } from '../../sandbox/in-process.ts';
import { type Sandbox, startSandbox } from '../../sandbox/server.ts';
import type { PaymentMethod } from '../../src/domain/payment.ts';
import type { LoggedEvent } from '../../src/events/log.ts';
import type { Wake } from '../../src/events/notifications.ts';
import { Dice } from './dice.ts';
import { type Exchange, exchangeOf } from './exchanges.ts';
import { BrokenConnectionError } from './life.ts';
import type { Node, NodeObserver } from './node.ts';
import type { Door } from './provider-client.ts';
import { sandboxKeys } from './provider-keys.ts';
import { type Schedule, startsAt } from './schedule.ts';
import type { Tally } from './tally.ts';
import type { SpoiledDelivery } from './traffic-invariants.ts';

/** Starts a node in a slot, anew after each of its deaths. */
export type StartNode = (parts: {
  readonly slot: number;
  readonly now: () => Date;
  readonly door: Door;
  readonly observer: NodeObserver;
  readonly pauses: number;
  readonly dice: Dice;
  /** What is not configured. */
  readonly retired: readonly PaymentMethod[];
}) => Promise<Node>;

export type WorldParts = {
  readonly slots: number;
  readonly startNode: StartNode;
  readonly tally: Tally;
  readonly trace: (what: string) => void;
};

/** One attempt to deliver a callback; no status: the connection was refused, or broke. */
export type CallbackAttempt = { readonly eventId: string; readonly status: number | null };

/** How likely a callback is applied before anything else happens. */
const appliedAtOnce = 0.8;
/** A node's client waits so long for an answer, in virtual time. */
const answerMsMax = 15_000;

/** Everything around the product: its provider, its nodes, the network between them, and the time. */
export class World {
  readonly sandbox: Sandbox;
  readonly callbacks: CallbackAttempt[] = [];
  readonly exchanges: Exchange[] = [];
  /** What nodes have complained of since it was last asked for. */
  complaints: string[] = [];
  /** True since a statement or a commit was spoiled, until it is set back: complaints are no wonder then. */
  isSpoiled = false;
  /** True since a wake may have been lost, until everybody has heard everything all the same. */
  hasLostWakes = false;
  /** True since anything was asked of a node, until it is set back: what is ours cannot have changed otherwise. */
  isTouched = true;
  hear: (subscription: number, event: LoggedEvent) => void = () => {};
  #nodes: Node[] = [];
  #retired: readonly PaymentMethod[] = [];
  #isClosed = false;
  #advancing = Promise.resolve();
  #start: StartNode;
  #schedule: Schedule;
  #tally: Tally;
  #trace: (what: string) => void;
  #dice: Dice;

  private constructor(schedule: Schedule, sandbox: Sandbox, { startNode, tally, trace }: WorldParts) {
    this.sandbox = sandbox;
    this.#schedule = schedule;
    this.#start = startNode;
    this.#tally = tally;
    this.#trace = trace;
    this.#dice = new Dice(schedule.seed, 'network');
  }

  static async open(schedule: Schedule, parts: WorldParts): Promise<World> {
    let self: World | undefined;
    const sandbox = await startSandbox({
      ...{ port: null, dataDir: null, seed: schedule.seed, virtualTime: { startsAt }, neverAnswers: 'told' },
      ...sandboxKeys,
      post: async (request) => {
        if (self === undefined) throw new BrokenConnectionError();
        return self.#post(request);
      },
    });
    const world = new World(schedule, sandbox, parts);
    self = world;
    for (let slot = 0; slot < parts.slots; slot += 1) world.#nodes.push(await world.#startIn(slot));
    return world;
  }

  /** False when no callback is ever sent. */
  get tellsByCallback(): boolean {
    return !this.#schedule.weather.dropsEveryCallback;
  }

  now(): Date {
    return this.sandbox.now();
  }

  get slots(): number {
    return this.#nodes.length;
  }

  /** The node in a slot, to be asked for something. There may be fewer slots than a schedule thinks of. */
  node(slot: number): Node {
    this.isTouched = true;
    return this.nodeToSpoil(slot);
  }

  /** The same, to prepare what will go wrong with it. */
  nodeToSpoil(slot: number): Node {
    const node = this.#nodes[slot % this.#nodes.length];
    if (node === undefined) throw new RangeError('The world has no nodes.');
    return node;
  }

  /** Starts dead nodes anew. False when there were none. */
  async revive(): Promise<boolean> {
    const dead = [...this.#nodes.entries()].filter(([, node]) => node.isDead);
    for (const [slot] of dead) this.#nodes[slot] = await this.#startIn(slot);
    return dead.length > 0;
  }

  /** The nodes are restarted without a provider, or, with null, with all of them again. False when they run so already. */
  async configure(retired: PaymentMethod | null): Promise<boolean> {
    const wanted = retired === null ? [] : [...new Set([...this.#retired, retired])];
    if (wanted.length === this.#retired.length) return false;
    this.#retired = wanted;
    for (const node of this.#nodes) await node.kill();
    await this.revive();
    return true;
  }

  /** Time goes on, and what is due on the way happens. */
  async pass(ms: number): Promise<void> {
    await this.#advance(ms);
    await this.idle();
  }

  /** Resolves when nothing is under way: no time that passes, no callback that is applied. */
  async idle(): Promise<void> {
    await this.#advancing;
    for (const node of this.#nodes) await node.idle();
  }

  /** Every node looks at the log's tail, and wakes whom a lost wake has left behind. */
  async watchTail(): Promise<void> {
    for (const node of this.#nodes) await node.watchTail();
  }

  /** Every callback that was to be delivered, as the sandbox keeps them. */
  async callbacksAtSandbox(): Promise<readonly (SpoiledDelivery & { readonly id: string })[]> {
    const answer = await this.sandbox.request({ method: 'GET', path: '/control/deliveries' });
    if (typeof answer === 'string') throw new Error('The sandbox did not answer its own control.');
    return (JSON.parse(answer.body) as { deliveries: (SpoiledDelivery & { id: string })[] }).deliveries;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const node of this.#nodes) await node.kill();
    await this.sandbox.close();
  }

  async #startIn(slot: number): Promise<Node> {
    const { weather, seed } = this.#schedule;
    return this.#start({
      slot,
      now: () => this.now(),
      door: (request) => this.#ask(request),
      observer: this.#observe(slot),
      pauses: weather.pauses,
      dice: new Dice(seed, `node ${slot}`),
      retired: this.#retired,
    });
  }

  #advance(ms: number): Promise<void> {
    this.#advancing = this.sandbox.advance(ms);
    return this.#advancing;
  }

  #observe(slot: number): NodeObserver {
    return {
      passed: (failpoint) => this.#tally.count('failpoints passed', failpoint),
      died: (at) => {
        if (this.#isClosed) return;
        this.#tally.count('deaths', at ?? 'between steps');
        this.#trace(`node ${slot} dies at ${at ?? 'between steps'}`);
        this.hasLostWakes = true;
      },
      spoiled: (what) => {
        this.#tally.count('spoiled', what);
        this.#trace(`a ${what} of node ${slot} is spoiled`);
        this.isSpoiled = true;
        this.hasLostWakes = true;
      },
      complained: (message) => {
        this.#trace(`node ${slot} complains: ${message}`);
        this.complaints.push(message);
      },
      heard: (subscription, event) => this.hear(subscription, event),
      woke: (wake) => this.#spread(slot, wake),
    };
  }

  #spread(from: number, wake: Wake): void {
    for (const [slot, node] of this.#nodes.entries()) {
      if (slot === from) continue;
      if (this.#dice.hit(this.#schedule.weather.losesWakes)) {
        this.#tally.count('wakes', 'lost');
        this.hasLostWakes = true;
      } else node.wake(wake);
    }
  }

  /** A node asks the provider. An answer that comes late is waited for, while the rest of the world goes on. */
  async #ask(request: DoorRequest): Promise<DoorAnswer | 'unanswered' | 'reset'> {
    const askedMs = this.now().getTime();
    const outcome = await this.sandbox.request(request);
    const isAnswered = typeof outcome !== 'string' && outcome.status !== 599;
    const lateMs = isAnswered ? Number(outcome.headers['x-sandbox-late-ms'] ?? 0) : 0;
    this.exchanges.push(exchangeOf(request, isAnswered && lateMs <= answerMsMax ? outcome : null));
    this.#trace(
      `asked at ${this.now().toISOString()}: ${request.method} ${request.path} ${request.body ?? ''} → ${isAnswered ? `${outcome.status} ${outcome.body.replace(/\s+/g, ' ').slice(0, 150)}` : 'no answer'}`,
    );
    if (lateMs === 0) return outcome;
    const waitsMs = askedMs + Math.min(lateMs, answerMsMax) - this.now().getTime();
    if (waitsMs > 0) await this.#advance(waitsMs);
    return lateMs > answerMsMax ? 'unanswered' : outcome;
  }

  /** A callback reaches one of the nodes that live, as through a load balancer. */
  async #post(request: CallbackRequest): Promise<CallbackAnswer> {
    const { eventId, type } = eventOf(request);
    const alive = this.#nodes.filter((node) => !node.isDead);
    try {
      if (alive.length === 0) throw new BrokenConnectionError();
      this.isTouched = true;
      const node = this.#dice.pick(alive);
      const answer = await node.receive(request);
      this.#trace(`callback at ${this.now().toISOString()}: ${type} ${eventId} → ${answer.status}`);
      this.callbacks.push({ eventId, status: answer.status });
      // Applied after it was acknowledged; mostly at once, sometimes while the world goes on.
      if (this.#dice.hit(appliedAtOnce)) await node.idle();
      return answer;
    } catch (error) {
      this.#trace(`callback at ${this.now().toISOString()}: ${type} ${eventId} → nobody answered`);
      this.callbacks.push({ eventId, status: null });
      throw error;
    }
  }
}

/** By what each provider tells one callback from another. */
function eventOf({ url, body }: CallbackRequest): { readonly eventId: string; readonly type: string } {
  if (new URL(url).pathname.endsWith('/alipay')) {
    const form = new URLSearchParams(body);
    return { eventId: form.get('notify_id') ?? '', type: form.get('trade_status') ?? '' };
  }
  const { id, type, event_type } = JSON.parse(body) as { id: string; type?: string; event_type?: string };
  return { eventId: id, type: type ?? event_type ?? '' };
}
