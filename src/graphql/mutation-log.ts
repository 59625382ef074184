import { defaultFieldResolver, type GraphQLSchema } from 'graphql';
import { idsIn, logCommand } from '../logging/command-log.ts';
import { aboutOrder } from '../logging/request-log.ts';
import type { GraphqlContext } from './context.ts';

/**
 * Wraps the resolver of every mutation so that it logs one line under the id of its request, over HTTP and over a WebSocket. A new mutation
 * needs no logging of its own.
 */
export function logMutations(schema: GraphQLSchema): GraphQLSchema {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const { name, resolve = defaultFieldResolver } = field;
    field.resolve = (root: unknown, args: { readonly input?: unknown }, context: GraphqlContext, info) => {
      const { log } = context.commands;
      aboutOrder(log, null); // the mutations of one request are executed one after the other
      return logCommand(log, name, { ...callerOf(context), ...idsIn(args), ...idsIn(args.input) }, async () =>
        resolve(root, args, context, info),
      );
    };
  }
  return schema;
}

/** The role of the caller, with the API key or the subject of the token, so that an operator can list what a leaked key did. */
function callerOf({ actor }: GraphqlContext): {
  readonly role?: string;
  readonly keyId?: string;
  readonly subject?: string;
} {
  if (actor === null) return {};
  const { role, id } = actor;
  return role === 'MERCHANT' ? { role, keyId: id } : { role, subject: id };
}
