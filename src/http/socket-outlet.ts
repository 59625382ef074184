import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Deliveries, Outlet } from './deliveries.ts';
import { backlogBytesMax } from './limits.ts';

/** The close code for a temporary condition, from RFC 6455's registry. Clients reconnect, with their cursor. */
export const tryAgainLater = 1013;
/** A client for which this many bytes wait is disconnected. */
const unsentBytesMax = 1024 * 1024;

/**
 * Sends the results of all subscriptions of one socket. While the socket has a backlog, they wait with their positions in the log. If nothing
 * of the backlog is read for a while, the socket is closed. Its parts are classes, because tens of thousands of sockets are idle, and closures
 * take more memory.
 */
export class SocketOutlet {
  readonly #socket: WebSocket;
  readonly #connection: Duplex;
  readonly #backlogTimeoutMs: number;
  readonly #waiting = new Set<Deliveries>();
  #backlogTimer: NodeJS.Timeout | null = null;
  #unsentBytes = 0;
  #isCorked = false;

  /** @param connection the connection of the socket, which says when it has drained. */
  constructor(socket: WebSocket, connection: Duplex, backlogTimeoutMs: number) {
    this.#socket = socket;
    this.#connection = connection;
    this.#backlogTimeoutMs = backlogTimeoutMs;
    connection.on('drain', () => this.#goOn());
  }

  /** Sends the results of a subscription as messages of the operation `id`, until it ends. */
  deliver(deliveries: Deliveries, id: string): void {
    deliveries.deliverTo(new OperationOutlet(this, deliveries, id));
  }

  /** Closes the socket if its client does not read its answers. */
  requireReader(): void {
    if (this.#socket.bufferedAmount > unsentBytesMax) this.#closeForNow();
  }

  /** False when the subscription has to wait. */
  send(deliveries: Deliveries, message: () => string): boolean {
    const { readyState, OPEN, bufferedAmount } = this.#socket;
    if (readyState !== OPEN) return false; // its `close` event ends the subscription
    if (bufferedAmount <= backlogBytesMax) {
      this.#cork();
      this.#socket.send(message());
      return true;
    }
    if (this.#backlogTimer === null) this.#watch();
    this.#waiting.add(deliveries);
    return false;
  }

  /** Call this when a subscription that had to wait has ended. */
  forget(deliveries: Deliveries): void {
    this.#waiting.delete(deliveries);
  }

  /** The results of one turn leave in one write, because a system call costs more than making a result. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#connection.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.#connection.uncork();
    });
  }

  #goOn(): void {
    if (this.#backlogTimer !== null) clearTimeout(this.#backlogTimer);
    this.#backlogTimer = null;
    // One that makes the next backlog has to wait behind the others.
    for (const deliveries of this.#waiting) {
      if (this.#socket.bufferedAmount > backlogBytesMax) return;
      this.#waiting.delete(deliveries);
      deliveries.advance();
    }
  }

  #watch(): void {
    this.#unsentBytes = this.#socket.bufferedAmount;
    this.#backlogTimer = setTimeout(() => this.#requireProgress(), this.#backlogTimeoutMs);
    this.#backlogTimer.unref(); // it may outlive the socket
  }

  #requireProgress(): void {
    if (this.#socket.bufferedAmount < this.#unsentBytes) this.#watch();
    else this.#closeForNow();
  }

  #closeForNow(): void {
    this.#socket.close(tryAgainLater, 'The client reads too slowly. Reconnect with the last cursor');
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

  send(frame: string): boolean {
    const message = () => `{"id":${JSON.stringify(this.#id)},"type":"next","payload":${frame}}`;
    if (this.#outlet.send(this.#deliveries, message)) return true;
    if (!this.#hasWaited) this.#deliveries.onEnd(() => this.#outlet.forget(this.#deliveries));
    this.#hasWaited = true;
    return false;
  }
}
