import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Deliveries, Outlet } from './deliveries.ts';
import { backlogBytesMax, bytesPerPing, unreadBytesMax } from './limits.ts';
import { type FrameWriter, ResultFrames } from './result-frames.ts';

/** The close code for a temporary condition, from RFC 6455's registry. Clients reconnect, with their cursor. */
export const tryAgainLater = 1013;
/** A client for which this many bytes wait is disconnected. */
const unsentBytesMax = 1024 * 1024;

/** A ping carries so many random bytes, so that nobody can answer it without having read it. */
const pingPayloadLength = 8;

/**
 * Sends the results of all subscriptions of one socket. While the socket has a backlog, unsent or unread, they wait with their positions in the
 * log. If nothing of the backlog is read for a while, the socket is closed. Its parts are classes, because tens of thousands of sockets are idle, and closures
 * take more memory.
 */
export class SocketOutlet {
  readonly #socket: WebSocket;
  readonly #connection: Duplex;
  readonly #writer: FrameWriter;
  readonly #backlogTimeoutMs: number;
  /** Null until one has to wait: most sockets never have a backlog. */
  #waiting: Set<Deliveries> | null = null;
  #backlogTimer: NodeJS.Timeout | null = null;
  /** What was unsent, and what had been read, when the backlog was last looked at. */
  #unsentBytes = 0;
  #readBytesBefore = 0;
  /** The results of this turn; null when there are none. */
  #gathered: ResultFrames | null = null;
  /** The bytes of results that were sent, also before the last ping, and those that the client has certainly read. */
  #sentBytes = 0;
  #pingedBytes = 0;
  #readBytes = 0;
  /** The bytes of results before each ping that is not answered, by what the ping carries. Null until there is one. */
  #pings: Map<string, number> | null = null;

