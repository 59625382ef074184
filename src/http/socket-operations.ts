import type { WebSocket } from 'ws';
import type { Deliveries } from './deliveries.ts';

/** Passes a message to the protocol. Resolves when the protocol has done with it: for an operation, when that has ended. Never rejects. */
type PassOn = (text: string) => Promise<void>;

/** A message of a client, and what it says of itself; null for anything else than a string. */
type Message = { readonly text: string; readonly type: string | null; readonly id: string | null };

/**
 * The operations of one socket. The protocol's library forgets a subscription that is completed while it starts: the id may then be
 * used again at once, and the library would mix the two up. Here an id is free when the library has done with it, and an operation that
 * begins with it earlier has to wait. So has one beyond the number that may be in progress: the socket is not read meanwhile, because a
 * client that is refused may send again at once.
 */
export class SocketOperations {
  readonly #socket: Pick<WebSocket, 'pause' | 'resume' | 'readyState' | 'OPEN'>;
  readonly #inProgressMax: number;
  readonly #passOn: PassOn;
  #inProgress = 0;
  readonly #operations = new Map<string, SocketOperation>();
  /** The messages that wait, in order. Null while there are none. */
  #waiting: Message[] | null = null;

  constructor(
    socket: Pick<WebSocket, 'pause' | 'resume' | 'readyState' | 'OPEN'>,
    inProgressMax: number,
    passOn: PassOn,
  ) {
    this.#socket = socket;
    this.#inProgressMax = inProgressMax;
    this.#passOn = passOn;
  }

  /** Takes the next message of the client. */
  receive(text: string): void {
    const message = read(text);
    if (this.#waiting === null && !this.#mustWait(message)) return this.#pass(message);
    this.#waiting ??= [];
    this.#waiting.push(message);
    // What was received together with this message still comes; the rest stays with the client.
    this.#socket.pause();
  }

  /** The operation with this id that the protocol has begun. */
  get(id: string): SocketOperation {
    const operation = this.#operations.get(id);
    if (operation === undefined) throw new Error('An operation has begun without its message. This is a bug.');
    return operation;
  }

  /** Ends everything, also what is still starting. Call it when the socket has closed. */
  close(): void {
    this.#waiting = null;
    for (const operation of this.#operations.values()) operation.end();
  }

  #mustWait({ type, id }: Message): boolean {
    if (type !== 'subscribe' || id === null) return false;
    return this.#inProgress >= this.#inProgressMax || this.#operations.get(id)?.isEnded === true;
  }

  #pass({ text, type, id }: Message): void {
    // The protocol closes the socket if the id is that of an operation that goes on.
    if (type === 'subscribe' && id !== null && !this.#operations.has(id)) return this.#begin(id, text);
    void this.#passOn(text);
    if (type === 'complete' && id !== null) this.#operations.get(id)?.end();
  }

  #begin(id: string, text: string): void {
    this.#inProgress += 1;
    const operation = new SocketOperation(() => {
      this.#inProgress -= 1;
      this.#goOn();
    });
    this.#operations.set(id, operation);
    void this.#passOn(text).then(() => {
      this.#operations.delete(id);
      operation.settle();
      this.#goOn();
    });
  }

  #goOn(): void {
    for (;;) {
      const next = this.#waiting?.[0];
      if (next === undefined || this.#socket.readyState !== this.#socket.OPEN) break;
      if (this.#mustWait(next)) return;
      this.#waiting?.shift();
      this.#pass(next);
    }
    if (this.#waiting === null) return;
    this.#waiting = null;
    this.#socket.resume();
  }
}

/** One operation, from its message until the protocol has done with it. */
export class SocketOperation {
  #isEnded = false;
  #deliveries: Deliveries | null = null;
  /** Null when it is no longer in progress. */
  #onSettled: (() => void) | null;

  constructor(onSettled: () => void) {
    this.#onSettled = onSettled;
  }

  /** It was executed, or its subscription has started or was refused. */
  settle(): void {
    const onSettled = this.#onSettled;
    this.#onSettled = null;
    onSettled?.();
  }

  /** True when the client has completed it, or the socket has closed. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The subscription has started. It is ended at once if the client no longer wants it. */
  run(deliveries: Deliveries): void {
    if (this.#isEnded) deliveries.end();
    else this.#deliveries = deliveries;
  }

  end(): void {
    this.#isEnded = true;
    this.#deliveries?.end();
  }
}

function read(text: string): Message {
  const { type, id } = (parsed(text) ?? {}) as { readonly type?: unknown; readonly id?: unknown };
  return { text, type: typeof type === 'string' ? type : null, id: typeof id === 'string' ? id : null };
}

/** The protocol closes the socket for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
