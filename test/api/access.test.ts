import { randomUUID } from 'node:crypto';
import { type GraphQLArgument, type GraphQLType, getNamedType, isInputObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addProviderAccount } from '../../src/commands/add-provider-account.ts';
import { type Role, roles } from '../../src/domain/actor.ts';
import { type IdKind, newId } from '../../src/domain/ids.ts';
import { schema } from '../../src/graphql/schema.ts';
import { accountParts, addMerchant, stripeVariables, testMasterKeys } from '../support/merchants.ts';
import { createOrder, orderInput, paidOrder, readOrder, requestRefund } from '../support/orders.ts';
import { createMinter } from '../support/principals.ts';
import { wsClient } from '../support/subscriber.ts';
import { startTestApp, type TestApp, untilCallbacksCame, withToken } from '../support/test-app.ts';

/** The objects that a call can name. */
type Ids = Readonly<
  Record<
    | 'order'
    | 'payment'
    | 'refund'
    | 'event'
    | 'product'
    | 'merchant'
    | 'apiKey'
    | 'signingKey'
    | 'account'
    | 'delivery'
    | 'webhookEndpoint',
    string
  >
> & {
  readonly number: string;
  /** A cursor before the last event of the order, and one before the last event of the merchant. */
  readonly orderCursor: string;
  readonly merchantCursor: string;
};

type Line = {
  /** Who may use the field. Everyone else is FORBIDDEN. */
  readonly roles: readonly Role[];
  /** The arguments and the selection, about the given objects. */
  readonly call: (ids: Ids, key: string) => string;
  /** The kinds of objects that the arguments name. A foreign one gets the same answer as one that does not exist. */
  readonly names?: readonly (keyof Ids)[];
};

const all: readonly Role[] = roles;
const staff: readonly Role[] = ['MERCHANT', 'OPERATOR', 'VIEWER'];
const deciders: readonly Role[] = ['MERCHANT', 'OPERATOR'];
const cancelers: readonly Role[] = ['MERCHANT', 'OPERATOR', 'CUSTOMER', 'BUYER'];
const union = '{ __typename ... on Error { code message } ... on Node { id } }';
const q = JSON.stringify;