  /**
   * @param connection the connection of the socket, which says when it has drained.
   * @param writer one for all sockets.
   */
  constructor(socket: WebSocket, connection: Duplex, writer: FrameWriter, backlogTimeoutMs: number) {
    this.#socket = socket;
    this.#connection = connection;
    this.#writer = writer;
    this.#backlogTimeoutMs = backlogTimeoutMs;
    connection.on('drain', () => this.#goOn());
  }

  /** Sends the results of a subscription as messages of the operation `id`, until it ends. */
  deliver(deliveries: Deliveries, id: string): void {
    deliveries.deliverTo(new OperationOutlet(this, deliveries, id));
  }

  /** Sends another message of the protocol, after the results that came before it. Resolves when it is sent, or the socket has closed. */
  sendMessage(message: string): Promise<void> {
    this.#flush();
    return new Promise((resolve) => {
      if (this.#socket.readyState !== this.#socket.OPEN) return resolve();
      // An error means that the connection broke; its `close` event ends the operations.
      this.#socket.send(message, () => resolve());
    });
  }

  close(code?: number, reason?: string): void {
    this.#flush();
    this.#socket.close(code, reason);
  }

  /** Closes the socket if its client does not read its answers. */
  requireReader(): void {
    if (this.#socket.bufferedAmount > unsentBytesMax) this.#closeForNow();
  }

  /** False when the subscription has to wait. */
  send(deliveries: Deliveries, id: string, result: Buffer): boolean {
    const { readyState, OPEN } = this.#socket;
    if (readyState !== OPEN) return false; // its `close` event ends the subscription
    if (this.#hasRoom) {
      this.#gather(id, result);
      return true;
    }
    if (this.#backlogTimer === null) this.#watch();
    this.#waiting ??= new Set();
    this.#waiting.add(deliveries);
    return false;
  }

  /** Closes the socket, whose client returns with its cursors. */
  breakOff(): void {
    this.close(tryAgainLater, 'The next event cannot be read. Reconnect with the last cursor');
  }

  /** Call this when a subscription that had to wait has ended. */
  forget(deliveries: Deliveries): void {
    this.#waiting?.delete(deliveries);
  }

  /**
   * Writes the results of this turn to the connection, where each message of `ws` is written at once and in one piece, too: it compresses none.
   */
  #flush(): void {
    const gathered = this.#gathered;
    this.#gathered = null;
    const { readyState, OPEN } = this.#socket;
    // Nothing may follow a close frame. The client continues with its cursor.
    if (gathered === null || readyState !== OPEN) return;
    this.#sentBytes += gathered.byteLength;
    const isPingDue = this.#sentBytes - this.#pingedBytes >= bytesPerPing;
    if (isPingDue) this.#connection.cork(); // the ping leaves in the same write
    this.#connection.write(gathered.toBytes());
    if (isPingDue) {
      this.#ping();
      this.#connection.uncork();
    }
    // What has left at once is never reported as drained. In a later turn, because a long past must not keep the process from everything else.
    if (this.#waiting?.size && !this.#connection.writableNeedDrain) setImmediate(() => this.#goOn());
  }

  /** Asks whether the client has read all results up to now. */
  #ping(): void {
    // Most sockets never get so much, and each listener takes memory.
    if (this.#pings === null) this.#socket.on('pong', (payload) => this.#confirm(payload));
    this.#pings ??= new Map();
    this.#pingedBytes = this.#sentBytes;
    const payload = randomBytes(pingPayloadLength);
    this.#pings.set(payload.toString('latin1'), this.#sentBytes);
    this.#socket.ping(payload);
  }

  /** A client may answer only the latest of the pings that it has read. */
  #confirm(payload: Buffer): void {
    const bytes = this.#pings?.get(payload.toString('latin1'));
    if (bytes === undefined) return; // it answers another ping, or none
    this.#readBytes = bytes;
    for (const [carried, before] of this.#pings ?? []) if (before <= bytes) this.#pings?.delete(carried);
    this.#goOn();
  }

  get #hasRoom(): boolean {
    return this.#backlogBytes <= backlogBytesMax && this.#sentBytes - this.#readBytes <= unreadBytesMax;
  }

  get #backlogBytes(): number {
    return this.#socket.bufferedAmount + (this.#gathered?.byteLength ?? 0);
  }

  /** The results of one turn leave in one write, because a system call costs more than making a result. */
  #gather(id: string, result: Buffer): void {
    if (this.#gathered === null) {
      this.#gathered = new ResultFrames(this.#writer);
      process.nextTick(() => this.#flush());
    }
    this.#gathered.add(id, result);
  }

  #goOn(): void {
    if (this.#waiting === null || !this.#hasRoom) return;
    if (this.#backlogTimer !== null) clearTimeout(this.#backlogTimer);
    this.#backlogTimer = null;
    // One that makes the next backlog has to wait behind the others.
    for (const deliveries of this.#waiting) {
      if (!this.#hasRoom) {
        if (this.#backlogTimer === null) this.#watch();
        return;
      }
      this.#waiting.delete(deliveries);
      deliveries.advance();
    }
  }

  #watch(): void {
    this.#unsentBytes = this.#backlogBytes;
    this.#readBytesBefore = this.#readBytes;
    this.#backlogTimer = setTimeout(() => this.#requireProgress(), this.#backlogTimeoutMs);
    this.#backlogTimer.unref(); // it may outlive the socket
  }

  #requireProgress(): void {
    if (this.#backlogBytes < this.#unsentBytes || this.#readBytes > this.#readBytesBefore) this.#watch();
    else this.#closeForNow();
  }

  #closeForNow(): void {
    this.close(tryAgainLater, 'The client reads too slowly. Reconnect with the last cursor');
  }
}

class OperationOutlet implements Outlet {
  readonly #outlet: SocketOutlet;
  readonly #deliveries: Deliveries;
  readonly #id: string;
  #hasWaited = false;

  constructor(outlet: SocketOutlet, deliveries: Deliveries, id: string) {
    this.#outlet = outlet;
    this.#deliveries = deliveries;
    this.#id = id;
  }

  send(result: Buffer): boolean {
    if (this.#outlet.send(this.#deliveries, this.#id, result)) return true;
    if (!this.#hasWaited) this.#deliveries.onEnd(() => this.#outlet.forget(this.#deliveries));
    this.#hasWaited = true;
    return false;
  }

  breakOff(): void {
    this.#outlet.breakOff();
  }
}
