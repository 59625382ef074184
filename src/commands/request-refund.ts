import { ForbiddenError } from '../domain/errors.ts';
import type { Actor, CommandContext } from './context.ts';

/** Not built yet, and says so: nothing is written, nothing is sent. */
export async function requestRefund(_context: CommandContext, _actor: Actor, _input: unknown): Promise<string> {
  throw new ForbiddenError('Refunds are not available in this version. Nothing was done.');
}
