import { overloadIn } from '../database/database.ts';
import { logOfPiece } from '../logging/request-log.ts';
import type { CommandContext } from '../provider-calls/context.ts';

/**
 * Runs one piece of a background round, with a log of its own. A failure does not affect other pieces: it is logged, and
 * the piece is due again after its lease.
 */
export async function runIsolated(
  given: CommandContext,
  names: object,
  work: (context: CommandContext) => Promise<unknown>,
): Promise<void> {
  const context = { ...given, log: logOfPiece(given.log) };
  try {
    await work(context);
  } catch (error) {
    context.log[overloadIn(error) === null ? 'error' : 'warn'](
      { err: error, ...names },
      'a background task failed and will be retried',
    );
  }
}
