import { randomBytes } from 'node:crypto';
import type pg from 'pg';

export type LogState = {
  /** The id of this log. A restore keeps it, so that a cursor of another log is recognized. */
  readonly logId: string;
  /** Incremented when the log is opened on another database cluster, where transaction ids start anew. */
  readonly epoch: number;
  /** The cluster on which the log was last opened. */
  readonly systemIdentifier: string;
};

const logIdAlphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const logIdLength = 10;

export async function readLogState(queryable: pg.Pool | pg.ClientBase): Promise<LogState> {
  const { rows } = await queryable.query<LogState>(
    'SELECT log_id AS "logId", epoch, system_identifier AS "systemIdentifier" FROM log_state',
  );
  const [state] = rows;
  if (state === undefined) throw new Error('The log has no state: the database was not opened by openDatabase.');
  return state;
}

/**
 * Creates the log when there is none, and starts its next epoch when it has moved to another cluster. Changes nothing
 * otherwise.
 */
export async function claimLog(pool: pg.Pool, systemIdentifier: string): Promise<void> {
  await pool.query(
    `INSERT INTO log_state (log_id, epoch, system_identifier) VALUES ($1, 1, $2)
     ON CONFLICT (id) DO UPDATE
       SET epoch = log_state.epoch + 1, system_identifier = excluded.system_identifier
       WHERE log_state.system_identifier <> excluded.system_identifier`,
    [makeLogId(), systemIdentifier],
  );
}

function makeLogId(): string {
  return Array.from(randomBytes(logIdLength), (byte) => logIdAlphabet.charAt(byte & 31)).join('');
}
