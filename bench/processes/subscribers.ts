import { machineMs, until } from '../support/clock.ts';
import { madeAtMs } from '../support/order-number.ts';
import { serveCalls } from '../support/process-calls.ts';
import { openSubscription, type Subscription } from '../support/subscription.ts';

/** Subscribers of `merchantEvents`, each with a WebSocket of its own. */
type ConnectInput = {
  readonly url: string;
  readonly token: string;
  readonly count: number;
  readonly after: string;
  /** Reads nothing any more once it has subscribed. */
  readonly isStalled?: boolean;
  /** Counts its events and knows nothing of them, which takes less than half of the CPU time. */
  readonly onlyCounts?: boolean;
};

type Target = Pick<ConnectInput, 'url' | 'token' | 'isStalled' | 'onlyCounts'>;

type Subscriber = {
  socket: Subscription | null;
  /** The numbers of the received events, in the order of receipt. */
  readonly received: number[];
  /** Its last message, with the cursor from which it continues; null before the first. */
  last: string | null;
  /** From where it subscribes without a last message. */
  cursor: string;
};

/** An event that at least one subscriber has received. */
type KnownEvent = { readonly number: number; readonly cursor: string; receipts: number };

const connectingMax = 64;
const connectTimeoutMs = 180_000;
const returnDelayMs = 200;

const subscribers: Subscriber[] = [];
/** By the id without its prefix. The numbers count from 0 in the order of the first receipt. */
const events = new Map<string, KnownEvent>();
const cursors: string[] = [];
let initialCursor = '';
let latenciesMs: number[] = [];
let deliveries = 0;
let lastMs = 0;
let closedByServer = 0;
let refused = 0;
let keepsEvents = false;

function countDelivery(): void {
  deliveries += 1;
}

function receive(subscriber: Subscriber, json: string): void {
  const sentMs = madeAtMs(json);
  if (sentMs === null) return receiveOther(subscriber, json);
  subscriber.last = json;
  lastMs = machineMs();
  deliveries += 1;
  latenciesMs.push(lastMs - sentMs);
  if (!keepsEvents) return;
  const id = textAfter(json, '"id":"evt_');
  let event = events.get(id);
  if (event === undefined) {
    event = { number: events.size, cursor: textAfter(json, '"cursor":"'), receipts: 0 };
    events.set(id, event);
    cursors.push(event.cursor);
  }
  event.receipts += 1;
  subscriber.received.push(event.number);
}

/** The server has ended the subscription: its client comes back, as it does after a lost connection. */
function receiveOther({ socket }: Subscriber, json: string): void {
  if (!/"type":"(error|complete)"|"errors":/.test(json)) return;
  refused += 1;
  socket?.terminate();
}

/** The rest of a JSON text that follows `begin`, up to the next quotation mark. */
function textAfter(json: string, begin: string): string {
  const at = json.indexOf(begin) + begin.length;
  return json.slice(at, json.indexOf('"', at));
}

function suffixOf(eventId: string): string {
  return eventId.slice('evt_'.length);
}

async function connectOne(target: Target, subscriber: Subscriber): Promise<void> {
  const { last, cursor } = subscriber;
  const after = last === null ? cursor : textAfter(last, '"cursor":"');
  const socket = await openSubscription(
    { ...target, after },
    (json) => receive(subscriber, json),
    target.onlyCounts ? countDelivery : null,
  );
  subscriber.socket = socket;
  if (target.isStalled) socket.pause();
  const closed = () => {
    if (subscriber.socket !== socket) return; // cut by us
    closedByServer += 1;
    comeBack(target, subscriber);
  };
  if (socket.isClosed) closed();
  else socket.onClose(closed);
}

/** After a moment, and again until it succeeds. */
function comeBack(target: Target, subscriber: Subscriber): void {
  setTimeout(
    () => connectOne(target, subscriber).catch(() => comeBack(target, subscriber)),
    returnDelayMs * (1 + Math.random()),
  );
}

