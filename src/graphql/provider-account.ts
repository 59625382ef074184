import { definitionOf } from '../accounts/account-settings.ts';
import { addProviderAccount } from '../commands/add-provider-account.ts';
import { disableProviderAccount } from '../commands/disable-provider-account.ts';
import { findOwnAccount } from '../commands/own-keys.ts';
import type { GivenVariables } from '../commands/provider-account-input.ts';
import { type AccountTest, testProviderAccount } from '../commands/test-provider-account.ts';
import { updateProviderAccount } from '../commands/update-provider-account.ts';
import { ForbiddenError, InvalidInputError, NotFoundError, ProviderUnavailableError } from '../domain/errors.ts';
import { webhookUrlOf } from '../providers/webhook-url.ts';
import { listProviderAccounts, type StoredAccount } from '../store/provider-account-store.ts';
import { builder } from './builder.ts';
import { actorOf, type GraphqlContext } from './context.ts';

const ProviderAccount = builder.objectRef<StoredAccount>('ProviderAccount').implement({
  description: 'An account of the merchant at a provider. Its secrets are stored encrypted and never shown.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'The id, `pac_…`.' }),
    provider: t.exposeString('provider', { description: 'The provider: `STRIPE`, `ALIPAY` or `WECHATPAY`.' }),
    account: t.exposeString('account', { description: 'The provider’s name of the account.' }),
    webhookUrl: t.string({
      description: 'The URL to register at the provider for its callbacks.',
      resolve: ({ provider, id }, _args, { administration }) => webhookUrlOf(administration.publicUrl, provider, id),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'The time of creation.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'The time of the last change.' }),
    disabledAt: t.expose('disabledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Since then no payment starts at the account; null while payments may start.',
    }),
  }),
});

const ProviderAccountTest = builder.objectRef<AccountTest>('ProviderAccountTest').implement({
  description: 'The result of a harmless request to the provider.',
  fields: (t) => ({
    account: t.field({ type: ProviderAccount, description: 'The account.', resolve: ({ account }) => account }),
    problem: t.exposeString('problem', {
      nullable: true,
      description: 'What is wrong, as a sentence; null when the provider accepts the key.',
    }),
  }),
});

const ProviderVariableInput = builder.inputType('ProviderVariableInput', {
  description: 'One variable of a provider account, as in the environment of the server.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'The name, such as `STRIPE_SECRET_KEY`.' }),
    value: t.string({ required: true, description: 'The value. Secrets are stored encrypted.' }),
  }),
});

builder.queryField('providerAccounts', (t) =>
  t.field({
    type: [ProviderAccount],
    nullable: true,
    description:
      'The merchant’s stored provider accounts, oldest first. Those of the server’s environment are not among them.',
    resolve: async (_root, _args, context) => [
      ...(await listProviderAccounts(context.commands.db.pool, actorOf(context).merchantId)),
    ],
  }),
);

const variablesArg = 'All variables of the account, each once. The provider’s API URL cannot be set here.';

builder.mutationField('addProviderAccount', (t) =>
  t.field({
    type: ProviderAccount,
    nullable: true,
    description: 'Stores an account at a provider. Every node uses it within a second.',
    args: {
      provider: t.arg.string({ required: true, description: 'The provider: `STRIPE`, `ALIPAY` or `WECHATPAY`.' }),
      variables: t.arg({ type: [ProviderVariableInput], required: true, description: variablesArg }),
    },
    errors: {
      types: [InvalidInputError, ProviderUnavailableError, ForbiddenError],
      union: { name: 'AddProviderAccountResult', description: 'The account, or an error.' },
    },
    resolve: async (_root, { provider, variables }, context) => {
      const { merchantId } = actorOf(context);
      const wanted = { merchantId, provider, variables: givenVariables(provider, variables), allowsTest: false };
      return (await addProviderAccount(partsOf(context), wanted)).account;
    },
  }),
);

builder.mutationField('updateProviderAccount', (t) =>
  t.field({
    type: ProviderAccount,
    nullable: true,
    description:
      'Replaces all variables of an account, such as after a key was rolled, and enables it if it was disabled.',
    args: {
      id: t.arg.id({ required: true, description: 'The id of the account, `pac_…`.' }),
      variables: t.arg({ type: [ProviderVariableInput], required: true, description: variablesArg }),
    },
    errors: {
      types: [InvalidInputError, NotFoundError, ProviderUnavailableError, ForbiddenError],
      union: { name: 'UpdateProviderAccountResult', description: 'The account, or an error.' },
    },
    resolve: async (_root, { id, variables }, context) => {
      const { provider } = await findOwnAccount(context.commands, actorOf(context), id);
      const change = { variables: givenVariables(provider, variables), allowsTest: false };
      return (await updateProviderAccount(partsOf(context), id, change)).account;
    },
  }),
);

builder.mutationField('disableProviderAccount', (t) =>
  t.field({
    type: ProviderAccount,
    nullable: true,
    description:
      'Disables an account: no payment starts there any more. Its payments go on: callbacks, queries, captures and refunds. Can be repeated ' +
      'safely.',
    args: { id: t.arg.id({ required: true, description: 'The id of the account, `pac_…`.' }) },
    errors: {
      types: [NotFoundError, ForbiddenError],
      union: { name: 'DisableProviderAccountResult', description: 'The account, or an error.' },
    },
    resolve: async (_root, { id }, context) => {
      await findOwnAccount(context.commands, actorOf(context), id);
      return disableProviderAccount(context.commands, id);
    },
  }),
);

builder.mutationField('testProviderAccount', (t) =>
  t.field({
    type: ProviderAccountTest,
    nullable: true,
    description: 'Queries the provider for a payment that does not exist: shows whether it accepts the account’s key.',
    args: { id: t.arg.id({ required: true, description: 'The id of the account, `pac_…`.' }) },
    errors: {
      types: [NotFoundError, ForbiddenError],
      union: { name: 'TestProviderAccountResult', description: 'The result, or an error.' },
    },
    resolve: async (_root, { id }, context) => {
      await findOwnAccount(context.commands, actorOf(context), id);
      return testProviderAccount({ ...partsOf(context), publicUrl: context.administration.publicUrl }, id);
    },
  }),
);

function partsOf({ commands, administration }: GraphqlContext) {
  const { db, clock, log } = commands;
  return { db, clock, log, ...administration };
}

/** The server sends requests to some addresses, and its pages embed others, so a merchant must not choose them. */
function givenVariables(
  provider: string,
  variables: readonly { readonly name: string; readonly value: string }[],
): GivenVariables {
  const names = variables.map(({ name }) => name);
  const operators = operatorVariablesOf(provider);
  const violations = [
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${name} is given twice.`),
    ...names
      .filter((name) => operators.includes(name))
      .map((name) => `${name} can only be set by the operator of the server.`),
  ];
  return { names, values: Object.fromEntries(variables.map(({ name, value }) => [name, value])), violations };
}

function operatorVariablesOf(provider: string): readonly string[] {
  try {
    return definitionOf(provider).operatorVariables;
  } catch {
    return []; // the command says which providers there are
  }
}
