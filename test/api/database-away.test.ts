import { createHmac, randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { nameOfIntent } from '../../src/store/idempotency-store.ts';
import { uniqueLockSpace } from '../../src/store/order-batch.ts';
import { confirmCard, createOrder, orderInput, payOrder, readOrder, sweepUntil } from '../support/orders.ts';
import { control, startTestApp, type TestApp, testStripe } from '../support/test-app.ts';

const { server } = inject('testRun');
const onPostgresql = test.runIf(server !== null);

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
  // Callbacks of these tests are made here; the sandbox's own would only get between.
  await control(app.sandboxUrl, 'webhooks', { url: null });
});
afterAll(() => app.close());

type Answer = {
  readonly data?: Record<string, { readonly __typename?: string; readonly id?: string } | null> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
};

async function ask(query: string, variables: object = {}): Promise<Answer> {
  const response = await fetch(`${app.app.url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${app.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer;
}

const create = (input: object) =>
  ask('mutation($input: CreateOrderInput!) { createOrder(input: $input) { __typename ... on Order { id } } }', {
    input,
  });
const cancel = (orderId: string) =>
  ask('mutation($id: ID!) { cancelOrder(input: { orderId: $id, reason: "x" }) { __typename } }', { id: orderId });
const pay = (orderId: string, idempotencyKey: string = randomUUID()) =>
  ask('mutation($input: PayOrderInput!) { payOrder(input: $input) { __typename } }', {
    input: { idempotencyKey, orderId, method: 'CARD', flow: 'EMBEDDED' },
  });
const codesOf = ({ errors }: Answer) => (errors ?? []).map(({ extensions }) => extensions.code);

/** A callback as Stripe would send it when the payment's card was charged. */
async function tellPaid({ id, providerPaymentId }: Awaited<ReturnType<typeof payOrder>>): Promise<number> {
  const created = Math.floor(Date.now() / 1000);
  const body = JSON.stringify({
    ...{ id: `evt_${randomUUID()}`, object: 'event', api_version: '2026-10-28.endive', created, livemode: false },
    type: 'payment_intent.succeeded',
    data: {
      object: {
        ...{ object: 'payment_intent', id: providerPaymentId, status: 'succeeded', created: 1_700_000_000 },
        ...{ amount: 2500, amount_received: 2500, currency: 'eur', metadata: { payment_id: id } },
      },
    },
  });
  const signature = createHmac('sha256', testStripe.webhookSecret).update(`${created}.${body}`).digest('hex');
  const response = await fetch(`${app.app.url}/webhooks/stripe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'stripe-signature': `t=${created},v1=${signature}` },
    body,
  });
  await response.text();
  return response.status;
}

/** A connection from outside this server, such as another node or an operator. */
async function withStranger<T>(work: (stranger: pg.Client) => Promise<T>): Promise<T> {
  const { rows } = await app.database.pool.query<{ name: string }>('select current_database() as name');
  const url = new URL(server?.adminUrl ?? '');
  url.pathname = `/${rows[0]?.name}`;
  const stranger = new pg.Client({ connectionString: url.href, application_name: 'stranger' });
  await stranger.connect();
  try {
    return await work(stranger);
  } finally {
    await stranger.end();
  }
}

const cutSql = `
  select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`;
const waitingSql = `
  select count(*)::int as waiting from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock' and application_name <> 'stranger'`;

async function countWaiting(stranger: pg.Client): Promise<number> {
  const { rows } = await stranger.query<{ waiting: number }>(waitingSql);
  return rows[0]?.waiting ?? 0;
}

test('a pool without a connection leads to OVERLOADED with a hint for mutations and reads, and 503 for callbacks', async () => {
  const order = await createOrder(app);
  const payment = await payOrder(app, order.id);
  const lost = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', errno: -104, syscall: 'read' });
  // As reported by the driver's pool, which is below ours.
  const driver = pg.Pool.prototype;
  const { connect } = driver;
  driver.connect = ((connected: (error: Error) => void) => connected(lost)) as typeof connect;
  try {
    app.logged.length = 0;
    const answers = [
      await create(orderInput()),
      await ask('query($id: ID!) { order(id: $id) { id } }', { id: order.id }),
      await pay(order.id),
    ];
    expect(answers.map(codesOf)).toEqual([['OVERLOADED'], ['OVERLOADED'], ['OVERLOADED']]);
    for (const { errors } of answers) {
      expect(errors?.[0]?.extensions.retryAfterMs).toBe(1000);
      expect(errors?.[0]?.message).not.toContain('ECONNRESET');
    }
    expect(await tellPaid(payment)).toBe(503);
    const levels = app.logged.map(({ level }) => level).filter((level) => level !== 'info');
    expect(levels).toEqual(['warn', 'warn', 'warn', 'warn']);
    expect(JSON.stringify(app.logged)).toContain('ECONNRESET');
  } finally {
    driver.connect = connect;
  }
  expect(await tellPaid(payment)).toBe(200);
});

