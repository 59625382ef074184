import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { GraphQLClient } from 'graphql-request';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { createOrder } from '../support/orders.ts';
import { samplesIn } from '../support/samples.ts';
import { type Home, makeHome, spawnScript } from '../support/server-process.ts';
import { followOrder, wsClient } from '../support/subscriber.ts';
import type { TestApp } from '../support/test-app.ts';

const provider = {
  STRIPE_SECRET_KEY: 'sk_test_workers',
  STRIPE_PUBLISHABLE_KEY: 'pk_test_workers',
  STRIPE_WEBHOOK_SECRETS: 'whsec_0123456789',
  STRIPE_ACCOUNT: 'acct_workers',
  STRIPE_API_BASE: 'http://127.0.0.1:9',
};
const token = 'dev_token_of_the_workers';

test.each([
  ['without PostgreSQL', ['--workers', '2'], { DATABASE_URL: '' }, '--workers needs PostgreSQL'],
  [
    'with the sandbox',
    ['--workers', '2'],
    { DATABASE_URL: 'postgresql://127.0.0.1:9/none' },
    '--workers needs a provider',
  ],
  ['none at all', ['--workers', '0'], {}, '--workers must be a number from 1 to 64.'],
])('workers %s are refused with a sentence', async (_what, args, environment, sentence) => {
  const child = spawnScript(await makeHome(), 'start', args, environment);
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect(said).toContain(sentence);
  expect(code).toBe(1);
});

/** The processes that a process has started. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

/** Two workers that serve requests. */
async function startWorkers(home: Home, environment: Readonly<Record<string, string>> = {}) {
  const child = spawnScript(home, 'start', ['--workers', '2'], {
    ...{ ...provider, DEV_API_KEY: token, PORT: String(home.port), ...environment },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const complaints: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => complaints.push(line));
  const banner: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => banner.push(line));
  const url = `http://127.0.0.1:${home.port}`;
  const pid = child.pid ?? 0;
  await expect.poll(() => childrenOf(pid).length, { timeout: 120_000 }).toBe(2);
  await expect.poll(() => isReady(url), { timeout: 120_000 }).toBe(true);
  const client = new GraphQLClient(`${url}/graphql`, { headers: { authorization: `Bearer ${token}` } });
  const at = { app: { url }, token, client } as unknown as TestApp; // what the helpers use of it
  return { ...{ child, pid, ended, complaints, banner, url, client, at } };
}

/** Kills a worker, and waits for the one that replaces it. */
async function replaceWorker(pid: number): Promise<{ readonly killed: number; readonly stayed: number }> {
  const [killed = 0, stayed = 0] = childrenOf(pid);
  process.kill(killed, 'SIGKILL');
  await expect.poll(() => childrenOf(pid).filter((child) => child !== killed).length, { timeout: 120_000 }).toBe(2);
  return { killed, stayed };
}

