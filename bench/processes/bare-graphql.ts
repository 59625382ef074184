import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSchema, createYoga } from 'graphql-yoga';
import { serveCalls } from '../support/process-calls.ts';

/** GraphQL Yoga as its documentation starts it, with a schema whose resolvers return a constant. */
const order = {
  ...{ __typename: 'Order', id: `ord_${'0'.repeat(26)}`, number: 'b-1', status: 'OPEN', paymentStatus: 'UNPAID' },
  ...{ version: 1, total: { amountMinor: 2500, currency: 'EUR' } },
  ...{ createdAt: '2026-01-01T00:00:00.000Z', expiresAt: '2026-01-01T00:30:00.000Z' },
};
const schema = createSchema({
  typeDefs: `
    type Money { amountMinor: Int! currency: String! }
    type Order {
      id: ID! number: String! status: String! paymentStatus: String! version: Int! total: Money! createdAt: String! expiresAt: String!
    }
    interface Error { code: String! message: String! }
    type InvalidInputError implements Error { code: String! message: String! }
    union CreateOrderResult = Order | InvalidInputError
    input OrderLineInput { name: String quantity: Int! unitAmountMinor: Int }
    input CreateOrderInput { idempotencyKey: String! number: String currency: String! lines: [OrderLineInput!]! }
    type Query { order(id: ID!): Order }
    type Mutation { createOrder(input: CreateOrderInput!): CreateOrderResult }`,
  resolvers: { Query: { order: () => order }, Mutation: { createOrder: () => order } },
});
const server = createServer(createYoga({ schema, logging: false }));

const calls = {
  async listen(_input: object): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4096, resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
};
export type BareGraphqlCalls = typeof calls;
serveCalls(calls);
