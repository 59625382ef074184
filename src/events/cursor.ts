import { idPrefixes, isId } from '../domain/ids.ts';

/**
 * A position in the log. `epoch` counts the database clusters on which the log has been stored, because each cluster starts
 * its own transaction ids. Within an epoch, events are sorted by (xid, pos).
 */
export type LogPosition = { readonly epoch: number; readonly xid: bigint; readonly pos: bigint };

/** Negative when `one` is before `other` in the log, 0 when they are the same. */
export function comparePositions(one: LogPosition, other: LogPosition): number {
  if (one.epoch !== other.epoch) return one.epoch - other.epoch;
  if (one.xid !== other.xid) return one.xid < other.xid ? -1 : 1;
  if (one.pos !== other.pos) return one.pos < other.pos ? -1 : 1;
  return 0;
}

/**
 * The scope of a cursor: the merchant's log, or the events of one order. The two are not interchangeable. An order's events
 * are sent as soon as they are committed, while older transactions may still add events before them to the merchant's log.
 * Continuing the merchant's log from an order's cursor would skip those events.
 */
export type CursorScope = 'merchant' | { readonly orderId: string };

/** The largest `pos` or `xid`. As `pos` it is a position after all events of a transaction, as `xid` after all of an epoch. */
export const posMax = 9_223_372_036_854_775_807n;

const pattern = /^v2\.([0-9a-z]{1,32})\.(merchant|[0-9a-z]{26})\.(\d{1,9})\.(\d{1,19})\.(\d{1,19})$/;
const earlierPattern = /^v1\./;
const notACursor = 'is not a cursor of this API. Use a cursor exactly as the API returned it.';
const orderPrefix = `${idPrefixes.order}_`;

/** Encodes an EventCursor. It is opaque to clients and contains the log id and the scope, which `decodeCursor` checks. */
export function encodeCursor(logId: string, scope: CursorScope, { epoch, xid, pos }: LogPosition): string {
  const scopeName = scope === 'merchant' ? scope : scope.orderId.slice(orderPrefix.length);
  return Buffer.from(`v2.${logId}.${scopeName}.${epoch}.${xid}.${pos}`).toString('base64url');
}

/**
 * Returns the position of a cursor for a read in `scope`. A cursor of the merchant's log is also valid for the events of
 * each order.
 *
 * @throws {CursorError} when the text is not a cursor, or belongs to another log or another scope.
 */
export function decodeCursor(logId: string, scope: CursorScope, cursor: string): LogPosition {
  const text = cursor.length > 250 ? '' : Buffer.from(cursor, 'base64url').toString('latin1');
  const match = pattern.exec(text);
  if (match === null) {
    throw new CursorError(
      earlierPattern.test(text)
        ? 'is a cursor of an earlier version, which has no scope. Read the events again and use the new cursors.'
        : notACursor,
    );
  }
  const [, ofLog = '', scopeName = '', epoch = '', xid = '', pos = ''] = match;
  if (ofLog !== logId) {
    throw new CursorError('is a cursor of another event log. Read the events again and use the new cursors.');
  }
  if (BigInt(xid) > posMax || BigInt(pos) > posMax) throw new CursorError(notACursor);
  if (scopeName !== 'merchant') checkScope(`${orderPrefix}${scopeName}`, scope);
  return { epoch: Number(epoch), xid: BigInt(xid), pos: BigInt(pos) };
}

function checkScope(orderId: string, wanted: CursorScope): void {
  if (!isId('order', orderId)) throw new CursorError(notACursor);
  if (wanted === 'merchant') {
    throw new CursorError(
      `is a cursor of the events of order ${orderId}. Use a cursor of the merchant log from \`events\`, \`merchantEvents\` or \`orders\`.`,
    );
  }
  if (wanted.orderId !== orderId) {
    throw new CursorError(`is a cursor of the events of order ${orderId}, not of order ${wanted.orderId}.`);
  }
}

/** The problem of a cursor. The message is the end of a sentence that begins with the name of the argument. */
export class CursorError extends Error {}
