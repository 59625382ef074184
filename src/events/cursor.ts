/**
 * A place in the log. `epoch` counts the database clusters that the log has lived on, for transaction ids start anew on each;
 * within one, events stand in the order of (xid, pos).
 */
export type LogPosition = { readonly epoch: number; readonly xid: bigint; readonly pos: bigint };

/** After every event of its transaction. */
export const posMax = 9_223_372_036_854_775_807n;

const pattern = /^v1\.([0-9a-z]{1,32})\.(\d{1,9})\.(\d{1,19})\.(\d{1,19})$/;

/** An EventCursor: opaque for clients, and recognizably one of this log. */
export function encodeCursor(logId: string, { epoch, xid, pos }: LogPosition): string {
  return Buffer.from(`v1.${logId}.${epoch}.${xid}.${pos}`).toString('base64url');
}

/** @throws {CursorError} when the text is no cursor, or one of another log. */
export function decodeCursor(logId: string, cursor: string): LogPosition {
  const match = cursor.length > 200 ? null : pattern.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  if (match === null) throw new CursorError('is not a cursor that this API gave out.');
  const [, ofLog = '', epoch = '', xid = '', pos = ''] = match;
  if (ofLog !== logId) throw new CursorError('is a cursor of another event log. Read anew, and go on from there.');
  if (BigInt(xid) > posMax || BigInt(pos) > posMax) throw new CursorError('is not a cursor that this API gave out.');
  return { epoch: Number(epoch), xid: BigInt(xid), pos: BigInt(pos) };
}

/** What is wrong with a cursor; the entrance names the argument. */
export class CursorError extends Error {}