onPostgresql('while all connections are cut repeatedly, no request is answered with INTERNAL', async () => {
  await withStranger(async (stranger) => {
    const order = await createOrder(app);
    const keys = Array.from({ length: 150 }, () => randomUUID());
    let isCutting = true;
    const cutting = (async () => {
      while (isCutting) {
        await stranger.query(cutSql);
        await stranger.query('select pg_sleep(0.02)');
      }
    })();
    const codes: unknown[] = [];
    const ids = new Map<string, string>();
    const createUntilTold = async (idempotencyKey: string) => {
      const answer = await create(orderInput({ idempotencyKey }));
      codes.push(...codesOf(answer));
      const id = answer.data?.createOrder?.id;
      if (id !== undefined) ids.set(idempotencyKey, id);
    };
    const pending = [...keys];
    const work = async () => {
      for (let key = pending.shift(); key !== undefined; key = pending.shift()) {
        await createUntilTold(key);
        codes.push(...codesOf(await ask('{ orders(first: 5) { nodes { id payments { id } } } }')));
        codes.push(...codesOf(await cancel(order.id)));
      }
    };
    await Promise.all(Array.from({ length: 12 }, work));
    isCutting = false;
    await cutting;
    expect(codes.filter((code) => code !== 'OVERLOADED')).toEqual([]);
    expect(codes.length).toBeGreaterThan(0);
    // A commit whose answer was lost may have happened: the same key finds its order. Orders that were returned do not change.
    for (const key of keys) {
      const answer = await create(orderInput({ idempotencyKey: key }));
      expect(answer.data?.createOrder?.id).toBe(ids.get(key) ?? answer.data?.createOrder?.id);
    }
    const { rows } = await stranger.query<{ orders: number }>(
      'select count(distinct result_id)::int as orders from idempotency_keys where key = any($1)',
      [keys],
    );
    expect(rows).toEqual([{ orders: keys.length }]);
  });
});

onPostgresql('callers that wait for one order hold at most one connection, and other orders continue', async () => {
  const order = await createOrder(app);
  const payment = await payOrder(app, order.id);
  await confirmCard(app, payment);
  await withStranger(async (stranger) => {
    await stranger.query('begin');
    await stranger.query(`select pg_advisory_xact_lock(20801, hashtext($1))`, [order.id]);
    const callbacks = Promise.all(Array.from({ length: 25 }, () => tellPaid(payment)));
    expect(await callbacks).toEqual(Array(25).fill(200)); // stored, and applied when the order is free
    const mutations = Promise.all(Array.from({ length: 50 }, () => cancel(order.id)));
    // The callbacks complete while the order is locked; so do calls for other orders.
    const other = await createOrder(app);
    const others = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const made = await createOrder(app);
        return (await payOrder(app, made.id)).status;
      }),
    );
    expect(others).toEqual(Array(20).fill('ACTION_REQUIRED'));
    expect(await tellPaid(await payOrder(app, other.id))).toBe(200);
    expect(await countWaiting(stranger)).toBeLessThanOrEqual(1);
    await stranger.query('commit');
    // If all of this took longer than the mutations may wait, they fail with OVERLOADED.
    expect((await mutations).flatMap(codesOf).filter((code) => code !== 'OVERLOADED')).toEqual([]);
  });
  await sweepUntil(app, order.id, ({ paymentStatus }) => paymentStatus === 'PAID');
});

onPostgresql('two hundred calls with a key that another node has locked wait with one connection', async () => {
  const input = orderInput();
  const { merchantId } = await app.database.prisma.order.findFirstOrThrow({ select: { merchantId: true } });
  await withStranger(async (stranger) => {
    await stranger.query('begin');
    const name = nameOfIntent({
      merchantId,
      owner: '',
      operation: 'createOrder',
      key: input.idempotencyKey,
      inputHash: '',
    });
    await stranger.query('select pg_advisory_xact_lock($1, hashtext($2))', [uniqueLockSpace, name]);
    await stranger.query(
      `insert into idempotency_keys (merchant_id, operation, key, input_hash, result_id, created_at)
       values ($1, 'createOrder', $2, '', '', now())`,
      [merchantId, input.idempotencyKey],
    );
    const calls = Promise.all(Array.from({ length: 200 }, () => create(input)));
    await Promise.all(Array.from({ length: 20 }, () => createOrder(app)));
    expect(await countWaiting(stranger)).toBeLessThanOrEqual(1);
    await stranger.query('rollback');
    const answers = await calls;
    expect(answers.flatMap(codesOf).filter((code) => code !== 'OVERLOADED')).toEqual([]);
    const told = new Set(answers.map(({ data }) => data?.createOrder?.id).filter((id) => id !== undefined));
    const { id } = await createOrder(app, input);
    expect([...told].filter((each) => each !== id)).toEqual([]);
  });
});

onPostgresql('an order that another node locks for a long time leads to OVERLOADED', async () => {
  const order = await createOrder(app);
  await withStranger(async (stranger) => {
    await stranger.query('begin');
    await stranger.query(`select pg_advisory_xact_lock(20801, hashtext($1))`, [order.id]);
    const answers = await Promise.all([cancel(order.id), cancel(order.id)]);
    expect(answers.map(codesOf)).toEqual([['OVERLOADED'], ['OVERLOADED']]);
    await stranger.query('rollback');
  });
  expect((await readOrder(app, order.id)).status).toBe('OPEN');
});