/** A line for every root field. Written apart from the table that the product decides by. */
const table: Readonly<Record<string, Line>> = {
  'Query.order': { roles: all, names: ['order'], call: ({ order }) => `(id: ${q(order)}) { id number clientToken }` },
  'Query.orderByNumber': {
    roles: [...staff, 'CUSTOMER'],
    names: ['number'],
    call: ({ number }) => `(number: ${q(number)}) { id }`,
  },
  'Query.orders': { roles: [...staff, 'CUSTOMER'], call: () => '(first: 1) { pageInfo { hasNextPage } }' },
  'Query.node': {
    roles: all,
    names: ['order', 'payment', 'refund', 'event', 'delivery'],
    call: ({ order, payment, refund, event, delivery }) =>
      `(id: ${q([order, payment, refund, event, delivery].find((id) => id !== '') ?? '')}) { __typename id }`,
  },
  'Query.paymentMethods': {
    roles: all,
    names: ['order'],
    call: ({ order }) => `(orderId: ${q(order)}) { method }`,
  },
  'Query.viewer': { roles: all, call: () => '{ role kind id merchant { id name brandColor } }' },
  'Query.payments': { roles: staff, call: () => '(first: 1) { totalCount { value } nodes { status } }' },
  'Query.refunds': { roles: staff, call: () => '(first: 1) { totalCount { value } nodes { status } }' },
  'Query.deliveries': {
    roles: deciders,
    names: ['payment'],
    call: ({ payment }) =>
      `(first: 1, filter: { paymentId: ${payment === '' ? null : q(payment)} }) { totalCount { value } nodes { verdict } }`,
  },
  'Query.salesSummary': {
    roles: staff,
    call: () =>
      '(from: "2026-01-01T00:00:00Z", before: "2027-01-01T00:00:00Z", interval: TOTAL) { asOf rows { started } }',
  },
  'Query.events': { roles: staff, call: () => '(first: 1) { nodes { type } }' },
  'Query.merchant': { roles: staff, call: () => '{ id name }' },
  'Query.products': { roles: [...staff, 'CUSTOMER'], call: () => '(first: 5) { nodes { sku active } }' },
  'Query.apiKeys': { roles: ['MERCHANT'], call: () => '{ name }' },
  'Query.signingKeys': { roles: ['MERCHANT'], call: () => '{ jwksUrl }' },
  'Query.providerAccounts': { roles: ['MERCHANT'], call: () => '{ provider }' },
  'Query.webhookEndpoints': { roles: staff, call: () => '{ url eventTypes pendingCount failedCount }' },
  'Query.webhookEndpoint': {
    roles: staff,
    names: ['webhookEndpoint'],
    call: ({ webhookEndpoint }) => `(id: ${q(webhookEndpoint)}) { url }`,
  },
  'Query.webhookMessages': {
    roles: staff,
    names: ['webhookEndpoint'],
    call: ({ webhookEndpoint }) => `(endpointId: ${q(webhookEndpoint)}) { nodes { eventId } }`,
  },
  'Mutation.createWebhookEndpoint': {
    roles: ['MERCHANT'],
    call: () => '(input: { url: "https://10.0.0.1/" }) { __typename ... on Error { code message } }',
  },
  'Mutation.updateWebhookEndpoint': {
    roles: ['MERCHANT'],
    names: ['webhookEndpoint'],
    call: ({ webhookEndpoint }) =>
      `(input: { id: ${q(webhookEndpoint)}, ordered: true }) { __typename ... on Error { code message } }`,
  },
  'Mutation.rotateWebhookSecret': {
    roles: ['MERCHANT'],
    names: ['webhookEndpoint'],
    call: ({ webhookEndpoint }) => `(id: ${q(webhookEndpoint)}) { __typename ... on Error { code message } }`,
  },
  'Mutation.pauseWebhookEndpoint': {
    roles: ['MERCHANT'],
    names: ['webhookEndpoint'],
    call: ({ webhookEndpoint }) => `(id: ${q(webhookEndpoint)}) { __typename ... on Error { code message } }`,
  },
  'Mutation.resumeWebhookEndpoint': {
    roles: ['MERCHANT'],
    names: ['webhookEndpoint'],
    call: ({ webhookEndpoint }) => `(id: ${q(webhookEndpoint)}) { __typename ... on Error { code message } }`,
  },
  'Mutation.deleteWebhookEndpoint': {
    roles: ['MERCHANT'],
    names: ['webhookEndpoint'],
    call: ({ webhookEndpoint }) => `(id: ${q(webhookEndpoint)}) { __typename ... on Error { code message } }`,
  },
  'Mutation.resendWebhook': {
    roles: deciders,
    names: ['webhookEndpoint', 'event'],
    call: ({ webhookEndpoint, event }) =>
      `(endpointId: ${q(webhookEndpoint)}, eventId: ${q(event)}) { __typename ... on Error { code message } }`,
  },
  'Mutation.replayWebhooks': {
    roles: deciders,
    names: ['webhookEndpoint'],
    call: ({ webhookEndpoint }) =>
      `(input: { endpointId: ${q(webhookEndpoint)}, since: "2030-01-01T00:00:00Z" }) { __typename ... on Error { code message } }`,
  },
  'Mutation.createApiKey': {
    roles: ['MERCHANT'],
    call: () => '(name: "shop server") { __typename ... on Error { code } }',
  },
  'Mutation.revokeApiKey': {
    roles: ['MERCHANT'],
    names: ['apiKey'],
    call: ({ apiKey }) => `(id: ${q(apiKey)}) { __typename ... on Error { code message } }`,
  },
  'Mutation.createSigningKey': { roles: ['MERCHANT'], call: () => '{ __typename ... on Error { code } }' },
  'Mutation.revokeSigningKey': {
    roles: ['MERCHANT'],
    names: ['signingKey'],
    call: ({ signingKey }) => `(id: ${q(signingKey)}) { __typename ... on Error { code message } }`,
  },
  'Mutation.addProviderAccount': {
    roles: ['MERCHANT'],
    call: () => '(provider: "STRIPE", variables: []) { __typename ... on Error { code message } }',
  },
  'Mutation.updateProviderAccount': {
    roles: ['MERCHANT'],
    names: ['account'],
    call: ({ account }) => `(id: ${q(account)}, variables: []) { __typename ... on Error { code message } }`,
  },
  'Mutation.disableProviderAccount': {
    roles: ['MERCHANT'],
    names: ['account'],
    call: ({ account }) => `(id: ${q(account)}) { __typename ... on Error { code message } }`,
  },
  'Mutation.testProviderAccount': {
    roles: ['MERCHANT'],
    names: ['account'],
    call: ({ account }) =>
      `(id: ${q(account)}) { __typename ... on ProviderAccountTest { problem } ... on Error { code message } }`,
  },
  'Mutation.updateMerchant': { roles: ['MERCHANT'], call: () => `(name: "Shop") ${union}` },
  'Mutation.createOrder': {
    roles: ['MERCHANT', 'CUSTOMER'],
    call: (_ids, key) =>
      `(input: { idempotencyKey: ${q(key)}, currency: EUR, lines: [{ sku: "cup", quantity: 1 }] }) ${union}`,
  },
  'Mutation.payOrder': {
    roles: ['MERCHANT', 'CUSTOMER', 'BUYER'],
    names: ['order'],
    call: ({ order }, key) =>
      `(input: { idempotencyKey: ${q(key)}, orderId: ${q(order)}, method: CARD, flow: EMBEDDED }) ${union}`,
  },
  'Mutation.cancelOrder': {
    roles: cancelers,
    names: ['order'],
    call: ({ order }) => `(input: { orderId: ${q(order)} }) ${union}`,
  },
  'Mutation.cancelPayment': {
    roles: cancelers,
    names: ['payment'],
    call: ({ payment }) => `(input: { paymentId: ${q(payment)} }) ${union}`,
  },
  'Mutation.refreshPayment': {
    roles: cancelers,
    names: ['payment'],
    call: ({ payment }) => `(paymentId: ${q(payment)}) ${union}`,
  },
  'Mutation.capturePayment': {
    roles: deciders,
    names: ['payment'],
    call: ({ payment }, key) => `(input: { idempotencyKey: ${q(key)}, paymentId: ${q(payment)} }) ${union}`,
  },
  'Mutation.requestRefund': {
    roles: deciders,
    names: ['payment'],
    call: ({ payment }, key) =>
      `(input: { idempotencyKey: ${q(key)}, paymentId: ${q(payment)}, amountMinor: 999999 }) ${union}`,
  },
  'Mutation.replayDelivery': {
    roles: deciders,
    names: ['delivery'],
    call: ({ delivery }) =>
      `(input: { deliveryId: ${q(delivery)}, dryRun: false }) { __typename ... on DeliveryReplay { verdict } ... on Error { code message } }`,
  },
  'Mutation.approveRefund': {
    roles: deciders,
    names: ['refund'],
    call: ({ refund }) => `(refundId: ${q(refund)}) ${union}`,
  },
  'Mutation.rejectRefund': {
    roles: deciders,
    names: ['refund'],
    call: ({ refund }) => `(input: { refundId: ${q(refund)} }) ${union}`,
  },
  'Mutation.resolveReview': {
    roles: deciders,
    names: ['order'],
    call: ({ order }) => `(input: { orderId: ${q(order)}, reasons: [SURPLUS], note: "Checked." }) ${union}`,
  },
  'Mutation.setLatePaymentPolicy': { roles: ['MERCHANT'], call: () => `(policy: ACCEPT) ${union}` },
  'Mutation.setRefundLimits': { roles: ['MERCHANT'], call: () => `(limits: null) ${union}` },
  'Mutation.upsertProduct': {
    roles: ['MERCHANT'],
    call: () => `(input: { sku: "cup", name: "Cup", unitAmountMinor: 500, currency: EUR }) ${union}`,
  },
  'Subscription.orderEvents': {
    roles: all,
    names: ['order'],
    call: ({ order, orderCursor }) =>
      `(orderId: ${q(order)}, after: ${orderCursor === '' ? null : q(orderCursor)}) { type }`,
  },
  'Subscription.merchantEvents': {
    roles: staff,
    call: ({ merchantCursor }) => `(after: ${q(merchantCursor)}) { type }`,
  },
};

