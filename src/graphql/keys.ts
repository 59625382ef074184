import { createApiKey } from '../commands/create-api-key.ts';
import { createSigningKey } from '../commands/create-signing-key.ts';
import { requireOwnApiKey, requireOwnSigningKey } from '../commands/own-keys.ts';
import { revokeApiKey } from '../commands/revoke-api-key.ts';
import { revokeSigningKey } from '../commands/revoke-signing-key.ts';
import type { ApiKey } from '../domain/api-key.ts';
import { ForbiddenError, InvalidInputError, NotFoundError } from '../domain/errors.ts';
import type { SigningKey } from '../domain/signing-key.ts';
import { listApiKeys } from '../store/api-key-store.ts';
import { listSigningKeys } from '../store/signing-key-store.ts';
import { builder } from './builder.ts';
import { actorOf } from './context.ts';

const ApiKeyType = builder.objectRef<ApiKey>('ApiKey').implement({
  description: 'A bearer token of a merchant’s server. The token itself is shown once, by `createApiKey`.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'The id, `key_…`. Events name it as their actor.' }),
    name: t.exposeString('name', { description: 'The name for people.' }),
    hint: t.exposeString('hint', { description: 'The prefix and the last four characters of the token.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'The time of creation.' }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'The last use, to the minute; null when it was never used.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'The time of the revocation; null while the key is active.',
    }),
  }),
});

const SigningKeyType = builder.objectRef<SigningKey>('SigningKey').implement({
  description: 'What the tokens of operators, viewers and customers are signed with.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'The id, `jwk_…`: the `kid` of the tokens.' }),
    jwksUrl: t.exposeString('jwksUrl', {
      nullable: true,
      description: 'The URL of the JSON Web Key Set; null for an HS256 secret. Set by the operator of the server.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'The time of creation.' }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'The time of the revocation; null while the key is active.',
    }),
  }),
});

builder.queryField('apiKeys', (t) =>
  t.field({
    type: [ApiKeyType],
    nullable: true,
    description: 'The merchant’s API keys, oldest first, with those that are revoked.',
    resolve: async (_root, _args, context) => [
      ...(await listApiKeys(context.commands.db.pool, actorOf(context).merchantId)),
    ],
  }),
);

builder.queryField('signingKeys', (t) =>
  t.field({
    type: [SigningKeyType],
    nullable: true,
    description: 'The merchant’s signing keys, oldest first, with those that are revoked.',
    resolve: async (_root, _args, context) => [
      ...(await listSigningKeys(context.commands.db.pool, actorOf(context).merchantId)),
    ],
  }),
);

type CreatedKey<Key, Shown extends string> = { readonly key: Key } & { readonly [name in Shown]: string };

const CreatedApiKey = builder.objectRef<CreatedKey<ApiKey, 'token'>>('CreatedApiKey').implement({
  description: 'A new API key.',
  fields: (t) => ({
    apiKey: t.field({ type: ApiKeyType, description: 'The key.', resolve: ({ key }) => key }),
    token: t.exposeString('token', { description: 'The bearer token. It is shown this once and is not stored.' }),
  }),
});

const CreatedSigningKey = builder.objectRef<CreatedKey<SigningKey, 'secret'>>('CreatedSigningKey').implement({
  description: 'A new signing key.',
  fields: (t) => ({
    signingKey: t.field({ type: SigningKeyType, description: 'The key.', resolve: ({ key }) => key }),
    secret: t.exposeString('secret', { description: 'The HS256 secret. It is shown this once.' }),
  }),
});

builder.mutationField('createApiKey', (t) =>
  t.field({
    type: CreatedApiKey,
    nullable: true,
    description: 'Creates an API key for a server of the merchant.',
    args: { name: t.arg.string({ required: true, description: 'A name for people, 1 to 64 characters.' }) },
    errors: {
      types: [InvalidInputError, ForbiddenError],
      union: { name: 'CreateApiKeyResult', description: 'The key with its token, or an error.' },
    },
    resolve: (_root, { name }, context) => {
      const { merchantId } = actorOf(context);
      return createApiKey(
        context.commands,
        { merchantId, name },
        context.administration.isProduction ? 'live' : 'test',
      );
    },
  }),
);

builder.mutationField('revokeApiKey', (t) =>
  t.field({
    type: ApiKeyType,
    nullable: true,
    description:
      'Revokes an API key for good: every node refuses it at once, and its subscriptions end within a second. Can be repeated safely. A key ' +
      'can revoke itself.',
    args: { id: t.arg.id({ required: true, description: 'The id of the key, `key_…`.' }) },
    errors: {
      types: [NotFoundError, ForbiddenError],
      union: { name: 'RevokeApiKeyResult', description: 'The key, or an error.' },
    },
    resolve: async (_root, { id }, context) => {
      await requireOwnApiKey(context.commands, actorOf(context), id);
      return revokeApiKey(context.commands, id);
    },
  }),
);

builder.mutationField('createSigningKey', (t) =>
  t.field({
    type: CreatedSigningKey,
    nullable: true,
    description:
      'Creates an HS256 secret. The merchant’s login service signs JWTs with it, with these claims: `aud` (the merchant’s id), `sub` (the ' +
      'person’s id; for a customer the `customerId` of orders), `role` (OPERATOR, VIEWER or CUSTOMER) and `exp`. The operator of the server ' +
      'can also register a JWKS URL.',
    errors: {
      types: [InvalidInputError, ForbiddenError],
      union: { name: 'CreateSigningKeyResult', description: 'The key with its secret, or an error.' },
    },
    resolve: async (_root, _args, context) => {
      const { merchantId } = actorOf(context);
      const { key, secret } = await createSigningKey(
        { ...context.commands, ...context.administration },
        { merchantId },
      );
      if (secret === null) throw new Error('A key without a JWKS URL has no secret. This is a bug.');
      return { key, secret: secret.reveal() };
    },
  }),
);

builder.mutationField('revokeSigningKey', (t) =>
  t.field({
    type: SigningKeyType,
    nullable: true,
    description:
      'Revokes a signing key for good: the tokens that it signed are refused at once, and their subscriptions end within a second. Can be ' +
      'repeated safely.',
    args: { id: t.arg.id({ required: true, description: 'The id of the key, `jwk_…`.' }) },
    errors: {
      types: [NotFoundError, ForbiddenError],
      union: { name: 'RevokeSigningKeyResult', description: 'The key, or an error.' },
    },
    resolve: async (_root, { id }, context) => {
      await requireOwnSigningKey(context.commands, actorOf(context), id);
      return revokeSigningKey(context.commands, id);
    },
  }),
);
