import { CloseCode } from 'graphql-ws';
import type { WebSocket } from 'ws';

/** A socket without `connection_init` is closed with 4408 after this time. */
const initWaitMs = 3000;

/**
 * Closes sockets whose client does not begin. The protocol's library would keep the timer of each socket as long as the socket.
 */
export class InitWaits {
  readonly #timers = new Map<WebSocket, NodeJS.Timeout>();

  begin(socket: WebSocket): void {
    const close = () => {
      this.#timers.delete(socket);
      socket.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout');
    };
    this.#timers.set(socket, setTimeout(close, initWaitMs));
  }

  /** Call this when the client has begun, and when the socket has closed. */
  end(socket: WebSocket): void {
    clearTimeout(this.#timers.get(socket));
    this.#timers.delete(socket);
  }
}
