/** The operator's log. A pino logger has this type. */
export type Log = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** False when lines of this level are discarded. A log without this method writes all lines. */
  isLevelEnabled?(level: 'info'): boolean;
};

/** False when `info` lines are discarded. Check it first, so that a discarded line costs nothing. */
export function isInfoLogged(log: Log): boolean {
  return log.isLevelEnabled?.('info') ?? true;
}
