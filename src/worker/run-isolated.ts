import { overloadIn } from '../database/database.ts';
import { tracedPiece } from '../logging/trace.ts';
import type { CommandContext } from '../provider-calls/context.ts';

/**
 * Runs one piece of a background round. A failure does not affect other pieces: it is logged, and the piece is due
 * again after its lease.
 */
export async function runIsolated({ log }: CommandContext, names: object, work: () => Promise<unknown>): Promise<void> {
  await tracedPiece(async () => {
    try {
      await work();
    } catch (error) {
      log[overloadIn(error) === null ? 'error' : 'warn'](
        { err: error, ...names },
        'a background task failed and will be retried',
      );
    }
  });
}