const rootFields = (['Query', 'Mutation', 'Subscription'] as const).flatMap((kind) => {
  const fields = schema.getType(kind);
  if (fields === undefined || !('getFields' in fields)) throw new Error(`The schema has no ${kind}.`);
  return Object.values(fields.getFields()).map((field) => ({ kind, field, name: `${kind}.${field.name}` }));
});

let app: TestApp;
let own: Ids;
/** Objects of the same merchant that belong to another customer, and of another merchant. */
let foreign: readonly Ids[];
let callers: ReadonlyMap<string, { readonly role: Role; readonly node: TestApp; readonly sees: 'own' | 'nothing' }>;

beforeAll(async () => {
  app = await startTestApp({ config: { masterKeys: testMasterKeys } });
  const { merchant } = await app.client.request<{ merchant: { id: string } }>('{ merchant { id } }');
  await app.client.request(
    'mutation { upsertProduct(input: { sku: "cup", name: "Cup", unitAmountMinor: 500, currency: EUR }) { __typename } }',
  );
  const other = (await addMerchant(app, 'Other')).at(app);
  own = await objectsOf(app, 'alice');
  const bobs = await objectsOf(app, 'bob');
  const others = await unpaidObjectsOf(other);
  const given = stripeVariables(app, 'sk_test_of_the_other');
  const variables = {
    ...given,
    values: { ...given.values, STRIPE_ACCOUNT: 'acct_1OtherShopsAccount' },
    names: [...given.names, 'STRIPE_ACCOUNT'],
  };
  const wanted = { merchantId: others.merchant, provider: 'stripe', variables, allowsTest: false };
  const { id: account } = (await addProviderAccount(accountParts(app), wanted)).account;
  foreign = [bobs, { ...others, account }];
  const mint = await createMinter(app, merchant.id);
  const tokenOf = async (order: string) => {
    const answer = await app.client.request<{ order: { clientToken: string } }>(
      `{ order(id: ${q(order)}) { clientToken } }`,
    );
    return answer.order.clientToken;
  };
  const as = (token: string) => withToken(app, token);
  callers = new Map([
    ['MERCHANT', { role: 'MERCHANT', node: app, sees: 'own' }],
    ['OPERATOR', { role: 'OPERATOR', node: as(await mint('OPERATOR', 'olga')), sees: 'own' }],
    ['VIEWER', { role: 'VIEWER', node: as(await mint('VIEWER', 'vera')), sees: 'own' }],
    ['CUSTOMER', { role: 'CUSTOMER', node: as(await mint('CUSTOMER', 'alice')), sees: 'own' }],
    ['BUYER', { role: 'BUYER', node: as(await tokenOf(own.order)), sees: 'own' }],
    ['another CUSTOMER', { role: 'CUSTOMER', node: as(await mint('CUSTOMER', 'bob')), sees: 'nothing' }],
    ['another BUYER', { role: 'BUYER', node: as(await tokenOf(bobs.order)), sees: 'nothing' }],
    ['another MERCHANT', { role: 'MERCHANT', node: other, sees: 'nothing' }],
  ]);
});
afterAll(() => app.close());

