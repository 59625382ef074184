import type { LogPosition } from '../../src/events/cursor.ts';
import type { LoggedEvent } from '../../src/events/log.ts';
import { type Following, findMisheard } from './log-invariants.ts';
import type { Node, Scope } from './node.ts';
import type { EventRow } from './rows.ts';
import type { World } from './world.ts';

/** A dashboard that follows the log over many connections. Each connection resumes after the last event that it received. */
type Subscriber = Following & {
  readonly merchantId: string;
  readonly heard: LoggedEvent[];
  /** The node that it is connected to; null while disconnected. */
  connection: { readonly id: number; readonly node: Node } | null;
};

/**
 * The maximum real time until a committed event arrives; only a lost event takes longer. On a server, transactions of others delay the
 * log too, such as those of its statistics collection.
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
      // Events of an abandoned connection are ignored.
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

  /** Reconnects the subscribers of dead nodes to live ones. */
  goOn(slotOf: () => number): void {
    for (const [name, subscriber] of this.#all) {
      if (subscriber.connection === null || !subscriber.connection.node.isDead) continue;
      subscriber.connection = null;
      this.comeBack(name, slotOf());
    }
  }

  /** Reconnects all disconnected subscribers, so that they get the rest. */
  allComeBack(): void {
    for (const [name] of this.#all) this.comeBack(name, name);
  }

  /**
   * Waits until all subscribers have got the committed events, and returns those that miss events or got wrong ones. After lost
   * notifications the end of the log is polled meanwhile, as in production every second: events behind an older transaction appear later.
   */
  async misheard(events: readonly EventRow[]): Promise<string[]> {
    const deadlineMs = performance.now() + this.#patienceMs;
    for (;;) {
      if (this.#world.mayMissNotifications) await this.#world.watchTail();
      const wrong = this.#find(events, () => false);
      if (wrong.length > 0) return wrong;
      const missing = this.#find(events, ({ connection }) => connection !== null);
      if (missing.length === 0) this.#world.mayMissNotifications = false;
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
