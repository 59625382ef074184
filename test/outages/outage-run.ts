import { setMaxListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { startSandbox } from '../../sandbox/server.ts';
import { checkBooks, unsettled } from '../crash/books.ts';
import { callbackDelaysMs, settle, settledMsMax } from '../crash/crash-run.ts';
import { MortalServer, serverToken, stripeKeys } from '../crash/server.ts';
import { Shop } from '../crash/shop.ts';
import { freePort } from '../support/free-port.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import { Client } from './client.ts';
import { Follower } from './follower.ts';
import { MortalRedis } from './redis.ts';

export type OutageInput = {
  readonly databaseUrl: string;
  readonly durationMs: number;
  readonly followers: number;
  readonly shops: number;
  /** Where the nodes serve their metrics; empty when nobody watches them. */
  readonly metricsPorts: readonly number[];
  say(text: string): void;
};

export type OutageRun = {
  /** How often each kind of outage happened. */
  readonly outages: ReadonlyMap<string, number>;
  /** From each outage until both nodes were ready and a new order had reached all followers. */
  readonly healthyMs: readonly number[];
  readonly payments: number;
  readonly events: number;
  /** The subscriptions that ended, and were resumed with their cursor. */
  readonly endings: number;
  readonly answers: ReadonlyMap<string, number>;
  readonly complaints: readonly string[];
};

/** The maximum time until the service is healthy again. */
const healthyMsMax = 10_000;
/** A service that is not healthy after this time is taken for dead. */
const recoveryMsMax = 120_000;
/** Between two outages, shops trade undisturbed for up to this time. */
const quietMsMax = 3000;
const pollMs = 100;

type Parts = {
  readonly nodes: readonly MortalServer[];
  readonly redis: MortalRedis;
  readonly balancer: Balancer;
  readonly pool: pg.Pool;
};

/** What can go wrong. Each resolves when everything that died is started again. */
const outageKinds: Readonly<Record<string, (parts: Parts) => Promise<void>>> = {
  'a node killed': async ({ nodes }) => {
    const node = anyOf(nodes);
    await node.kill();
    await startAgain(node);
  },
  'both nodes killed': async ({ nodes }) => {
    await Promise.all(nodes.map((node) => node.kill()));
    await Promise.all(nodes.map(startAgain));
  },
  'a node stopped': async ({ nodes }) => {
    const node = anyOf(nodes);
    await node.stop();
    await startAgain(node);
  },
  'Redis killed': async ({ redis }) => {
    await redis.kill();
    await delay(Math.random() * quietMsMax);
    await redis.start();
  },
  'all connections of the database ended': async ({ pool }) => {
    await pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
  },
  'all connections of clients and providers cut': async ({ balancer }) => balancer.cutAll(),
};

function anyOf<T>(items: readonly T[]): T {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error('There is nothing to choose from.');
  return item;
}

/** A start fails when the connections of the database end meanwhile; then an operator's supervisor starts it again. */
async function startAgain(node: MortalServer): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await node.start(null);
    } catch (error) {
      if (tries === 5) throw error;
    }
  }
}

