import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { claimWebhookEndpoints } from '../../src/store/webhook-endpoint-store.ts';
import { openTestDatabase } from '../support/database.ts';
import { testMasterKeys } from '../support/merchants.ts';
import { createOrder } from '../support/orders.ts';
import { sendWebhooks, untilSettled } from '../support/settled.ts';
import { createTestClock, startTestApp, type TestApp, type TestClock } from '../support/test-app.ts';
import { startReceiver, verify, type WebhookReceiver } from '../support/webhook-receiver.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const q = JSON.stringify;

let app: TestApp;
let clock: TestClock;
let database: Database;
let receiver: WebhookReceiver;

beforeEach(async () => {
  clock = createTestClock();
  database = await openTestDatabase();
  app = await startTestApp({ config: { masterKeys: testMasterKeys }, clock, database });
  receiver = await startReceiver();
});
afterEach(async () => {
  await receiver.close();
  await app.close();
  await database.close();
});

type Endpoint = {
  readonly id: string;
  readonly status: string;
  readonly pauseReason: string | null;
  readonly failingSince: string | null;
  readonly cursor: string;
  readonly pendingCount: number;
  readonly failedCount: number;
  readonly replays: readonly { readonly id: string; readonly queued: number; readonly queuedAt: string | null }[];
};
const endpointParts =
  'id status pauseReason failingSince cursor pendingCount failedCount replays { id queued queuedAt }';

/** It gets the events that come from now on: those of before have settled. */
async function addEndpoint(input: object = {}): Promise<{ readonly id: string; readonly secret: string }> {
  await untilSettled(database.pool);
  const { made } = await app.client.request<{ made: { endpoint: { id: string }; secret: string } }>(
    `mutation($input: CreateWebhookEndpointInput!) { made: createWebhookEndpoint(input: $input) {
      ... on WebhookEndpointSecret { endpoint { id } secret } } }`,
    { input: { url: receiver.url, ...input } },
  );
  return { id: made.endpoint.id, secret: made.secret };
}

async function readEndpoint(id: string): Promise<Endpoint> {
  const { endpoint } = await app.client.request<{ endpoint: Endpoint }>(
    `{ endpoint: webhookEndpoint(id: ${q(id)}) { ${endpointParts} } }`,
  );
  return endpoint;
}

async function mutate<T>(text: string): Promise<T> {
  const { done } = await app.client.request<{ done: T }>(`mutation { done: ${text} }`);
  return done;
}

/** The ids of the events, in the order of the log. */
async function readLog(): Promise<{ readonly id: string; readonly orderId: string; readonly cursor: string }[]> {
  await untilSettled(database.pool);
  const all = [];
  for (let after: string | null = null; ; ) {
    const {
      events,
    }: { events: { nodes: { id: string; orderId: string; cursor: string }[]; pageInfo: { hasNextPage: boolean } } } =
      await app.client.request(
        `{ events(first: 100, after: ${q(after)}) { nodes { id orderId cursor } pageInfo { hasNextPage } } }`,
      );
    all.push(...events.nodes);
    if (!events.pageInfo.hasNextPage) return all;
    after = events.nodes.at(-1)?.cursor ?? null;
  }
}

/** An order with a few events. */
async function makeEvents(): Promise<string> {
  const { id } = await createOrder(app);
  await mutate(`cancelOrder(input: { orderId: ${q(id)} }) { __typename }`);
  return id;
}

/** Lets time pass in steps, with a round after each, as the server has them. */
async function pass(ms: number, stepMs: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(stepMs);
    await sendWebhooks(app);
  }
}

/** In which order each order's events were acknowledged for the first time. */
function sequencesOf(received: WebhookReceiver['received']): Map<string, number[]> {
  const sequences = new Map<string, number[]>();
  for (const { payload, status } of received) {
    if (status >= 300) continue;
    const { orderId, sequence } = payload.data;
    const known = sequences.get(orderId) ?? [];
    if (!known.includes(sequence)) sequences.set(orderId, [...known, sequence]);
  }
  return sequences;
}