/** Connects all, some at a time, until each has succeeded once. */
async function connectAll(input: Target, all: readonly Subscriber[]): Promise<void> {
  const deadlineMs = machineMs() + connectTimeoutMs;
  const queue = [...all];
  async function connectSome(): Promise<void> {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const subscriber = next;
      await connectOne(input, subscriber).catch((error: unknown) => {
        if (machineMs() > deadlineMs) throw error;
        queue.unshift(subscriber);
      });
    }
  }
  await Promise.all(Array.from({ length: connectingMax }, connectSome));
}

const calls = {
  async connect({ count, ...input }: ConnectInput): Promise<void> {
    initialCursor = input.after;
    const added = Array.from({ length: count }, () => ({
      ...{ socket: null, received: [], last: null, cursor: initialCursor },
    }));
    subscribers.push(...added);
    await connectAll(input, added);
  },

  /** From now on each subscriber keeps its cursor and the events that it receives. */
  keepEvents(): void {
    keepsEvents = true;
  },

  /** Waits for so many deliveries since the last `take`. @returns false when they did not all come in time. */
  async awaitDeliveries({
    count,
    timeoutMs,
  }: {
    readonly count: number;
    readonly timeoutMs: number;
  }): Promise<boolean> {
    return until(() => deliveries >= count, timeoutMs, 5);
  },

  /** What was received since the last call. */
  take() {
    const taken = { deliveries, lastMs, closedByServer, refused, latenciesMs: Float64Array.from(latenciesMs) };
    latenciesMs = [];
    deliveries = 0;
    closedByServer = 0;
    refused = 0;
    return taken;
  },

  /**
   * Cuts every connection at once, and lets each subscriber return with its own last cursor. They have forgotten up to `forgottenMax` of their last
   * events, as clients do that had not stored them yet, so their cursors differ. It needs `keepEvents`.
   *
   * @returns the time until all are connected again.
   */
  async cutAndReturn({ forgottenMax, ...target }: Target & { readonly forgottenMax: number }): Promise<number> {
    const beganMs = machineMs();
    for (const [at, subscriber] of subscribers.entries()) {
      const { socket } = subscriber;
      subscriber.socket = null;
      subscriber.last = null;
      socket?.terminate();
      subscriber.received.splice(Math.max(0, subscriber.received.length - (at % (forgottenMax + 1))));
      subscriber.cursor = cursors[subscriber.received.at(-1) ?? -1] ?? initialCursor;
    }
    await connectAll(target, subscribers);
    return machineMs() - beganMs;
  },

  /** Waits until every subscriber has received the event. @returns false when they had not in time. */
  async awaitEvent({ id, timeoutMs }: { readonly id: string; readonly timeoutMs: number }): Promise<boolean> {
    return until(() => (events.get(suffixOf(id))?.receipts ?? 0) >= subscribers.length, timeoutMs, 10);
  },

  /** Compares what each subscriber has received with the merchant's whole log, the ids of its events in order. */
  compare({ log }: { readonly log: readonly string[] }): { readonly gaps: number; readonly repeats: number } {
    const expected = log.map((id) => events.get(suffixOf(id))?.number ?? -1);
    let [gaps, repeats] = [0, 0];
    for (const { received } of subscribers) {
      const distinct = new Set(received);
      repeats += received.length - distinct.size;
      gaps += expected.filter((number) => !distinct.has(number)).length;
      // Out of order is neither, but as wrong as both.
      const inOrder = expected.filter((number) => distinct.has(number));
      if (received.length === distinct.size && inOrder.some((number, at) => received[at] !== number)) repeats += 1;
    }
    return { gaps, repeats };
  },

  /** Stalled subscribers read again. */
  resume(): void {
    for (const { socket } of subscribers) socket?.resume();
  },
};
export type SubscriberCalls = typeof calls;
serveCalls(calls);