/** Runs two nodes behind a balancer with shops and followers, lets something die every few seconds, and compares everything at the end. */
export async function runOutages(input: OutageInput): Promise<OutageRun> {
  const { databaseUrl, durationMs, say } = input;
  const dataDir = mkdtempSync(join(tmpdir(), 'paystream-outages-'));
  const ports = [await freePort(), await freePort()];
  const balancer = await startBalancer(ports);
  const { secretKey, publishableKey, webhookSecret } = stripeKeys;
  const webhookUrl = `${balancer.url}/webhooks/stripe`;
  const sandbox = await startSandbox({
    ...{ port: 0, dataDir: null },
    stripe: { secretKey, publishableKey, webhookSecret, webhookUrl },
  });
  await sandbox.control('/control/webhooks', { url: webhookUrl, retryDelaysMs: callbackDelaysMs });
  const redis = await MortalRedis.open();
  const nodes = ports.map((port, index) => {
    const metricsPort = input.metricsPorts[index];
    const place = { databaseUrl, dataDir, port, sandboxUrl: sandbox.url, redisUrl: redis.url };
    return new MortalServer({ ...place, ...(metricsPort !== undefined && { metricsPort }) });
  });
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  pool.on('error', () => {});
  const closing = new AbortController();
  try {
    for (const node of nodes) await node.start(null);
    const client = new Client(balancer.url);
    const shop = new Shop(client, sandbox, closing.signal);
    const after = await endOfLog(client, closing.signal);
    const followers = Array.from({ length: input.followers }, () => new Follower(balancer.url, serverToken, after));
    const trading = Array.from({ length: input.shops }, async (_, number) => {
      for (let sale = 0; !closing.signal.aborted; sale += 1) await trade(shop, `${number}-${sale}`, sale);
    });
    const isBroken = Promise.all(trading).then(() => new Error('The shops have ended.'), asError);
    const outages = new Map<string, number>();
    const healthyMs: number[] = [];
    const complaints: string[] = [];
    const parts = { nodes, redis, balancer, pool };
    const endMs = performance.now() + durationMs;
    while (performance.now() < endMs) {
      await delay(Math.random() * quietMsMax);
      const name = anyOf(Object.keys(outageKinds));
      const beganMs = performance.now();
      await outageKinds[name]?.(parts);
      outages.set(name, (outages.get(name) ?? 0) + 1);
      const healthy = awaitHealthy(client, ports, followers);
      const failure = await Promise.race([healthy, isBroken]);
      if (failure instanceof Error) throw failure;
      const tookMs = performance.now() - beganMs;
      healthyMs.push(tookMs);
      if (tookMs > healthyMsMax) complaints.push(`${name}: healthy again only after ${(tookMs / 1000).toFixed(1)} s`);
      say(`${healthyMs.length} ${name}: healthy again after ${(tookMs / 1000).toFixed(1)} s`);
    }
    closing.abort();
    await isBroken;
    const settledMs = await settle(pool, sandbox);
    if (settledMs > settledMsMax) complaints.push(`not final after ${settledMsMax} ms: ${await unsettled(pool)}`);
    complaints.push(...(await checkBooks(pool, sandbox, shop.answers)));
    const failure = await awaitHealthy(client, ports, followers);
    if (failure !== null) throw failure;
    const log = await readLog(pool);
    for (const [number, follower] of followers.entries()) {
      complaints.push(...compare(follower, log).map((what) => `follower ${number}: ${what}`));
    }
    await Promise.all(followers.map((follower) => follower.close()));
    const { rows } = await pool.query<{ count: number }>('select count(*)::int as count from payments');
    const endings = followers.reduce((sum, follower) => sum + follower.endings, 0);
    return {
      ...{ outages, healthyMs, payments: rows[0]?.count ?? 0, events: log.length, endings },
      ...{ answers: client.repeated, complaints },
    };
  } finally {
    closing.abort();
    await Promise.all(nodes.map((node) => node.stop()));
    await redis.kill();
    await pool.end();
    await sandbox.close();
    await balancer.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function trade(shop: Shop, name: string, sale: number): Promise<void> {
  if (sale % 3 === 1) return shop.hold(name);
  if (sale % 3 === 2) return shop.cancel(name);
  return shop.sell(name);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

async function endOfLog(client: Client, signal: AbortSignal): Promise<string> {
  const { orders } = await client.ask<{ orders: { eventCursor: string } }>(
    '{ orders(first: 1) { eventCursor } }',
    {},
    signal,
  );
  return orders.eventCursor;
}

/** Resolves when both nodes are ready and an order that was created since has reached all followers. */
async function awaitHealthy(
  client: Client,
  ports: readonly number[],
  followers: readonly Follower[],
): Promise<null | Error> {
  const signal = AbortSignal.timeout(recoveryMsMax);
  setMaxListeners(followers.length + 10, signal);
  try {
    for (const port of ports) {
      while (!(await isReady(port))) await delay(pollMs, undefined, { signal });
    }
    const { answer } = await client.ask<{ answer: { id: string } }>(
      `mutation($key: String!) { answer: createOrder(input: { idempotencyKey: $key, currency: EUR,
        lines: [{ name: "Cup", quantity: 1, unitAmountMinor: 1000 }] }) { ... on Order { id } } }`,
      { key: `probe ${Math.random()}` },
      signal,
    );
    await Promise.all(followers.map((follower) => follower.until(({ orderId }) => orderId === answer.id, signal)));
    return null;
  } catch (error) {
    return new Error(`The service was not healthy again within ${recoveryMsMax} ms.`, { cause: error });
  }
}

async function isReady(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
  await response?.body?.cancel();
  return response?.status === 200;
}

type Logged = { readonly orderId: string; readonly sequence: number };

async function readLog(pool: pg.Pool): Promise<readonly Logged[]> {
  const { rows } = await pool.query<Logged>(
    'select order_id as "orderId", sequence from events order by epoch, xid, pos',
  );
  return rows;
}

/** Compares a follower with the log up to its end: each event once, in the log's order. */
function compare({ heard }: Follower, log: readonly Logged[]): string[] {
  const nameOf = ({ orderId, sequence }: Logged) => `${orderId}/${sequence}`;
  const got = heard.map(nameOf);
  const complaints: string[] = [];
  if (new Set(got).size !== got.length) complaints.push(`${got.length - new Set(got).size} events came twice`);
  const known = new Set(got);
  const missed = log.filter((event) => !known.has(nameOf(event)));
  if (missed.length > 0)
    complaints.push(`${missed.length} events never came, the first ${missed.slice(0, 3).map(nameOf)}`);
  const logged = new Set(log.map(nameOf));
  const unknown = got.filter((name) => !logged.has(name));
  if (unknown.length > 0)
    complaints.push(`${unknown.length} events came that are not in the log, the first ${unknown[0]}`);
  const inOrder = got.filter((name) => logged.has(name));
  const wanted = log.map(nameOf).filter((name) => known.has(name));
  const wrong = wanted.findIndex((name, index) => inOrder[index] !== name);
  if (wrong >= 0) complaints.push(`from ${wanted[wrong]} on, the events came in another order`);
  return complaints;
}
