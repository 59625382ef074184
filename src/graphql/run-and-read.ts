import type { Actor } from '../commands/actor.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { actorOf, type GraphqlContext } from './context.ts';

/**
 * Resolves a mutation: runs the command as the caller, then reads the object whose id the command returns. `read` must have the caller's
 * merchant in its condition, so that an object of another merchant is never returned.
 *
 * @throws {GraphQLError} UNAUTHENTICATED without a valid token; otherwise the errors of the command.
 */
export async function runAndRead<Row>(
  context: GraphqlContext,
  run: (commands: CommandContext, actor: Actor) => Promise<string>,
  read: (id: string, merchantId: string) => Promise<Row>,
): Promise<Row> {
  const actor = actorOf(context);
  return read(await run(context.commands, actor), actor.merchantId);
}
