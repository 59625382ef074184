import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Deliveries } from './deliveries.ts';
import { backlogBytesMax } from './limits.ts';

/** The close code for a temporary condition, from RFC 6455's registry. Clients reconnect, with their cursor. */
export const tryAgainLater = 1013;
/** A client for which this many bytes wait is disconnected. */
const unsentBytesMax = 1024 * 1024;

/** Sends the results of all subscriptions of one socket. */
export type SocketOutlet = {
  /** Sends the results of a subscription as messages of the operation `id`, until it ends. */
  deliver(deliveries: Deliveries, id: string): void;
  /** Closes the socket if its client does not read its answers. */
  requireReader(): void;
};

/**
 * While a socket has a backlog, its subscriptions wait with their positions in the log. If nothing of the backlog is read for a while, the
 * socket is closed.
 *
 * @param connection the connection of the socket, which says when it has drained.
 */
export function createSocketOutlet(socket: WebSocket, connection: Duplex, backlogTimeoutMs: number): SocketOutlet {
  const waiting = new Set<Deliveries>();
  let backlogTimer: NodeJS.Timeout | undefined;
  let unsentBytes = 0;

  function closeForNow(): void {
    socket.close(tryAgainLater, 'The client reads too slowly. Reconnect with the last cursor');
  }

  function requireProgress(): void {
    if (socket.bufferedAmount >= unsentBytes) return closeForNow();
    watch();
  }

  function watch(): void {
    unsentBytes = socket.bufferedAmount;
    backlogTimer = setTimeout(requireProgress, backlogTimeoutMs);
  }

  function goOn(): void {
    clearTimeout(backlogTimer);
    backlogTimer = undefined;
    // One that makes the next backlog has to wait behind the others.
    for (const deliveries of waiting) {
      if (socket.bufferedAmount > backlogBytesMax) return;
      waiting.delete(deliveries);
      deliveries.advance();
    }
  }

  connection.on('drain', goOn);
  socket.once('close', () => clearTimeout(backlogTimer));

  return {
    requireReader() {
      if (socket.bufferedAmount > unsentBytesMax) closeForNow();
    },
    deliver(deliveries, id) {
      const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
      deliveries.onEnd(() => waiting.delete(deliveries));
      deliveries.deliverTo({
        send(frame) {
          if (socket.bufferedAmount > backlogBytesMax || socket.readyState !== socket.OPEN) {
            waiting.add(deliveries);
            if (backlogTimer === undefined && socket.readyState === socket.OPEN) watch();
            return false;
          }
          socket.send(`${head}${frame}}`);
          return true;
        },
      });
    },
  };
}