/** An order of a customer with a payment and a refund, and where its events are. */
async function objectsOf(node: TestApp, customerId: string): Promise<Ids> {
  const { orderId, payment } = await paidOrder(node, { customerId });
  const refund = await requestRefund(node, { paymentId: payment.id, amountMinor: 100 });
  if (refund.__typename !== 'Refund') throw new Error('The refund was refused.');
  return {
    ...(await readIds(node, orderId)),
    payment: payment.id,
    refund: refund.id,
    delivery: await deliveryOf(node, payment.id),
  };
}

async function unpaidObjectsOf(node: TestApp): Promise<Ids> {
  const { id } = await createOrder(node);
  await node.client.request(`mutation { cancelOrder(input: { orderId: ${q(id)} }) { __typename } }`);
  return { ...(await readIds(node, id)), payment: '', refund: '', delivery: '' };
}

async function readIds(node: TestApp, orderId: string): Promise<Omit<Ids, 'payment' | 'refund' | 'delivery'>> {
  const { order, merchant, events } = await node.client.request<{
    order: { number: string; events: { nodes: { id: string; cursor: string }[] } };
    merchant: { id: string };
    events: { nodes: { cursor: string }[] };
  }>(
    `{ order(id: ${q(orderId)}) { number events(first: 1) { nodes { id cursor } } } merchant { id } events(first: 1) { nodes { cursor } } }`,
  );
  const [event] = order.events.nodes;
  return {
    ...{
      order: orderId,
      number: order.number,
      merchant: merchant.id,
      product: '',
      event: event?.id ?? '',
      account: '',
    },
    ...(await keysOf(node)),
    ...{ orderCursor: event?.cursor ?? '', merchantCursor: events.nodes[0]?.cursor ?? '' },
  };
}

