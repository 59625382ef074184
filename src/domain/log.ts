/** Where operators read. Shaped as pino's, so that a pino logger is one. */
export type Log = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Whether lines of this level are written at all; a log without it writes all of them. */
  isLevelEnabled?(level: 'info'): boolean;
};

/** Asked before a line at `info` is put together, so that it costs nothing where nobody reads it. */
export function isInfoLogged(log: Log): boolean {
  return log.isLevelEnabled?.('info') ?? true;
}