test('every event comes once, signed as Standard Webhooks says, and is what the API shows', async () => {
  await makeEvents(); // before the endpoint exists
  const { id, secret } = await addEndpoint();
  const orders = [await makeEvents(), await makeEvents()];
  await sendWebhooks(app);

  const log = (await readLog()).filter(({ orderId }) => orders.includes(orderId));
  expect(receiver.received.map(({ payload }) => payload.data.id).sort()).toEqual(
    log.map(({ id: event }) => event).sort(),
  );
  for (const webhook of receiver.received) {
    expect(verify(secret, webhook)).toEqual(webhook.payload);
    expect(webhook.headers['webhook-id']).toBe(webhook.payload.data.id);
    const { node } = await app.client.request<{
      node: object;
    }>(`{ node(id: ${q(webhook.payload.data.id)}) { ... on OrderEvent {
      id sequence type occurredAt orderId orderNumber orderStatus orderPaymentStatus paymentId paymentStatus paymentMethod refundId
      refundStatus amount { amountMinor currency decimal } failure { reason message providerCode } actor { kind id } note } } }`);
    const { cursor, ...data } = webhook.payload.data;
    expect(data).toEqual(node);
    expect(log.find((event) => event.id === data.id)?.cursor).toBe(cursor);
    expect(() => verify(`whsec_${Buffer.alloc(32).toString('base64')}`, webhook)).toThrow();
    expect(() => verify(secret, { ...webhook, body: `${webhook.body} ` })).toThrow();
  }
  expect(await readEndpoint(id)).toMatchObject({ status: 'ACTIVE', pendingCount: 0, failedCount: 0 });
  await sendWebhooks(app);
  expect(receiver.received).toHaveLength(log.length);
});

test('only the chosen types are sent, and a type that is chosen later is sent from then on', async () => {
  const { id } = await addEndpoint({ eventTypes: ['ORDER_CANCELED'] });
  await makeEvents();
  await sendWebhooks(app);
  expect(receiver.received.map(({ payload }) => payload.type)).toEqual(['ORDER_CANCELED']);
  await mutate(`updateWebhookEndpoint(input: { id: ${q(id)}, eventTypes: [ORDER_CREATED] }) { __typename }`);
  await makeEvents();
  await sendWebhooks(app);
  expect(receiver.received.map(({ payload }) => payload.type)).toEqual(['ORDER_CANCELED', 'ORDER_CREATED']);
});

test('while a secret is replaced, both secrets verify each message; afterwards only the new one does', async () => {
  const { id, secret: old } = await addEndpoint();
  const { secret } = await mutate<{ secret: string }>(
    `rotateWebhookSecret(id: ${q(id)}, keepPreviousSeconds: 3600) { ... on WebhookEndpointSecret { secret } }`,
  );
  await makeEvents();
  await sendWebhooks(app);
  expect(receiver.received).not.toEqual([]);
  for (const webhook of receiver.received.splice(0)) {
    expect(webhook.headers['webhook-signature']).toMatch(/^v1,[\w+/]+=* v1,[\w+/]+=*$/);
    expect(verify(old, webhook)).toEqual(webhook.payload);
    expect(verify(secret, webhook)).toEqual(webhook.payload);
  }
  clock.advance(hourMs);
  await makeEvents();
  await sendWebhooks(app);
  for (const webhook of receiver.received) {
    expect(webhook.headers['webhook-signature']).toMatch(/^v1,[\w+/]+=*$/);
  }
});

test('after six hours of outage nothing is lost, and each order’s events come in sequence', async () => {
  const { id } = await addEndpoint();
  const down = 503;
  receiver.answerWith(() => down);
  for (let hour = 0; hour < 6; hour += 1) {
    await makeEvents();
    await createOrder(app);
    await pass(hourMs, 10 * minuteMs);
  }
  const tried = receiver.received.length;
  expect(await readEndpoint(id)).toMatchObject({ status: 'ACTIVE', failingSince: expect.any(String) });
  expect(receiver.acknowledged()).toEqual([]);

  receiver.answerWith(() => 204);
  await makeEvents();
  await pass(2 * hourMs, 10 * minuteMs);
  const log = await readLog();
  expect([...receiver.acknowledged()].sort()).toEqual(log.map(({ id: event }) => event).sort());
  for (const [, sequences] of sequencesOf(receiver.received)) {
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
  }
  expect(tried).toBeLessThan(log.length * 3); // an endpoint that is down is not flooded
  expect(await readEndpoint(id)).toMatchObject({ status: 'ACTIVE', failingSince: null, pendingCount: 0 });
});

test('after three days without an acknowledgement the endpoint is paused with an alert; resumed, it gets everything', async () => {
  const { id } = await addEndpoint();
  receiver.answerWith(() => 500);
  await makeEvents();
  await pass(2 * dayMs, 2 * hourMs);
  expect((await readEndpoint(id)).status).toBe('ACTIVE');
  await pass(2 * dayMs, 2 * hourMs);
  expect(await readEndpoint(id)).toMatchObject({ status: 'PAUSED', pauseReason: 'FAILING', failedCount: 0 });
  expect(app.logged).toContainEqual({
    level: 'error',
    fields: expect.objectContaining({
      webhookEndpointId: id,
      reason: 'FAILING',
      problem: 'The endpoint answered 500.',
    }),
    message: 'a webhook endpoint was paused: its events wait until the merchant resumes it',
  });

  const tried = receiver.received.length;
  await makeEvents();
  await pass(dayMs, 6 * hourMs);
  expect(receiver.received).toHaveLength(tried);

  receiver.answerWith(() => 204);
  await mutate(`resumeWebhookEndpoint(id: ${q(id)}) { __typename }`);
  await sendWebhooks(app);
  expect([...receiver.acknowledged()].sort()).toEqual((await readLog()).map((event) => event.id).sort());
});

