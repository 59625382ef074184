import { defaultFieldResolver, type GraphQLSchema } from 'graphql';
import { namesIn, told } from '../logging/command-log.ts';
import { traced } from '../logging/trace.ts';
import type { GraphqlContext } from './context.ts';

/** Has every mutation, over HTTP and over a socket, leave one line under the id of its request, the ones that are still to be written too. */
export function tellMutations(schema: GraphQLSchema): GraphQLSchema {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const { name, resolve = defaultFieldResolver } = field;
    field.resolve = (root: unknown, args: { readonly input?: unknown }, context: GraphqlContext, info) =>
      traced(context.requestId, () =>
        told(context.commands.log, name, { ...namesIn(args), ...namesIn(args.input) }, async () =>
          resolve(root, args, context, info),
        ),
      );
  }
  return schema;
}
