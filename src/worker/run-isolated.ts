import { overloadIn } from '../database/database.ts';
import { tracedPiece } from '../logging/trace.ts';
import type { CommandContext } from '../provider-calls/context.ts';

/** Does one piece of a round. One that fails keeps no other waiting: it is logged, and its lease brings it back. */
export async function runIsolated({ log }: CommandContext, names: object, work: () => Promise<unknown>): Promise<void> {
  await tracedPiece(async () => {
    try {
      await work();
    } catch (error) {
      log[overloadIn(error) === null ? 'error' : 'warn'](
        { err: error, ...names },
        'a piece of background work failed and will be tried again',
      );
    }
  });
}
