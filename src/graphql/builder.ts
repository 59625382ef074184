import SchemaBuilder from '@pothos/core';
import ComplexityPlugin from '@pothos/plugin-complexity';
import ErrorsPlugin from '@pothos/plugin-errors';
import PrismaPlugin from '@pothos/plugin-prisma';
import { GraphQLError } from 'graphql';
import type PrismaTypes from '../../prisma/generated/pothos-types.ts';
import { getDatamodel } from '../../prisma/generated/pothos-types.ts';
import type { GraphqlContext } from './context.ts';

/** How deep an operation may go, and how many fields it may name, so that one request cannot occupy a node. */
const queryDepthMax = 16;
const queryBreadthMax = 400;
/** Fields times the rows they may come for; a page of 100 orders with all that hangs on them costs a third of it. */
const queryComplexityMax = 100_000;
const rowsOfAList = 3;

/** The one global of the house: every file of this room adds its types to it. */
export const builder = new SchemaBuilder<{
  Context: GraphqlContext;
  PrismaTypes: PrismaTypes;
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    MinorUnits: { Input: bigint; Output: bigint };
    CurrencyCode: { Input: string; Output: string };
    Metadata: { Input: Record<string, string>; Output: unknown };
    EventCursor: { Input: string; Output: string };
  };
}>({
  plugins: [ErrorsPlugin, ComplexityPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  errors: { defaultTypes: [], directResult: true },
  complexity: {
    defaultListMultiplier: rowsOfAList,
    limit: { depth: queryDepthMax, breadth: queryBreadthMax, complexity: queryComplexityMax },
    complexityError: (kind) =>
      new GraphQLError(
        `The operation is too large: at most ${queryDepthMax} fields deep, ${queryBreadthMax} fields in all, and ${queryComplexityMax} of fields times rows (${kind}).`,
        { extensions: { code: 'QUERY_TOO_COMPLEX' } },
      ),
  },
  prisma: {
    client: (context) => context.commands.db.prisma,
    dmmf: getDatamodel(),
    onUnusedQuery: null,
  },
});

builder.queryType({ description: 'Reading.' });
builder.mutationType({
  description:
    'Each takes one input and answers with what it changed, or with the error type that says why not. Money mutations take an ' +
    'idempotency key and may be repeated.',
});
builder.subscriptionType({
  description:
    'Live events, over WebSocket (graphql-transport-ws) and Server-Sent Events on the same path. Name the cursor you have and you ' +
    'get the rest: each event once, in order, no gap.',
});