/** A callback about the payment. */
async function deliveryOf(node: TestApp, payment: string): Promise<string> {
  await untilCallbacksCame(node);
  const { deliveries } = await node.client.request<{ deliveries: { nodes: { id: string }[] } }>(
    `{ deliveries(filter: { paymentId: ${q(payment)} }) { nodes { id } } }`,
  );
  const [delivery] = deliveries.nodes;
  if (delivery === undefined) throw new Error(`No callback about ${payment} came.`);
  return delivery.id;
}

/** Keys that no test uses. */
async function keysOf({ client }: TestApp): Promise<Pick<Ids, 'apiKey' | 'signingKey' | 'webhookEndpoint'>> {
  const made = await client.request<{
    key: { apiKey: { id: string } };
    signing: { signingKey: { id: string } };
    hook: { endpoint: { id: string } };
  }>(
    `mutation { key: createApiKey(name: "unused") { ... on CreatedApiKey { apiKey { id } } }
      signing: createSigningKey { ... on CreatedSigningKey { signingKey { id } } }
      hook: createWebhookEndpoint(input: { url: "https://shop.example/hooks" }) { ... on WebhookEndpointSecret { endpoint { id } } } }`,
  );
  return {
    apiKey: made.key.apiKey.id,
    signingKey: made.signing.signingKey.id,
    webhookEndpoint: made.hook.endpoint.id,
  };
}

const documentOf = (kind: string, field: string, call: string) => `${kind.toLowerCase()} { answer: ${field}${call} }`;

/** Sends one operation and returns the first result as text. */
type Send = (node: TestApp, token: string | null, query: string) => Promise<string>;

