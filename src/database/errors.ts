/**
 * The database cannot be opened. The message is a sentence for the operator that says what is wrong and what to do. It
 * never contains a password.
 */
export class DatabaseOpenError extends Error {}

/** The recommended delay before a retry. Most restarts, fail-overs and lock waits are over by then. */
const retryAfterMs = 1000;

/**
 * The database is temporarily busy or unreachable. A running transaction may or may not have committed: repeat it with
 * the same idempotency key. The error has no stack and no cause, because it is not a bug and thousands of them must not
 * fill the log.
 */
export class OverloadedError extends Error {
  /** The recommended delay before a retry, in milliseconds. */
  readonly retryAfterMs = retryAfterMs;
  /** The error of the database or its driver, in one line; null when the database was not asked. */
  readonly reason: string | null;
  /** False when the connection is lost. */
  readonly keepsConnection: boolean;

  constructor(message: string, reason: string | null = null, keepsConnection = false) {
    super(message);
    this.reason = reason;
    this.keepsConnection = keepsConnection;
    this.stack = `OverloadedError: ${message}`;
  }
}

/** SQLSTATEs of temporary conditions: a server that restarts, is full, or cancels long operations. */
const temporaryStates: ReadonlySet<string> = new Set([
  ...['57P01', '57P02', '57P03', '57P05'], // shut down by an administrator, crashed, starting, idle for too long
  ...['53200', '53300', '53400'], // out of memory, of connections, of a configured limit
  ...['57014', '55P03', '40001', '40P01'], // statement timeout, lock timeout, serialization failure, deadlock
  ...['25P03', '25P04'], // a transaction that was ended for idling or for taking too long
  '25006', // read-only: the server became a standby
]);
/** Error codes of connections that break or cannot be established. */
const temporaryCodes: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['EHOSTDOWN', 'ENETDOWN', 'EADDRNOTAVAIL', 'EAI_AGAIN', 'ENOTFOUND', 'ENOENT'], // ENOENT: the socket file during a restart of the server
]);
/** Messages of the driver's own errors, which have no code. */
const temporaryMessage =
  /^(timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client (has encountered a connection error|was closed)|Cannot use a pool after calling end)/;

/**
 * Codes of temporary Prisma errors: unreachable, timed out, closed, no connection in time, transaction not started,
 * conflict.
 */
const temporaryPrismaCodes: ReadonlySet<string> = new Set([
  'P1001',
  'P1002',
  'P1008',
  'P1017',
  'P2024',
  'P2028',
  'P2034',
]);

/** Maps a temporary error of the driver to an OverloadedError. Returns any other error unchanged. */
export function overloadedOr(error: Error): Error {
  if (error instanceof OverloadedError || !isTemporary(error)) return error;
  return overloadFrom(error);
}

/** Finds the OverloadedError in a chain of causes, also through Prisma; null when there is none. */
export function overloadIn(error: unknown): OverloadedError | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof OverloadedError) return at;
    if ('clientVersion' in at && temporaryPrismaCodes.has(codeOf(at))) {
      return overloadFrom(at);
    }
  }
  return null;
}

function overloadFrom(error: Error): OverloadedError {
  const reason = textOf(error);
  return new OverloadedError(`The database is busy or unavailable: ${reason}`, reason, keepsConnection(error));
}

/** True for an error that the server reported and that leaves the connection usable. */
export function keepsConnection(error: Error): boolean {
  if (error instanceof OverloadedError) return error.keepsConnection;
  return 'severity' in error && error.severity === 'ERROR';
}

function isTemporary(error: Error): boolean {
  // A host name with several addresses has one error for each address.
  if (error instanceof AggregateError) return error.errors.every((each) => each instanceof Error && isTemporary(each));
  const code = codeOf(error);
  // In class 08, a protocol violation of ours is an ERROR; a pooler that closes the connection reports FATAL.
  if (code.startsWith('08')) return !keepsConnection(error);
  return temporaryStates.has(code) || temporaryCodes.has(code) || temporaryMessage.test(error.message);
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
