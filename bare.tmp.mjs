import { createServer } from 'node:http';
import { createYoga, createSchema } from 'graphql-yoga';
const order = { id: 'ord_1', number: 'A', status: 'OPEN', paymentStatus: 'UNPAID', total: { amountMinor: 2500, currency: 'EUR' }, captured: { amountMinor: 0 }, refunded: { amountMinor: 0 }, refundable: { amountMinor: 0 }, payments: [{ id: 'pay_1', status: 'PROCESSING' }], refunds: [] };
const yoga = createYoga({ logging: false, schema: createSchema({ typeDefs: `type Money { amountMinor: Int! currency: String } type Payment { id: ID! status: String! } type Refund { id: ID! status: String! } type Order { id: ID! number: String! status: String! paymentStatus: String! total: Money! captured: Money! refunded: Money! refundable: Money! payments: [Payment!]! refunds: [Refund!]! } type Query { order(id: ID!): Order }`, resolvers: { Query: { order: async () => order } } }) });
createServer(yoga).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
