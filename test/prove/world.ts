import type { CallbackRequest, CallbackResponse } from '../../sandbox/callback-post.ts';
import type { InProcessRequest, InProcessResponse } from '../../sandbox/in-process.ts';
import { type Sandbox, startSandbox } from '../../sandbox/server.ts';
import type { PaymentMethod } from '../../src/domain/payment.ts';
import type { LoggedEvent } from '../../src/events/log.ts';
import type { Notification } from '../../src/events/notifications.ts';
import { Dice } from './dice.ts';
import { type Exchange, exchangeOf } from './exchanges.ts';
import { BrokenConnectionError } from './life.ts';
import { hookPath, MerchantHooks } from './merchant-hooks.ts';
import type { Node, NodeObserver } from './node.ts';
import type { Door } from './provider-client.ts';
import { sandboxKeys } from './provider-keys.ts';
import { type Schedule, startsAt } from './schedule.ts';
import type { Tally } from './tally.ts';
import type { SpoiledDelivery } from './traffic-invariants.ts';

/** Starts a node in a slot, again after each death. */
export type StartNode = (parts: {
  readonly slot: number;
  readonly now: () => Date;
  readonly door: Door;
  readonly observer: NodeObserver;
  readonly pauses: number;
  readonly dice: Dice;
  /** The providers that are not configured. */
  readonly retired: readonly PaymentMethod[];
}) => Promise<Node>;

export type WorldParts = {
  readonly slots: number;
  readonly startNode: StartNode;
  readonly tally: Tally;
  readonly trace: (what: string) => void;
};

/** One delivery attempt of a callback; without a status when the connection was refused or broke. */
export type CallbackAttempt = { readonly eventId: string; readonly status: number | null };

/** The probability that a callback is applied before anything else happens. */
const appliedAtOnce = 0.8;
/** The timeout of a node's HTTP client, in virtual time. */
const answerMsMax = 15_000;

/** The environment of the product: providers, nodes, the network between them, and time. */
export class World {
  readonly sandbox: Sandbox;
  readonly callbacks: CallbackAttempt[] = [];
  readonly exchanges: Exchange[] = [];
  readonly hooks: MerchantHooks;
  /** The errors that nodes logged since the last call. */
  complaints: string[] = [];
  /** True from an injected database failure until it is reset: logged errors are expected then. */
  isSpoiled = false;
  /** True from a possibly lost notification until all subscribers have got everything. */
  mayMissNotifications = false;
  /** True from a request to a node until it is reset: without one, our rows cannot have changed. */
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
    this.hooks = new MerchantHooks(schedule.seed, tally, (failpoint) => {
      for (const node of this.#nodes) node.crashAt(failpoint, 1);
    });
  }

