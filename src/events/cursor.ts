import { idPrefixes, isId } from '../domain/ids.ts';

/**
 * A place in the log. `epoch` counts the database clusters that the log has lived on, for transaction ids start anew on each;
 * within one, events stand in the order of (xid, pos).
 */
export type LogPosition = { readonly epoch: number; readonly xid: bigint; readonly pos: bigint };

/**
 * What a cursor is a place in: the merchant's log, or the events of one order, by its id. An order's events are told as soon as they are
 * committed, while older transactions may still add to the merchant's log before them: read on from there, it would skip those.
 */
export type CursorScope = 'merchant' | { readonly orderId: string };

/** After every event of its transaction. */
export const posMax = 9_223_372_036_854_775_807n;

const pattern = /^v2\.([0-9a-z]{1,32})\.(merchant|[0-9a-z]{26})\.(\d{1,9})\.(\d{1,19})\.(\d{1,19})$/;
const earlierPattern = /^v1\./;
const orderPrefix = `${idPrefixes.order}_`;

/** An EventCursor: opaque for clients, and recognizably one of this log and of what it is a place in. */
export function encodeCursor(logId: string, scope: CursorScope, { epoch, xid, pos }: LogPosition): string {
  const scopeName = scope === 'merchant' ? scope : scope.orderId.slice(orderPrefix.length);
  return Buffer.from(`v2.${logId}.${scopeName}.${epoch}.${xid}.${pos}`).toString('base64url');
}

/**
 * The position of a cursor that is to be read on from in `scope`. The merchant's cursors are places in every order's events, too.
 * @throws {CursorError} when the text is no cursor, or one of another log, or of another scope.
 */
export function decodeCursor(logId: string, scope: CursorScope, cursor: string): LogPosition {
  const text = cursor.length > 250 ? '' : Buffer.from(cursor, 'base64url').toString('latin1');
  const match = pattern.exec(text);
  if (match === null) {
    throw new CursorError(
      earlierPattern.test(text)
        ? 'is a cursor of an earlier version, which does not say what it is a place in. Read again, and continue from there.'
        : 'is not a cursor that this API gave out.',
    );
  }
  const [, ofLog = '', scopeName = '', epoch = '', xid = '', pos = ''] = match;
  if (ofLog !== logId) throw new CursorError('is a cursor of another event log. Read again, and continue from there.');
  if (BigInt(xid) > posMax || BigInt(pos) > posMax) throw new CursorError('is not a cursor that this API gave out.');
  if (scopeName !== 'merchant') refuseOther(`${orderPrefix}${scopeName}`, scope);
  return { epoch: Number(epoch), xid: BigInt(xid), pos: BigInt(pos) };
}

function refuseOther(orderId: string, wanted: CursorScope): void {
  if (!isId('order', orderId)) throw new CursorError('is not a cursor that this API gave out.');
  if (wanted === 'merchant') {
    throw new CursorError(
      `is a cursor of the events of order ${orderId} alone. Here one of the merchant’s log is needed: an eventCursor of \`orders\`, or the cursor of an event of \`events\` or \`merchantEvents\`.`,
    );
  }
  if (wanted.orderId !== orderId) {
    throw new CursorError(`is a cursor of the events of order ${orderId}, not of order ${wanted.orderId}.`);
  }
}

/** What is wrong with a cursor; the entrance names the argument. */
export class CursorError extends Error {}
