import type { WebSocket } from 'ws';

const pingIntervalMs = 30_000;
/** The sockets are pinged in groups, one after the other: ten thousand pings at once would keep the process from everything else. */
const groupCount = 30;

/** Pings sockets regularly, and ends those that have not answered until the next ping. One timer for all, because each takes memory. */
export class SocketPings {
  readonly #groups = Array.from({ length: groupCount }, () => new Set<WebSocket>());
  /** The sockets that have not answered their last ping. */
  readonly #silent = new Set<WebSocket>();
  readonly #onPong: (this: WebSocket) => void;
  #next = 0;
  #count = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor() {
    const silent = this.#silent;
    this.#onPong = function onPong() {
      silent.delete(this);
    };
  }

  /** Begins to ping a socket, first after the interval. */
  add(socket: WebSocket): void {
    // The group whose turn was last.
    this.#groups.at(this.#next - 1)?.add(socket);
    this.#count += 1;
    this.#timer ??= setInterval(() => this.#pingNext(), pingIntervalMs / groupCount);
    socket.on('pong', this.#onPong);
  }

  /** Call this when the socket has closed. */
  remove(socket: WebSocket): void {
    this.#silent.delete(socket);
    if (!this.#groups.some((group) => group.delete(socket))) return;
    this.#count -= 1;
    if (this.#count > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #pingNext(): void {
    const group = this.#groups[this.#next] ?? [];
    this.#next = (this.#next + 1) % groupCount;
    for (const socket of group) {
      if (socket.isPaused) continue; // this server does not read its answer
      if (this.#silent.has(socket)) {
        socket.terminate();
        continue;
      }
      this.#silent.add(socket);
      if (socket.readyState === socket.OPEN) socket.ping();
    }
  }
}
