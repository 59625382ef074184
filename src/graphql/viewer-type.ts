import { roles } from '../domain/actor.ts';
import type { Caller } from './authentication.ts';
import { builder } from './builder.ts';
import { actorOf } from './context.ts';
import { described } from './enums.ts';
import { loadMerchant, Merchant } from './merchant.ts';
import { loadOrder } from './order-loaders.ts';
import { Order } from './order-types.ts';

const Role = builder.enumType('Role', {
  description: 'What a caller may do.',
  values: described(roles, {
    MERCHANT: 'A server of the merchant: everything of its own.',
    OPERATOR: 'A person who works for the merchant: reads everything; refunds, captures, cancels and resolves reviews.',
    VIEWER: 'A person who works for the merchant and only reads.',
    CUSTOMER:
      'A customer of the merchant: orders from the catalogue; reads, pays, cancels and follows their own orders.',
    BUYER: 'A browser with the client token of one order: reads, pays, cancels and follows it.',
  }),
});

const tokenKinds = ['API_KEY', 'JWT', 'CLIENT_TOKEN'] as const;
type TokenKind = (typeof tokenKinds)[number];

const TokenKindType = builder.enumType('TokenKind', {
  description: 'The kind of a bearer token.',
  values: described(tokenKinds, {
    API_KEY: 'An API key of the merchant, or the development token.',
    JWT: 'A token that the merchant’s login service signed for a person.',
    CLIENT_TOKEN: 'The client token of an order.',
  }),
});

function kindOf({ role }: Pick<Caller, 'role'>): TokenKind {
  if (role === 'MERCHANT') return 'API_KEY';
  return role === 'BUYER' ? 'CLIENT_TOKEN' : 'JWT';
}

const ViewerType = builder.objectRef<Caller>('Viewer').implement({
  description: 'The caller, as the bearer token says.',
  fields: (t) => ({
    role: t.expose('role', { type: Role, description: 'What the caller may do.' }),
    kind: t.field({ type: TokenKindType, description: 'The kind of the caller’s token.', resolve: kindOf }),
    id: t.exposeID('id', {
      description:
        'The id of the API key (`development` for the development token), the subject of the JWT, or the id of the order of the client token. Events name the caller by it.',
    }),
    merchant: t.field({
      type: Merchant,
      description: 'The merchant that the token belongs to. Customers and buyers see its id, its name and its colour.',
      resolve: (_viewer, _args, context) => loadMerchant(context),
    }),
    order: t.field({
      type: Order,
      nullable: true,
      description: 'The order of a client token; null for other callers.',
      resolve: ({ orderId }, _args, context, info) => (orderId === null ? null : loadOrder(context, orderId, info)),
    }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerType,
    nullable: true,
    description: 'The caller: who the bearer token stands for.',
    resolve: (_root, _args, context) => actorOf(context),
  }),
);