  static async open(schedule: Schedule, parts: WorldParts): Promise<World> {
    let self: World | undefined;
    const sandbox = await startSandbox({
      ...{
        port: null,
        dataDir: null,
        seed: schedule.seed,
        virtualTime: { startsAt },
        unansweredRequests: 'status-599',
      },
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

  /** The node in a slot, for a request. Slot numbers beyond the existing ones wrap around. */
  node(slot: number): Node {
    this.isTouched = true;
    return this.nodeToSpoil(slot);
  }

  /** The same node, for injecting a failure. */
  nodeToSpoil(slot: number): Node {
    const node = this.#nodes[slot % this.#nodes.length];
    if (node === undefined) throw new RangeError('The world has no nodes.');
    return node;
  }

  /** Restarts dead nodes. False when there were none. */
  async revive(): Promise<boolean> {
    const dead = [...this.#nodes.entries()].filter(([, node]) => node.isDead);
    for (const [slot] of dead) this.#nodes[slot] = await this.#startIn(slot);
    return dead.length > 0;
  }

  /** Restarts the nodes without a provider, or with all of them for null. False when they already run like that. */
  async configure(retired: PaymentMethod | null): Promise<boolean> {
    const wanted = retired === null ? [] : [...new Set([...this.#retired, retired])];
    if (wanted.length === this.#retired.length) return false;
    this.#retired = wanted;
    for (const node of this.#nodes) await node.kill();
    await this.revive();
    return true;
  }

  /** Advances time and runs everything that becomes due. */
  async pass(ms: number): Promise<void> {
    await this.#advance(ms);
    await this.idle();
  }

  /** Resolves when no work is in progress: neither passing time nor applying callbacks. */
  async idle(): Promise<void> {
    await this.#advancing;
    for (const node of this.#nodes) await node.idle();
  }

  /** Every node reads the end of the log and notifies subscribers that missed a notification. */
  async watchTail(): Promise<void> {
    for (const node of this.#nodes) await node.watchTail();
  }

  /** All callbacks of the sandbox, with their delivery attempts. */
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
        this.mayMissNotifications = true;
      },
      spoiled: (what) => {
        this.#tally.count('spoiled', what);
        this.#trace(`a ${what} of node ${slot} is spoiled`);
        this.isSpoiled = true;
        this.mayMissNotifications = true;
      },
      complained: (message) => {
        this.#trace(`node ${slot} complains: ${message}`);
        this.complaints.push(message);
      },
      heard: (subscription, event) => this.hear(subscription, event),
      notified: (notification) => this.#spread(slot, notification),
    };
  }

  #spread(from: number, notification: Notification): void {
    for (const [slot, node] of this.#nodes.entries()) {
      if (slot === from) continue;
      if (this.#dice.hit(this.#schedule.weather.losesNotifications)) {
        this.#tally.count('notifications', 'lost');
        this.mayMissNotifications = true;
      } else node.notify(notification);
    }
  }

  /** Passes a node's request to the provider. While a late answer is awaited, everything else continues. */
  async #ask(request: InProcessRequest): Promise<InProcessResponse | 'unanswered' | 'reset'> {
    if (request.path.startsWith(hookPath)) return this.hooks.answer(request, this.now());
    const askedMs = this.now().getTime();
    // The clock has jumped since a node signed the request, which takes no time in reality: the provider refuses it as forged.
    if (Math.abs(askedMs - signedMsOf(request, askedMs)) > signedForMsMax) this.isSpoiled = true;
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

  /** Delivers a callback to one of the live nodes, like a load balancer. */
  async #post(request: CallbackRequest): Promise<CallbackResponse> {
    const { eventId, type } = eventOf(request);
    const alive = this.#nodes.filter((node) => !node.isDead);
    try {
      if (alive.length === 0) throw new BrokenConnectionError();
      this.isTouched = true;
      const node = this.#dice.pick(alive);
      const answer = await node.receive(request);
      this.#trace(`callback at ${this.now().toISOString()}: ${type} ${eventId} → ${answer.status}`);
      this.callbacks.push({ eventId, status: answer.status });
      // Applied after the acknowledgement: usually at once, sometimes concurrently with other steps.
      if (this.#dice.hit(appliedAtOnce)) await node.idle();
      return answer;
    } catch (error) {
      this.#trace(`callback at ${this.now().toISOString()}: ${type} ${eventId} → nobody answered`);
      this.callbacks.push({ eventId, status: null });
      throw error;
    }
  }
}

/** How long WeChat Pay accepts a signature. */
const signedForMsMax = 5 * 60_000;

/** When WeChat Pay's client signed a request, in milliseconds; the given time for requests that carry none. */
function signedMsOf({ headers }: InProcessRequest, otherwise: number): number {
  const [, seconds] = /timestamp="(\d+)"/.exec(String(headers?.authorization ?? headers?.Authorization ?? '')) ?? [];
  return seconds === undefined ? otherwise : Number(seconds) * 1000;
}

/** The id of a callback, by provider. */
function eventOf({ url, body }: CallbackRequest): { readonly eventId: string; readonly type: string } {
  if (new URL(url).pathname.endsWith('/alipay')) {
    const form = new URLSearchParams(body);
    return { eventId: form.get('notify_id') ?? '', type: form.get('trade_status') ?? '' };
  }
  const { id, type, event_type } = JSON.parse(body) as { id: string; type?: string; event_type?: string };
  return { eventId: id, type: type ?? event_type ?? '' };
}
