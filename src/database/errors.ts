/**
 * The database cannot be opened as asked. The message is a sentence for whoever starts the process: it says what is wrong and what
 * to do, and never holds a password.
 */
export class DatabaseOpenError extends Error {}

/** When trying again makes sense: by then most restarts and fail-overs of a server are through, and most locks free. */
const retryAfterMs = 1000;

/**
 * The database is busy or cannot be reached at the moment. Whether a transaction that was under way has committed may be unknown: repeat
 * it with the same idempotency key. It has no stack and no cause, for it is no bug: a thousand callers at once must not fill the log.
 */
export class OverloadedError extends Error {
  /** In milliseconds from now. */
  readonly retryAfterMs = retryAfterMs;
  /** What the database or its driver has reported, in one line; null where we did not ask it. */
  readonly reason: string | null;
  /** False when the connection went with it. */
  readonly keepsConnection: boolean;

  constructor(message: string, reason: string | null = null, keepsConnection = false) {
    super(message);
    this.reason = reason;
    this.keepsConnection = keepsConnection;
    this.stack = `OverloadedError: ${message}`;
  }
}

/** SQLSTATEs of a server that is restarting, full, or ends what takes too long. All of them pass. */
const passingStates: ReadonlySet<string> = new Set([
  ...['57P01', '57P02', '57P03', '57P05'], // shut down by an administrator, crashed, starting, idle for too long
  ...['53200', '53300', '53400'], // out of memory, of connections, of a configured limit
  ...['57014', '55P03', '40001', '40P01'], // statement timeout, lock timeout, serialization failure, deadlock
  ...['25P03', '25P04'], // a transaction that was ended while it was idle, or for taking too long
  '25006', // read-only: the server became a standby
]);
/** Codes of a connection that breaks or does not come about. */
const passingCodes: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['EHOSTDOWN', 'ENETDOWN', 'EADDRNOTAVAIL', 'EAI_AGAIN', 'ENOTFOUND', 'ENOENT'], // the last: a socket file, between two lives of its server
]);
/** The driver's own errors have no code. */
const passingMessage =
  /^(timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client (has encountered a connection error|was closed)|Cannot use a pool after calling end)/;

/** Errors of Prisma's own making that pass: unreachable, timed out, closed, no connection in time, transaction not started, conflict. */
const passingPrismaCodes: ReadonlySet<string> = new Set([
  'P1001',
  'P1002',
  'P1008',
  'P1017',
  'P2024',
  'P2028',
  'P2034',
]);

/** What the database's driver has reported, as an OverloadedError where it will pass; else the error itself. */
export function overloadedOr(error: Error): Error {
  if (error instanceof OverloadedError || !isPassing(error)) return error;
  return overloadFrom(error);
}

/** The OverloadedError that an error is or was caused by, through Prisma too; null when it is another error. */
export function overloadIn(error: unknown): OverloadedError | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof OverloadedError) return at;
    if ('clientVersion' in at && passingPrismaCodes.has(codeOf(at))) {
      return overloadFrom(at);
    }
  }
  return null;
}

function overloadFrom(error: Error): OverloadedError {
  const reason = textOf(error);
  return new OverloadedError(`The database is busy or away: ${reason}`, reason, keepsConnection(error));
}

/** True for an error that the server has reported and that leaves the connection as good as it was. */
export function keepsConnection(error: Error): boolean {
  if (error instanceof OverloadedError) return error.keepsConnection;
  return 'severity' in error && error.severity === 'ERROR';
}

function isPassing(error: Error): boolean {
  // A name with several addresses fails once for each.
  if (error instanceof AggregateError) return error.errors.every((each) => each instanceof Error && isPassing(each));
  const code = codeOf(error);
  // Of class 08, our own breach of the protocol would be an ERROR; a pooler that hangs up says FATAL.
  if (code.startsWith('08')) return !keepsConnection(error);
  return passingStates.has(code) || passingCodes.has(code) || passingMessage.test(error.message);
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function textOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map(String).join('; ');
  const code = codeOf(error);
  const [line = ''] = error.message.trim().split('\n').slice(-1);
  return code === '' || line.includes(code) ? line : `${code} ${line}`;
}