describe.runIf(process.env.DATABASE_URL)('two workers on one port', () => {
  test('serve one API: subscribers of both hear every event, and a worker that dies is replaced', async () => {
    const { child, pid, ended, complaints, url, client, at } = await startWorkers(await makeHome());
    await createOrder(at);
    const { orders } = await client.request<{ orders: { eventCursor: string } }>(
      '{ orders(first: 1) { eventCursor } }',
    );
    // More sockets than workers: they are dealt out in turn.
    const clients = Array.from({ length: 4 }, () => wsClient(at));
    const iterators = clients.map((client) =>
      client.iterate<{ merchantEvents: { orderId: string } }>({
        query: 'subscription($after: EventCursor) { merchantEvents(after: $after) { orderId } }',
        variables: { after: orders.eventCursor },
      }),
    );
    const { id } = await createOrder(at);
    // Events from before the cursor may have been held back, and come first.
    const untilHeard = async (events: (typeof iterators)[number]) => {
      let heard = '';
      while (heard !== id) {
        const { value, done } = await events.next();
        if (done) throw new Error(`The subscription ended before ${id} came.`);
        heard = value.data?.merchantEvents.orderId ?? '';
      }
      return heard;
    };
    expect(await Promise.all(iterators.map(untilHeard))).toEqual(clients.map(() => id));
    await Promise.all(clients.map((client) => client.dispose()));

    const { killed, stayed } = await replaceWorker(pid);
    expect(childrenOf(pid)).toContain(stayed);
    expect(complaints.join('\n')).toContain(`Worker ${killed} has ended.`);
    await expect.poll(() => isReady(url), { timeout: 120_000 }).toBe(true);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  test('hear the events of another node, whose notifications do not reach them', async () => {
    const home = await makeHome();
    const { child, ended, banner, complaints, at } = await startWorkers(home);
    const orders = [await createOrder(at), await createOrder(at)];
    // Two sockets for each order: one of each worker.
    const subscribers = [...orders, ...orders].map(({ id, eventCursor }) => followOrder(at, id, eventCursor));
    const database = new pg.Client({ connectionString: home.databaseUrl ?? '' });
    await database.connect();
    await database.query(
      `insert into events (id, merchant_id, order_id, sequence, type, occurred_at, order_number, order_status, order_payment_status,
         currency, changes, epoch)
       select id || '_2', merchant_id, order_id, 2, type, occurred_at, order_number, order_status, order_payment_status, currency, '{}', epoch
       from events where order_id = any($1)`,
      [orders.map(({ id }) => id)],
    );
    await database.end();
    await Promise.all(subscribers.map(({ until }) => until(({ sequence }) => sequence === 2)));
    await Promise.all(subscribers.map(({ stop }) => stop()));
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect([...banner, ...complaints].filter((line) => line.includes('background round failed'))).toEqual([]);
  });

  test('may die while they are told of an event: the process that started them replaces them', async () => {
    const { child, pid, ended, complaints, url, at } = await startWorkers(await makeHome());
    const agents = new Map<number, Agent>();
    const reached = async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      onTestFinished(() => agent.destroy());
      agents.set(workerAt((await postOrder(agent, url)).localPort, childrenOf(pid)), agent);
      return agents.size;
    };
    await expect.poll(reached, { timeout: 120_000 }).toBe(2);
    // The first worker has long been quiet. The primary finds the notification of the second one before it finds that the first has died.
    const [[told] = [0], [teller, agent] = [0, new Agent()]] = agents;
    child.kill('SIGSTOP');
    expect(workerAt((await postOrder(agent, url)).localPort, childrenOf(pid))).toBe(teller);
    process.kill(told, 'SIGKILL');
    await expect.poll(() => stateOf(told)).toBe('Z');
    child.kill('SIGCONT');
    await expect.poll(() => complaints.join('\n'), { timeout: 120_000 }).toContain(`Worker ${told} has ended.`);
    await expect.poll(() => childrenOf(pid).length, { timeout: 120_000 }).toBe(2);
    await createOrder(at);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  test('serve their metrics on one port, added up, and what is in the database once', async () => {
    const home = await makeHome();
    const metricsPort = await freePort();
    const { child, pid, ended, banner, at } = await startWorkers(home, { METRICS_PORT: String(metricsPort) });
    const metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
    expect(banner).toContain(`Metrics    ${metricsUrl}, of all workers`);
    const read = async (name: string, labels: Readonly<Record<string, string>> = {}) => {
      const samples = samplesIn(await (await fetch(metricsUrl)).text());
      const fits = ({ labels: own }: (typeof samples)[number]) =>
        Object.entries(labels).every(([key, value]) => own[key] === value);
      return samples.filter((sample) => sample.name === name && fits(sample)).map(({ value }) => value);
    };
    await expect.poll(() => read('paystream_workers')).toEqual([2]);

    // Connections are dealt out in turn.
    const create = 'mutation($input: CreateOrderInput!) { createOrder(input: $input) { __typename } }';
    for (let number = 0; number < 12; number += 1) {
      const input = { idempotencyKey: `order ${number}`, currency: 'EUR', lines: [line] };
      const response = await fetch(`${at.app.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, connection: 'close' },
        body: JSON.stringify({ query: create, variables: { input } }),
      });
      expect(await response.json()).toEqual({ data: { createOrder: { __typename: 'Order' } } });
    }
    const created = { command: 'createOrder', outcome: 'done' };
    expect(await read('paystream_commands_total', created)).toEqual([12]);
    const subscription = 'subscription { merchantEvents { id } }';
    const clients = Array.from({ length: 4 }, () => wsClient(at));
    const ends = clients.map((client) =>
      client.subscribe({ query: subscription }, { next: () => {}, error: () => {}, complete: () => {} }),
    );
    await expect.poll(() => read('paystream_subscribers')).toEqual([4]);
    for (const end of ends) end();
    await Promise.all(clients.map((client) => client.dispose()));
    await expect.poll(() => read('paystream_subscribers')).toEqual([0]);

    const database = new pg.Client({ connectionString: home.databaseUrl ?? '' });
    await database.connect();
    await database.query(
      `insert into deliveries (id, provider, provider_account, event_id, event_type, headers, body, status, received_at, apply_at, apply_attempts)
       values ('waiting', 'STRIPE', 'acct_other', 'evt_waiting', 'x', '{}', '', 'PENDING', now() - interval '5 minutes', now(), 0)`,
    );
    await database.end();
    expect(await read('paystream_callbacks_pending')).toEqual([1]);
    const [seconds = 0] = await read('paystream_callback_oldest_pending_seconds');
    expect(seconds).toBeGreaterThanOrEqual(300);
    expect(await read('paystream_database_up')).toEqual([1]);

    // The counts of the worker that was killed are gone: each of the two had some, and neither had all.
    await replaceWorker(pid);
    await expect.poll(() => read('paystream_workers')).toEqual([2]);
    const [left = 0] = await read('paystream_commands_total', created);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(12);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});

const line = { name: 'Cup', quantity: 1, unitAmountMinor: 500 };

/** Creates an order on a connection that stays open, and resolves to the port at its near end. */
async function postOrder(agent: Agent, url: string): Promise<{ readonly localPort: number }> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const sent = request(`${url}/graphql`, { method: 'POST', agent, headers });
  const query = 'mutation($input: CreateOrderInput!) { createOrder(input: $input) { __typename } }';
  sent.end(
    JSON.stringify({ query, variables: { input: { idempotencyKey: randomUUID(), currency: 'EUR', lines: [line] } } }),
  );
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const localPort = response.socket.localPort ?? 0;
  expect(JSON.parse(await text(response))).toEqual({ data: { createOrder: { __typename: 'Order' } } });
  return { localPort };
}

/** The process at the far end of a connection to this machine. */
function workerAt(localPort: number, pids: readonly number[]): number {
  const remote = `:${localPort.toString(16).toUpperCase().padStart(4, '0')}`;
  const connections = ['tcp', 'tcp6'].flatMap((kind) => readFileSync(`/proc/net/${kind}`, 'utf8').split('\n'));
  const inode = connections.map((row) => row.trim().split(/\s+/)).find(([, , far]) => far?.endsWith(remote))?.[9];
  const files = (pid: number) => readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  const found = pids.find((pid) => files(pid).includes(`socket:[${inode}]`));
  if (found === undefined) throw new Error(`No worker has the connection from port ${localPort}.`);
  return found;
}

/** Empty for a file that was closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** The letter of the state in which the system has a process: Z for one that has died and whose parent has not noticed. */
function stateOf(pid: number): string {
  return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? '';
}

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/readyz`).catch(() => null);
  return response?.status === 200;
}
