import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Deliveries } from './deliveries.ts';
import { backlogBytesMax, type HttpLimits } from './limits.ts';

/** Some browsers wait for a first byte, and proxies cut silent connections. */
const heartbeat = ':\n\n';
const eventEnd = Buffer.from('\n\n');

/**
 * The position from which an EventSource continues: the id of the last event that it got. Null when it sends none, or an empty one, which
 * stands for none.
 */
export function lastEventIdOf({ headers }: IncomingMessage): string | null {
  const given = headers['last-event-id'];
  return typeof given === 'string' && given !== '' ? given : null;
}

/**
 * The body of an SSE response. Each event has its cursor as `id`, so that an EventSource continues by itself. It takes an event only when the client has read most of what was sent before. A client that does not read for
 * a while is disconnected.
 */
export function openEventStream(
  deliveries: Deliveries,
  { heartbeatIntervalMs, backlogTimeoutMs }: Pick<HttpLimits, 'heartbeatIntervalMs' | 'backlogTimeoutMs'>,
): Readable {
  let hasRoom = true;
  let isWanted = false;
  let backlogTimer: NodeJS.Timeout | undefined;
  const stream = new Readable({
    highWaterMark: backlogBytesMax,
    read() {
      hasRoom = true;
      clearTimeout(backlogTimer);
      if (!isWanted) return;
      isWanted = false;
      deliveries.advance();
    },
    destroy(error, destroyed) {
      clearTimeout(backlogTimer);
      clearInterval(heartbeatTimer);
      deliveries.end();
      destroyed(error);
    },
  });
  const write = (part: string | Buffer) => {
    hasRoom = stream.push(part);
    if (!hasRoom) backlogTimer = setTimeout(() => stream.destroy(), backlogTimeoutMs);
  };
  const heartbeatTimer = setInterval(() => {
    if (hasRoom && stream.readableLength === 0) write(heartbeat);
  }, heartbeatIntervalMs);
  write(heartbeat);
  deliveries.deliverTo({
    send(result, cursor) {
      isWanted = !hasRoom;
      if (hasRoom) write(Buffer.concat([Buffer.from(`id: ${cursor}\nevent: next\ndata: `), result, eventEnd]));
      return !isWanted;
    },
    // With an error, so that the response is cut and not completed: an EventSource then returns with the id of its last event.
    breakOff: () => void stream.destroy(new Error('The next event cannot be read.')),
  });
  deliveries.onEnd(() => {
    if (stream.destroyed) return;
    stream.push('event: complete\ndata:\n\n');
    stream.push(null);
  });
  return stream;
}
