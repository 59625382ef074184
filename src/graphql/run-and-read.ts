import type { Actor } from '../commands/actor.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { actorOf, type GraphqlContext } from './context.ts';

type Prisma = CommandContext['db']['prisma'];

/**
 * Resolves a mutation: runs the command as the caller, then reads the row whose id the command returns.
 * `read` gets the id together with the caller's merchant id, so that a row of another merchant is never returned.
 *
 * @throws {GraphQLError} UNAUTHENTICATED without a valid token; otherwise the errors of the command.
 */
export async function runAndRead<Row>(
  context: GraphqlContext,
  run: (commands: CommandContext, actor: Actor) => Promise<string>,
  read: (prisma: Prisma, where: { readonly id: string; readonly merchantId: string }) => Promise<Row>,
): Promise<Row> {
  const actor = actorOf(context);
  const id = await run(context.commands, actor);
  return read(context.commands.db.prisma, { id, merchantId: actor.merchantId });
}