test('an ordered endpoint stops behind a failing event of the same order only', async () => {
  await addEndpoint();
  const stuck = await createOrder(app);
  receiver.answerWith(({ payload }) => (payload.data.orderId === stuck.id ? 422 : 204));
  await sendWebhooks(app);
  await mutate(`cancelOrder(input: { orderId: ${q(stuck.id)} }) { __typename }`);
  const other = await makeEvents();
  await sendWebhooks(app);
  await pass(hourMs, 5 * minuteMs);
  expect(sequencesOf(receiver.received).get(other)?.slice(0, 2)).toEqual([1, 2]);
  const sent = receiver.received.filter(({ payload }) => payload.data.orderId === stuck.id);
  expect(new Set(sent.map(({ payload }) => payload.data.sequence))).toEqual(new Set([1]));
  expect(sent.length).toBeGreaterThan(3);

  receiver.answerWith(() => 204);
  await pass(2 * hourMs, 10 * minuteMs);
  const sequences = sequencesOf(receiver.received).get(stuck.id) ?? [];
  expect(sequences.length).toBeGreaterThan(1);
  expect(sequences).toEqual(sequences.map((_, index) => index + 1));
});

test('an endpoint that is not ordered gets the later events of an order behind a failing one', async () => {
  await addEndpoint({ ordered: false });
  receiver.answerWith(({ payload }) => (payload.data.sequence === 1 ? 500 : 204));
  const id = await makeEvents();
  await sendWebhooks(app);
  const sequences = sequencesOf(receiver.received).get(id) ?? [];
  expect(sequences).toContain(2);
  expect(sequences).not.toContain(1);
});

test('an event that fails for three days while others are taken is given up, holds its order back, and can be sent again', async () => {
  const { id } = await addEndpoint();
  const stuck = await createOrder(app);
  receiver.answerWith(({ payload }) => (payload.data.orderId === stuck.id ? 500 : 204));
  for (let day = 0; day < 4; day += 1) {
    await createOrder(app);
    await pass(dayMs, 6 * hourMs);
  }
  expect(await readEndpoint(id)).toMatchObject({ status: 'ACTIVE', failedCount: 1 });
  await mutate(`cancelOrder(input: { orderId: ${q(stuck.id)} }) { __typename }`);
  await pass(dayMs, 6 * hourMs);
  receiver.answerWith(() => 204);
  await pass(dayMs, 6 * hourMs);
  expect(sequencesOf(receiver.received).get(stuck.id)).toBeUndefined();

  const { webhookMessages } = await app.client.request<{
    webhookMessages: {
      nodes: { eventId: string; attempts: { responseStatus: number; error: string; requestBody: string }[] }[];
    };
  }>(
    `{ webhookMessages(endpointId: ${q(id)}, status: FAILED) { nodes { eventId attempts(first: 1) { responseStatus error requestBody } } } }`,
  );
  const [failed] = webhookMessages.nodes;
  expect(failed?.attempts).toEqual([
    { responseStatus: 500, error: 'The endpoint answered 500.', requestBody: expect.stringContaining(stuck.id) },
  ]);
  await mutate(`resendWebhook(endpointId: ${q(id)}, eventId: ${q(failed?.eventId)}) { __typename }`);
  await sendWebhooks(app);
  const sequences = sequencesOf(receiver.received).get(stuck.id) ?? [];
  expect(sequences.length).toBeGreaterThan(1);
  expect(sequences).toEqual(sequences.map((_, index) => index + 1));
});

test('410 pauses an endpoint at once, and nothing is lost', async () => {
  const { id } = await addEndpoint();
  receiver.answerWith(() => 410);
  await makeEvents();
  await sendWebhooks(app);
  expect(await readEndpoint(id)).toMatchObject({ status: 'PAUSED', pauseReason: 'GONE' });
  receiver.answerWith(() => 204);
  await pass(hourMs, 10 * minuteMs);
  expect(receiver.acknowledged()).toEqual([]);
  await mutate(`resumeWebhookEndpoint(id: ${q(id)}) { __typename }`);
  await sendWebhooks(app);
  expect([...receiver.acknowledged()].sort()).toEqual((await readLog()).map((event) => event.id).sort());
});

