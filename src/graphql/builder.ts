import SchemaBuilder from '@pothos/core';
import ComplexityPlugin from '@pothos/plugin-complexity';
import ErrorsPlugin from '@pothos/plugin-errors';
import PrismaPlugin from '@pothos/plugin-prisma';
import type PrismaTypes from '../../prisma/generated/pothos-types.ts';
import { getDatamodel } from '../../prisma/generated/pothos-types.ts';
import { accessPlugin } from './access.ts';
import type { GraphqlContext } from './context.ts';
import { operationLimits, operationTooComplex } from './document-limits.ts';

/** The estimated length of a list without a `first` argument. */
const listLengthEstimate = 3;

/** The only global. Every file in this folder adds its types to it. */
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
  plugins: [ErrorsPlugin, accessPlugin, ComplexityPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  errors: { defaultTypes: [], directResult: true },
  complexity: {
    defaultListMultiplier: listLengthEstimate,
    limit: ({ isMeasured }) => (isMeasured ? {} : operationLimits),
    complexityError: (kind) => operationTooComplex(kind.toLowerCase()),
  },
  prisma: {
    client: (context) => context.commands.db.prisma,
    dmmf: getDatamodel(),
    onUnusedQuery: null,
  },
});

builder.queryType({
  description: 'Read operations. Every query returns only data of the merchant that the bearer token belongs to.',
});
builder.mutationType({
  description:
    'Write operations. Each returns a union: the changed object, or one of the error types that the union lists. Select ' +
    '`... on Error { code message }` to cover all of them. Mutations that move money take an `idempotencyKey`; repeat them with the ' +
    'same key until you get a result.',
});
builder.subscriptionType({
  description:
    'Live events, over WebSocket (graphql-transport-ws) and Server-Sent Events, both on `/graphql`. Store the `cursor` of the last event ' +
    'that you processed and pass it as `after` when you reconnect: you get every later event once, in order.',
});
