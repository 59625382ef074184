import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { serveMetrics } from '../../src/telemetry/metrics-server.ts';
import { createWorkerMetrics, type MetricsRequest } from '../../src/telemetry/worker-metrics.ts';
import { confirmCard, createOrder, payOrder } from '../support/orders.ts';
import { samplesIn } from '../support/samples.ts';
import { followOrder } from '../support/subscriber.ts';
import { clearFaults, control, startTestApp, type TestApp, untilCallbacksCame } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  const telemetry = { tracing: null, metrics: { host: '127.0.0.1', port: 0 } };
  app = await startTestApp({ config: { telemetry } });
});
afterAll(() => app.close());

async function scrape(): Promise<ReturnType<typeof samplesIn>> {
  const response = await fetch(app.app.metricsUrl ?? '');
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return samplesIn(await response.text());
}

async function readSample(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number | null> {
  const samples = await scrape();
  const found = samples.find(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  return found?.value ?? null;
}

test('a payment is counted on its way from the operation to the applied callback', async () => {
  const order = await createOrder(app);
  const payment = await payOrder(app, order.id);
  await confirmCard(app, payment);
  await untilCallbacksCame(app);
  const operation = { operation: 'mutation payOrder', outcome: 'done' };
  expect(await readSample('paystream_operation_duration_seconds_count', operation)).toBe(1);
  expect(await readSample('paystream_commands_total', { command: 'payOrder', outcome: 'done' })).toBe(1);
  const call = { provider: 'STRIPE', call: 'startPayment', outcome: 'answered' };
  expect(await readSample('paystream_provider_call_duration_seconds_count', call)).toBe(1);
  expect(await readSample('paystream_callbacks_total', { provider: 'STRIPE', outcome: 'applied' })).toBeGreaterThan(0);
  expect(await readSample('paystream_batch_size_count', { batch: 'orders' })).toBeGreaterThan(2);
  expect(await readSample('paystream_sql_duration_seconds_count', { verb: 'commit' })).toBeGreaterThan(2);
  expect(
    await readSample('paystream_http_request_duration_seconds_count', { route: 'webhooks', status: '200' }),
  ).toBeGreaterThan(0);
  expect(await readSample('paystream_database_up')).toBe(1);
});

test('refusals of a command and of an operation have their codes', async () => {
  const gone = 'ord_00000000000000000000000000';
  const refused = payOrder(app, gone);
  await expect(refused).rejects.toThrow();
  const { id } = await createOrder(app);
  const cancel = 'mutation($input: CancelOrderInput!) { cancelOrder(input: $input) { __typename } }';
  for (const key of ['one', 'two']) {
    await app.client.request(cancel, { input: { orderId: id, idempotencyKey: `metrics-${key}` } }).catch(() => null);
  }
  await fetch(`${app.app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer nobody_at_all_1234' },
    body: JSON.stringify({ query: '{ orders(first: 1) { nodes { id } } }' }),
  });
  const operation = { operation: 'query orders', outcome: 'unauthenticated' };
  expect(await readSample('paystream_operation_duration_seconds_count', operation)).toBe(1);
  const outcomes = (await scrape()).filter(({ name }) => name === 'paystream_commands_total');
  expect(outcomes.map(({ labels }) => labels.outcome)).toContain('NOT_FOUND');
});

test('no label has a value that a client chooses', async () => {
  const chosen = 'ChosenByAClient';
  const post = (body: unknown, path = '/graphql', method = 'POST') =>
    fetch(`${app.app.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${app.token}`, traceparent: chosen },
      body: JSON.stringify(body),
    });
  await post({ query: `query ${chosen} { ${chosen}: merchant { id } }`, operationName: chosen });
  await post({ query: `{ ${chosen} }` });
  await post({ query: `query A { merchant { id } } query B { merchant { id } }`, operationName: chosen });
  await post({}, `/${chosen}`);
  await post({}, `/webhooks/${chosen.toLowerCase()}`);
  await post({}, '/graphql', 'PROPFIND');
  const response = await fetch(app.app.metricsUrl ?? '');
  const text = await response.text();
  expect(text.toLowerCase()).not.toContain(chosen.toLowerCase());
  expect(text).toContain('operation="query merchant"');
});

test('payments of unknown outcome and their age, and callbacks that wait', async () => {
  expect(await readSample('paystream_payments_unknown')).toBe(0);
  const order = await createOrder(app);
  await control(app.sandboxUrl, 'faults', { fault: 'reset_after', times: 10 });
  await payOrder(app, order.id);
  await clearFaults(app);
  app.clock.advance(120_000);
  expect(await readSample('paystream_payments_unknown')).toBe(1);
  expect(await readSample('paystream_payment_oldest_unknown_seconds')).toBeGreaterThanOrEqual(120);
  const waiting = (await readSample('paystream_callbacks_pending')) ?? Number.NaN;
  await app.database.pool.query(
    `insert into deliveries (id, provider, provider_account, event_id, event_type, headers, body, status, received_at, apply_at, apply_attempts)
     values ('waiting', 'STRIPE', 'acct_other', 'evt_waiting', 'x', '{}', '', 'PENDING', $1, $1, 0)`,
    [new Date(app.clock.now().getTime() - 300_000)],
  );
  expect(await readSample('paystream_callbacks_pending')).toBe(waiting + 1);
  expect(await readSample('paystream_callback_oldest_pending_seconds')).toBeGreaterThanOrEqual(300);
});

test('subscriptions are counted while they last, and how late their events are', async () => {
  const order = await createOrder(app);
  const subscriber = followOrder(app, order.id);
  await expect.poll(() => readSample('paystream_subscribers')).toBe(1);
  await payOrder(app, order.id);
  await subscriber.until(({ type }) => type === 'PAYMENT_STARTED');
  expect(await readSample('paystream_feed_lag_seconds_count')).toBeGreaterThan(0);
  await subscriber.stop();
  await expect.poll(() => readSample('paystream_subscribers')).toBe(0);
});

test('only /metrics is served, and only to GET', async () => {
  const url = app.app.metricsUrl ?? '';
  expect((await fetch(new URL('/', url))).status).toBe(404);
  expect((await fetch(new URL('/graphql', url), { method: 'POST', body: '{}' })).status).toBe(404);
  expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(405);
  expect((await fetch(`${app.app.url}/metrics`)).status).toBe(404);
});

/** The status of the answer to a request that was sent to the metrics by this name. */
async function statusFor(url: string, host: string): Promise<number | undefined> {
  const [response] = (await once(get(url, { headers: { host } }), 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

test('on loopback, a page of a foreign name that resolves to this machine reads nothing', async () => {
  const url = app.app.metricsUrl ?? '';
  const { port } = new URL(url);
  const own = ['localhost', `localhost:${port}`, 'LOCALHOST', `127.0.0.1:${port}`, '127.0.0.2', `[::1]:${port}`];
  for (const host of own) expect([host, await statusFor(url, host)]).toEqual([host, 200]);
  const foreign = [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
  ];
  for (const host of foreign) expect([host, await statusFor(url, host)]).toEqual([host, 403]);
});

test('where others reach the metrics, Prometheus may use any name of the node', async () => {
  const scrape = async () => ({ contentType: 'text/plain', text: 'up 1\n' });
  const server = await serveMetrics({ host: '0.0.0.0', port: 0 }, scrape);
  onTestFinished(server.close);
  const url = server.url.replace('0.0.0.0', '127.0.0.1');
  expect(await statusFor(url, 'node-1.internal:9464')).toBe(200);
});

test('a port that is taken is named with its variable', async () => {
  const taken = new URL(app.app.metricsUrl ?? '');
  const metrics = { host: '127.0.0.1', port: Number(taken.port) };
  await expect(startTestApp({ config: { telemetry: { tracing: null, metrics } } })).rejects.toThrow(
    /Cannot serve metrics on port \d+ of 127\.0\.0\.1: another process listens there\. Set METRICS_PORT/,
  );
  expect(await readSample('paystream_database_up')).toBe(1); // the one that was first still answers
});

test('of several workers counters are added, what is shared counts once, and a silent worker is left out', async () => {
  const metrics = createWorkerMetrics();
  const { createMetrics } = await import('../../src/telemetry/metrics.ts');
  const backlog = { pendingCallbacks: 3, oldestCallbackSeconds: 7, unknownPayments: 2, oldestUnknownSeconds: 9 };
  const pool = { open: 4, idle: 1, waiting: 0 };
  const worker = (subscribers: number) => {
    const own = createMetrics(async () => ({
      ...{ shared: backlog, pools: { queries: pool, follows: pool, writes: pool }, subscribers, topics: 1 },
      operations: { inProgress: 0, waiting: 0 },
    }));
    own.observer.note({ kind: 'shed', reason: 'overloaded' });
    return {
      ask: ({ request }: MetricsRequest) =>
        void own.read().then((read) => metrics.receive({ kind: 'metrics', request, metrics: read })),
    };
  };
  const { text } = await metrics.scrape([worker(5), worker(6), { ask() {} }]);
  const samples = samplesIn(text);
  const sample = (name: string) => samples.find((each) => each.name === name)?.value;
  expect(sample('paystream_subscribers')).toBe(11);
  expect(sample('paystream_callbacks_pending')).toBe(3);
  expect(sample('paystream_payment_oldest_unknown_seconds')).toBe(9);
  expect(sample('paystream_shed_total')).toBe(2);
  expect(sample('paystream_database_up')).toBe(1);
  expect(sample('paystream_workers')).toBe(2);
});
