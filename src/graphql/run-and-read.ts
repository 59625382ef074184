import type { Actor } from '../commands/actor.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { type ReadOrder, readOrderOf } from '../store/order-reader.ts';
import { actorOf, type GraphqlContext } from './context.ts';

type Run = (commands: CommandContext, actor: Actor) => Promise<string>;

/**
 * Resolves a mutation: runs the command as the caller, then reads the object whose id the command returns. `read` must have the caller's
 * merchant in its condition, so that an object of another merchant is never returned.
 *
 * @throws {GraphQLError} UNAUTHENTICATED without a valid token; otherwise the errors of the command.
 */
export async function runAndRead<Row>(
  context: GraphqlContext,
  run: Run,
  read: (id: string, merchantId: string) => Promise<Row>,
): Promise<Row> {
  const actor = actorOf(context);
  return read(await run(context.commands, actor), actor.merchantId);
}

/**
 * As `runAndRead`, for a command that changes an order: the answer is what the command has written, without another read. Reads the object
 * when the command has written nothing.
 *
 * @param find finds the object in the order that was written.
 */
export async function runAndAnswer<Row extends { readonly id: string }>(
  context: GraphqlContext,
  run: Run,
  find: (order: ReadOrder) => readonly Row[] | undefined,
  read: (id: string) => Promise<Row>,
): Promise<Row> {
  let written = null as ReadOrder | null;
  const commands: CommandContext = {
    ...context.commands,
    onCommitted: (order) => {
      const { version } = order.change.order;
      if (written === null || version >= written.version) written = readOrderOf(order);
    },
  };
  const id = await run(commands, actorOf(context));
  const rows = written === null ? undefined : find(written);
  return rows?.find((row) => row.id === id) ?? read(id);
}