test('a replay sends exactly its range, by cursor or by time, and one event can be sent again', async () => {
  const { id } = await addEndpoint();
  for (let order = 0; order < 4; order += 1) {
    await makeEvents();
    clock.advance(hourMs);
  }
  await sendWebhooks(app);
  const log = await readLog();
  expect(log.length).toBeGreaterThan(7);
  const replay = async (range: string): Promise<string[]> => {
    receiver.received.length = 0;
    await mutate(
      `replayWebhooks(input: { endpointId: ${q(id)}, ${range} }) { ... on Error { message } ... on WebhookReplay { id } }`,
    );
    await createOrder(app); // an event after the range, which comes once
    await sendWebhooks(app);
    return receiver.received.map(({ payload }) => payload.data.id);
  };
  const idsOf = (from: number, to: number) =>
    log
      .slice(from, to)
      .map((event) => event.id)
      .sort();
  const withNew = async (sent: readonly string[], expected: readonly string[]) => {
    const newest = (await readLog()).at(-1)?.id ?? '';
    expect([...sent].sort()).toEqual([...expected, newest].sort());
  };

  await withNew(await replay(`after: ${q(log[1]?.cursor)}, until: ${q(log[4]?.cursor)}`), idsOf(2, 5));
  const { events } = await app.client.request<{ events: { nodes: { id: string; occurredAt: string }[] } }>(
    '{ events(first: 100) { nodes { id occurredAt } } }',
  );
  const times = events.nodes.map(({ occurredAt }) => occurredAt);
  const [since, before] = [times[2] ?? '', times[5] ?? ''];
  const within = events.nodes
    .filter(({ occurredAt }) => occurredAt >= since && occurredAt < before)
    .map((event) => event.id);
  await withNew(await replay(`since: ${q(since)}, before: ${q(before)}`), within);
  const after = await readEndpoint(id);
  expect(after.replays).toHaveLength(2);
  expect(after.replays[0]).toMatchObject({ queued: within.length, queuedAt: expect.any(String) });

  receiver.received.length = 0;
  await mutate(`resendWebhook(endpointId: ${q(id)}, eventId: ${q(log[3]?.id)}) { __typename }`);
  await sendWebhooks(app);
  expect(receiver.received.map(({ payload }) => payload.data.id)).toEqual([log[3]?.id]);
});

test('what a node has leased when it dies, another node sends after the lease', async () => {
  await addEndpoint();
  await makeEvents();
  const other = await startTestApp({ config: { masterKeys: testMasterKeys }, clock, database });
  try {
    const now = clock.now();
    // A node that dies right after it has leased the endpoint.
    clock.advance(1);
    await database.pool.query('update webhook_endpoints set due_at = $1', [now]);
    const lease = { id: 'of a node that died', until: new Date(now.getTime() + 30_000) };
    expect(await claimWebhookEndpoints(database.pool, clock.now(), lease, 10)).toHaveLength(1);
    await sendWebhooks(other);
    expect(receiver.received).toEqual([]);
    clock.advance(30_000);
    await Promise.all([sendWebhooks(other), sendWebhooks(app)]);
    expect([...receiver.acknowledged()].sort()).toEqual((await readLog()).map((event) => event.id).sort());
  } finally {
    await other.close();
  }
});

test('a deleted endpoint gets nothing more, and is not found', async () => {
  const { id } = await addEndpoint();
  await makeEvents();
  await mutate(`deleteWebhookEndpoint(id: ${q(id)}) { __typename }`);
  await sendWebhooks(app);
  expect(receiver.received).toEqual([]);
  expect(await app.client.request(`{ webhookEndpoint(id: ${q(id)}) { id } webhookEndpoints { id } }`)).toEqual({
    ...{ webhookEndpoint: null, webhookEndpoints: [] },
  });
  clock.advance(dayMs);
  while ((await app.app.rounds.prune()).webhooks > 0);
  const { rows } = await database.pool.query('select count(*)::int as count from webhook_endpoints');
  expect(rows).toEqual([{ count: 0 }]);
});

test.each([
  [{ url: 'https://10.0.0.1/' }, 'url', 'must be reachable on the public internet.'],
  [{ url: 'nonsense' }, 'url', 'must be an https URL, such as https://shop.example/webhooks.'],
  [{ secret: 'whsec_c2hvcnQ=' }, 'secret', 'must be whsec_ and 24 to 64 bytes in base64.'],
  [{ secret: 'x'.repeat(40) }, 'secret', 'must be whsec_ and 24 to 64 bytes in base64.'],
  [{ description: 'x'.repeat(257) }, 'description', 'must have at most 256 characters.'],
])('%o is refused with the name of the field', async (input, path, message) => {
  const { made } = await app.client.request<{ made: unknown }>(
    `mutation($input: CreateWebhookEndpointInput!) { made: createWebhookEndpoint(input: $input) {
      ... on InvalidInputError { issues { path message } } } }`,
    { input: { url: receiver.url, ...input } },
  );
  expect(made).toEqual({ issues: [{ path, message }] });
});
