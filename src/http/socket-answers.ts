import { setTimeout as delay } from 'node:timers/promises';
import type { WebSocket } from 'ws';

/** The close code of a server that stops. */
const goingAway = 1001;

/** The queries and mutations on sockets that wait for their answers, so that a server which stops lets them have them. */
export type SocketAnswers = {
  begin(socket: WebSocket, operationId: string): void;
  /** To be called when an operation of any kind is over, right before its last message is sent. */
  end(socket: WebSocket, operationId: string): void;
  /** Closes each of the sockets as soon as nothing on it waits for an answer. Resolves when they are closing, or after `drainMs`. */
  drain(sockets: Iterable<WebSocket>, drainMs: number): Promise<void>;
};

export function createSocketAnswers(): SocketAnswers {
  const underWay = new Map<WebSocket, Set<string>>();
  let isDraining = false;
  let drained = () => {};

  return {
    begin(socket, operationId) {
      const ofSocket = underWay.get(socket) ?? new Set();
      underWay.set(socket, ofSocket.add(operationId));
    },
    end(socket, operationId) {
      // After the last message, which is handed to the socket before anything else can happen.
      setImmediate(() => {
        const ofSocket = underWay.get(socket);
        if (!ofSocket?.delete(operationId) || ofSocket.size > 0) return;
        underWay.delete(socket);
        if (isDraining) socket.close(goingAway);
        if (underWay.size === 0) drained();
      });
    },
    async drain(sockets, drainMs) {
      const answered = new Promise<void>((resolve) => {
        drained = resolve;
      });
      isDraining = true;
      for (const socket of sockets) if (!underWay.has(socket)) socket.close(goingAway);
      if (underWay.size > 0) await Promise.race([answered, delay(drainMs, undefined, { ref: false })]);
    },
  };
}
