import { setTimeout as delay } from 'node:timers/promises';
import type { WebSocket } from 'ws';

/** The WebSocket close code of a server that shuts down. */
const goingAway = 1001;

/** Tracks the queries and mutations in progress on WebSockets, so that a shutdown can wait for their answers. */
export type SocketAnswers = {
  begin(socket: WebSocket, operationId: string): void;
  /** Call this for every operation that ends, right before its last message is sent. */
  end(socket: WebSocket, operationId: string): void;
  /** Closes each socket as soon as it has no operation in progress. Resolves when all are closing, or after `drainMs`. */
  drain(sockets: Iterable<WebSocket>, drainMs: number): Promise<void>;
};

export function createSocketAnswers(): SocketAnswers {
  const inProgress = new Map<WebSocket, Set<string>>();
  let isDraining = false;
  let drained = () => {};

  return {
    begin(socket, operationId) {
      const ofSocket = inProgress.get(socket) ?? new Set();
      inProgress.set(socket, ofSocket.add(operationId));
    },
    end(socket, operationId) {
      // Deferred until the last message is passed to the socket, which happens synchronously after this call.
      setImmediate(() => {
        const ofSocket = inProgress.get(socket);
        if (!ofSocket?.delete(operationId) || ofSocket.size > 0) return;
        inProgress.delete(socket);
        if (isDraining) socket.close(goingAway);
        if (inProgress.size === 0) drained();
      });
    },
    async drain(sockets, drainMs) {
      const answered = new Promise<void>((resolve) => {
        drained = resolve;
      });
      isDraining = true;
      for (const socket of sockets) if (!inProgress.has(socket)) socket.close(goingAway);
      if (inProgress.size > 0) await Promise.race([answered, delay(drainMs, undefined, { ref: false })]);
    },
  };
}
