import { z } from 'zod';
import { InvalidInputError } from '../domain/errors.ts';
import { CursorError, decodeCursor, type LogPosition } from '../events/cursor.ts';
import { logForever, logStart } from '../events/log.ts';
import { earlierOf, laterOf, placesAround } from '../events/log-time.ts';
import { startReplay } from '../outgoing/queue-again.ts';
import type { WebhookReplay } from '../store/webhook-replay-store.ts';
import { parseInput } from './input.ts';
import { findOwnEndpoint, noSuchEndpoint, type WebhookParts } from './webhook-input.ts';

const inputSchema = z.object({
  after: z.string().nullish(),
  since: z.date().nullish(),
  until: z.string().nullish(),
  before: z.date().nullish(),
});

/**
 * Sends the events of a range to an endpoint once more, those of its types, each once and those of an order in sequence. The range begins
 * after a cursor or at a time, and ends with a cursor, before a time, or where the endpoint is now.
 *
 * @throws {InvalidInputError} @throws {NotFoundError}
 */
export async function replayWebhooks(
  parts: Pick<WebhookParts, 'db' | 'clock'> & { readonly logId: string },
  merchantId: string,
  endpointId: string,
  input: unknown,
): Promise<WebhookReplay> {
  const { db, clock, logId } = parts;
  const { after, since, until, before } = parseInput(inputSchema, input);
  if ((after == null) === (since == null)) {
    throw new InvalidInputError([{ path: 'after', message: 'or since must be given, and not both.' }]);
  }
  if (since != null && before != null && since >= before) {
    throw new InvalidInputError([{ path: 'before', message: 'must be later than since.' }]);
  }
  const position = (path: string, cursor: string | null | undefined, fallback: LogPosition) =>
    cursor == null ? fallback : positionOf(logId, path, cursor);
  const [start, end] = [position('after', after, logStart), position('until', until, logForever)];
  await findOwnEndpoint(parts, merchantId, endpointId);
  const around = await placesAround(db.pool, merchantId, since ?? null, before ?? null);
  const range = {
    ...{ from: laterOf(start, around.after), until: earlierOf(end, around.before) },
    ...{ occurredFrom: since ?? null, occurredBefore: before ?? null },
  };
  const replay = await startReplay(db, endpointId, range, clock.now());
  if (replay === null) throw noSuchEndpoint();
  return replay;
}

function positionOf(logId: string, path: string, cursor: string): LogPosition {
  try {
    return decodeCursor(logId, 'merchant', cursor);
  } catch (error) {
    if (error instanceof CursorError) throw new InvalidInputError([{ path, message: error.message }]);
    throw error;
  }
}
