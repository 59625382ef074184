import type { LogPosition } from '../../src/events/cursor.ts';
import type { LoggedEvent } from '../../src/events/log.ts';
import { type Following, findMisheard } from './log-invariants.ts';
import type { Node, Scope } from './node.ts';
import type { EventRow } from './rows.ts';
import type { World } from './world.ts';

/** A dashboard that follows the log over many connections, each going on from the last event it has heard. */
type Subscriber = Following & {
  readonly merchantId: string;
  readonly heard: LoggedEvent[];
  /** Where it listens now; null while it is away. */
  connection: { readonly id: number; readonly node: Node } | null;
};

/**
 * How long, in real time, an event may take to those who listen; only a lost one takes so long. On a server the log is held back by
 * transactions of others as well, such as those in which it gathers its statistics.
 */
export const patienceMs = { pglite: 12_000, postgresql: 60_000 } as const;
const napMs = 1;

export class Subscribers {
  readonly #world: World;
  readonly #patienceMs: number;
  readonly #all = new Map<number, Subscriber>();
  #connections = 0;

  constructor(world: World, patienceMs: number) {
    this.#world = world;
    this.#patienceMs = patienceMs;
    world.hear = (connection, event) => {
      // What a connection brings after it was given up is heard by nobody.
      for (const subscriber of this.#all.values()) {
        if (subscriber.connection?.id === connection) subscriber.heard.push(event);
      }
    };
  }

  has(subscriber: number): boolean {
    return this.#all.has(subscriber);
  }

  begin(subscriber: number, slot: number, { merchantId, orderId, types }: Scope, after: LogPosition): void {
    const name = `subscriber ${subscriber} of ${orderId ?? 'all orders'}${types === null ? '' : ` for ${types.join(', ')}`}`;
    this.#all.set(subscriber, { name, merchantId, orderId, types, after, heard: [], connection: null });
    this.comeBack(subscriber, slot);
  }

  hangUp(subscriber: number): void {
    const found = this.#all.get(subscriber);
    if (found === undefined || found.connection === null) return;
    found.connection.node.unfollow(found.connection.id);
    found.connection = null;
  }

  comeBack(subscriber: number, slot: number): void {
    const found = this.#all.get(subscriber);
    if (found === undefined || found.connection !== null) return;
    const { merchantId, orderId, types, after, heard } = found;
    this.#connections += 1;
    const node = this.#world.node(slot);
    found.connection = { id: this.#connections, node };
    node.follow(this.#connections, { merchantId, orderId, types }, heard.at(-1) ?? after);
  }

  /** Those whose node has died go on at one that lives. */
  goOn(slotOf: () => number): void {
    for (const [name, subscriber] of this.#all) {
      if (subscriber.connection === null || !subscriber.connection.node.isDead) continue;
      subscriber.connection = null;
      this.comeBack(name, slotOf());
    }
  }

  /** Everybody who is away comes back, to hear the rest. */
  allComeBack(): void {
    for (const [name] of this.#all) this.comeBack(name, name);
  }

  /**
   * Waits until all who listen have heard what is committed, and says who has not, or has heard something else. Where notifications were lost,
   * the log's tail is watched meanwhile, as it is every second in real life: what an older transaction holds back it shows later.
   */
  async misheard(events: readonly EventRow[]): Promise<string[]> {
    const deadlineMs = performance.now() + this.#patienceMs;
    for (;;) {
      if (this.#world.hasLostWakes) await this.#world.watchTail();
      const wrong = this.#find(events, () => false);
      if (wrong.length > 0) return wrong;
      const missing = this.#find(events, ({ connection }) => connection !== null);
      if (missing.length === 0) this.#world.hasLostWakes = false;
      if (missing.length === 0 || performance.now() > deadlineMs) return missing;
      await new Promise((resolve) => setTimeout(resolve, napMs));
    }
  }

  #find(events: readonly EventRow[], isToBeComplete: (subscriber: Subscriber) => boolean): string[] {
    return [...this.#all.values()].flatMap((subscriber) =>
      findMisheard(subscriber, subscriber.heard, events, isToBeComplete(subscriber)),
    );
  }
}
