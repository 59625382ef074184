import SchemaBuilder from '@pothos/core';
import ErrorsPlugin from '@pothos/plugin-errors';
import PrismaPlugin from '@pothos/plugin-prisma';
import type PrismaTypes from '../../prisma/generated/pothos-types.ts';
import { getDatamodel } from '../../prisma/generated/pothos-types.ts';
import type { GraphqlContext } from './context.ts';

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
  plugins: [ErrorsPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  errors: { defaultTypes: [], directResult: true },
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