const post =
  (accept: string): Send =>
  async (node, token, query) => {
    const response = await fetch(`${node.app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept, ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ query }),
    });
    if (accept === 'application/json') return response.text();
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      const [, result] = /^data: (\{.*\})$/m.exec(text) ?? [];
      if (result === undefined) continue;
      return result;
    }
    return text;
  };

const overWebSocket: Send = async (node, token, query) => {
  const client = wsClient(node, token);
  try {
    for await (const result of client.iterate({ query })) return JSON.stringify(result);
    return '';
  } catch (error) {
    return JSON.stringify({ errors: error });
  } finally {
    await client.dispose();
  }
};

const transports: Readonly<Record<string, Send>> = {
  HTTP: post('application/json'),
  SSE: post('text/event-stream'),
  WebSocket: overWebSocket,
};

type Answer = {
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
  readonly data?: { readonly answer: { readonly code?: string } | null } | null;
};

function codeOf(text: string): string {
  const { errors, data }: Answer = JSON.parse(text);
  return errors?.[0]?.extensions?.code ?? data?.answer?.code ?? 'OK';
}

/** Codes that only a fault of the product, or a closed door, gives. */
const wrong = ['UNAUTHENTICATED', 'FORBIDDEN', 'INTERNAL', 'OVERLOADED'];

test('the table has a line for every root field, and a kind of object for every field that takes an id', () => {
  expect(rootFields.map(({ name }) => name).sort()).toEqual(Object.keys(table).sort());
  for (const { name, field } of rootFields) {
    const takesId = field.args.some((argument: GraphQLArgument) => hasId(argument.type));
    expect(takesId, name).toBe((table[name]?.names ?? []).some((kind) => kind !== 'number'));
  }
});

function hasId(type: GraphQLType): boolean {
  const named = getNamedType(type);
  if (isInputObjectType(named)) return Object.values(named.getFields()).some((field) => hasId(field.type));
  return named.name === 'ID';
}

describe.each(Object.entries(transports))('over %s', (transport, send) => {
  // A subscription needs a stream.
  const fields = rootFields.filter(({ kind }) => kind !== 'Subscription' || transport !== 'HTTP');

  test.each(fields)('$name', async ({ kind, field, name }) => {
    const line = table[name];
    if (line === undefined) throw new Error(`${name} has no line in the table.`);
    const ask = (node: TestApp, token: string | null, ids: Ids) =>
      send(node, token, documentOf(kind, field.name, line.call(ids, randomUUID())));

    expect(codeOf(await ask(app, null, own))).toBe('UNAUTHENTICATED');
    for (const [caller, { role, node, sees }] of callers) {
      const where = `${name} as ${caller}`;
      if (!line.roles.includes(role)) {
        expect(codeOf(await ask(node, node.token, own)), where).toBe('FORBIDDEN');
        continue;
      }
      if (sees === 'own') expect(wrong, where).not.toContain(codeOf(await ask(node, node.token, own)));
      for (const kindOfId of line.names ?? []) {
        const secrets =
          sees === 'nothing' ? [own] : role === 'CUSTOMER' || role === 'BUYER' ? foreign : foreign.slice(1);
        for (const secret of secrets) {
          if (secret[kindOfId] === '') continue;
          const hidden = onlyId(secret, kindOfId);
          const missing = onlyId({ ...secret, [kindOfId]: missingId(kindOfId) }, kindOfId);
          const [said, expected] = [await ask(node, node.token, hidden), await ask(node, node.token, missing)];
          expect(normal(said, hidden[kindOfId]), where).toBe(normal(expected, missing[kindOfId]));
          expect(['OK', 'NOT_FOUND', 'BAD_USER_INPUT'], where).toContain(codeOf(said));
          expect(said, where).not.toMatch(/"(type|number|method)":/);
        }
      }
    }
  });
});

/** All kinds but one are left out, so that `node` and others name this one. */
function onlyId(ids: Ids, kind: keyof Ids): Ids {
  const without = { order: '', payment: '', refund: '', event: '', product: '', merchant: '', orderCursor: '' };
  const keys = { apiKey: '', signingKey: '', account: '', delivery: '', webhookEndpoint: '' };
  return { ...ids, ...without, ...keys, [kind]: ids[kind] };
}

function missingId(kind: keyof Ids): string {
  if (kind === 'number') return '20000101-NOBODYSNUM';
  return newId(kind === 'account' ? 'providerAccount' : (kind as IdKind));
}

/** Without what differs in any two answers: the id that was asked for, and the time. */
function normal(text: string, id: string): string {
  return text.replaceAll(id, '<id>');
}

test('a customer cannot use another’s idempotency key, nor learn that it is used', async () => {
  const [alice, bob] = ['CUSTOMER', 'another CUSTOMER'].map((name) => callers.get(name)?.node);
  const key = randomUUID();
  const create = async (node: TestApp | undefined, quantity: number) => {
    const answer = await node?.client.request<{ createOrder: { id: string; customerId: string } }>(
      `mutation { createOrder(input: { idempotencyKey: ${q(key)}, currency: EUR, lines: [{ sku: "cup", quantity: ${quantity} }] }) {
        ... on Order { id customerId } } }`,
    );
    return answer?.createOrder;
  };
  const first = await create(alice, 1);
  const second = await create(bob, 2);
  expect([first?.customerId, second?.customerId]).toEqual(['alice', 'bob']);
  expect(second?.id).not.toBe(first?.id);
  expect(await create(alice, 1)).toEqual(first);
});

test('a customer’s order is priced by the catalogue', async () => {
  const alice = callers.get('CUSTOMER')?.node as TestApp;
  const create = (input: object) =>
    alice.client.request<{ createOrder: { code?: string; issues?: { path: string }[]; total?: { decimal: string } } }>(
      `mutation($input: CreateOrderInput!) { createOrder(input: $input) {
        ... on Order { total { decimal } } ... on InvalidInputError { code issues { path } } } }`,
      { input: { ...orderInput(), ...input } },
    );
  expect((await create({ lines: [{ sku: 'cup', quantity: 3 }] })).createOrder.total).toEqual({ decimal: '15.00' });
  const issuesOf = async (input: object) => (await create(input)).createOrder.issues?.map(({ path }) => path);
  expect(await issuesOf({ lines: [{ sku: 'cup', quantity: 1, unitAmountMinor: 1 }] })).toEqual([
    'lines.0.unitAmountMinor',
  ]);
  expect(await issuesOf({ lines: [{ name: 'Cup', quantity: 1 }] })).toEqual(['lines.0.name']);
  expect(await issuesOf({ lines: [{ sku: 'gold', quantity: 1 }] })).toEqual(['lines.0.sku']);
  expect(await issuesOf({ currency: 'JPY', lines: [{ sku: 'cup', quantity: 1 }] })).toEqual(['lines.0.sku']);
  const line = [{ sku: 'cup', quantity: 1 }];
  expect(await issuesOf({ lines: line, metadata: { vip: 'yes' } })).toEqual(['metadata']);
  expect(await issuesOf({ lines: line, customerId: 'bob' })).toEqual(['customerId']);
});

test('who pays cannot take an authorization back: the merchant may have sent the goods', async () => {
  const { orderId, payment } = await paidOrder(app, { customerId: 'alice', captureMode: 'MANUAL' });
  const { order } = await app.client.request<{ order: { clientToken: string } }>(
    `{ order(id: ${q(orderId)}) { clientToken } }`,
  );
  const alice = callers.get('CUSTOMER')?.node as TestApp;
  for (const node of [alice, withToken(app, order.clientToken)]) {
    const answer = await node.client.request(
      `mutation { order: cancelOrder(input: { orderId: ${q(orderId)} }) ${union}
        payment: cancelPayment(input: { paymentId: ${q(payment.id)} }) ${union} }`,
    );
    expect(answer).toMatchObject({
      order: { code: 'ORDER_NOT_CANCELABLE' },
      payment: { code: 'PAYMENT_NOT_CANCELABLE' },
    });
    const seen = await node.client.request<{ order: { allowedActions: string[] } }>(
      `{ order(id: ${q(orderId)}) { allowedActions } }`,
    );
    expect(seen.order.allowedActions).toEqual([]);
  }
  expect(await readOrder(app, orderId)).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'AUTHORIZED' });
});
