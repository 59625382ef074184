import { setTimeout as delay } from 'node:timers/promises';
import type { BareBroadcastCalls } from './processes/bare-broadcast.ts';
import type { RequestsCalls } from './processes/requests.ts';
import type { SubscriberCalls } from './processes/subscribers.ts';
import type { Bench, Turn } from './support/bench.ts';
import { machineMs } from './support/clock.ts';
import { askGraphql, createOrderText, logEndOf, orderInputOf } from './support/graphql.ts';
import { inspectable, openInspector } from './support/inspector.ts';
import { timedNumber } from './support/order-number.ts';
import { openProcess } from './support/process-calls.ts';
import { cpuMsOf, rssMbOf } from './support/process-usage.ts';
import { firstMerchantOf, type Product, startProduct } from './support/product.ts';

/** Everybody is cut off at once and comes back. */
export const reconnect: Bench = {
  name: 'reconnect',
  summary:
    'subscribers of `merchantEvents` whose connections are cut at once. Each returns at once with its own last cursor, up to nine events back, while one order a second ' +
    'is created. At the end, what each received is compared with the log.',
  limitSummary:
    'a server that accepts every WebSocket and every subscription, and sends nothing. Its clients only connect again.',
  async limit(turn) {
    const { subscribers } = settingOf(turn);
    const bare = turn.scope.keep(openProcess<BareBroadcastCalls>('bare-broadcast'));
    const url = await bare.call('listen', {});
    const clients = Array.from({ length: clientProcesses }, () =>
      turn.scope.keep(openProcess<SubscriberCalls>('subscribers')),
    );
    const all = <T>(call: (client: (typeof clients)[number]) => Promise<T>) => Promise.all(clients.map(call));
    const each = Math.ceil(subscribers / clientProcesses);
    turn.say(`connecting ${subscribers} subscribers`);
    const rssBefore = rssMbOf(bare.pid);
    await all((client) => client.call('connect', { url, token: '', after: '', count: each }));
    await delay(turn.isQuick ? 200 : 5000);
    const rssIdle = rssMbOf(bare.pid);
    turn.say('all are cut and return');
    const beforeMs = cpuMsOf(bare.pid);
    const connectedMs = await all((client) => client.call('cutAndReturn', { url, token: '', forgottenMax: 0 }));
    const cpuMs = cpuMsOf(bare.pid) - beforeMs;
    const count = each * clientProcesses;
    return [
      { name: 'all connected again after', unit: 's', value: Math.max(...connectedMs) / 1000 },
      { name: 'CPU of a return', unit: 'µs', value: (cpuMs * 1000) / count },
      { name: 'resident memory of an idle subscriber', unit: 'kB', value: ((rssIdle - rssBefore) * 1000) / count },
    ];
  },
  async product(turn) {
    const { subscribers, history, after: afterSeconds } = settingOf(turn);
    const product = await startProduct(turn, inspectable);
    const inspector = await openInspector(product, turn.scope);
    const { url, token } = product;
    const after = await logEndOf(url, token);
    const requests = turn.scope.keep(openProcess<RequestsCalls>('requests'));
    const clients = Array.from({ length: clientProcesses }, () =>
      turn.scope.keep(openProcess<SubscriberCalls>('subscribers')),
    );
    const all = <T>(call: (client: (typeof clients)[number]) => Promise<T>) => Promise.all(clients.map(call));
    const operation = { kind: 'createOrder' } as const;

    turn.say(`connecting ${subscribers} subscribers`);
    const usedBefore = await inspector.usedMb();
    const rssBefore = rssMbOf(product.pid);
    await all((client) => client.call('keepEvents', undefined));
    const each = Math.ceil(subscribers / clientProcesses);
    await all((client) => client.call('connect', { url, token, after, count: each }));
    const first = await createMarker(product);
    await all((client) => client.call('awaitEvent', { id: first, timeoutMs }));
    await delay(turn.isQuick ? 200 : 5000);
    const usedIdle = await inspector.usedMb();
    const rssIdle = rssMbOf(product.pid);

    turn.say('some events for all');
    await requests.call('run', { url, token, operation, clients: 1, count: history });
    const before = await createMarker(product);
    await all((client) => client.call('awaitEvent', { id: before, timeoutMs }));

    turn.say('all are cut and return');
    const isOver = { now: false };
    const going = createSteadily(product, isOver);
    const [cutMs, cpuBeforeMs] = [machineMs(), cpuMsOf(product.pid)];
    const returning = all((client) => client.call('cutAndReturn', { url, token, forgottenMax: 9 }));
    const marker = await createMarker(product);
    const connectedMs = await returning;
    const areBack = await all((client) => client.call('awaitEvent', { id: marker, timeoutMs }));
    const backMs = machineMs() - cutMs;
    const cpuMs = cpuMsOf(product.pid) - cpuBeforeMs;
    await delay(afterSeconds * 1000);
    isOver.now = true;
    const made = await going;
    const last = await createMarker(product);
    await all((client) => client.call('awaitEvent', { id: last, timeoutMs }));
    const log = await readLog(product);
    const compared = await all((client) => client.call('compare', { log }));
    const taken = await all((client) => client.call('take', undefined));
    await Promise.all([...clients, requests].map((process) => process.close()));
    const count = each * clientProcesses;
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    return [
      { name: 'subscribers', unit: 'count', value: count },
      { name: 'all connected again after', unit: 's', value: Math.max(...connectedMs) / 1000 },
      { name: 'all up to date again after', unit: 's', value: areBack.every(Boolean) ? backMs / 1000 : null },
      { name: 'CPU of a return', unit: 'µs', value: (cpuMs * 1000) / count },
      { name: 'orders created meanwhile', unit: 'count', value: made.created },
      { name: 'orders refused meanwhile', unit: 'count', value: made.refused },
      { name: 'events in the log', unit: 'count', value: log.length },
      { name: 'gaps', unit: 'count', value: sum(compared.map(({ gaps }) => gaps)) },
      { name: 'repeats', unit: 'count', value: sum(compared.map(({ repeats }) => repeats)) },
      { name: 'subscriptions refused', unit: 'count', value: sum(taken.map(({ refused }) => refused)) },
      { name: 'resident memory of an idle subscriber', unit: 'kB', value: ((rssIdle - rssBefore) * 1000) / count },
      {
        name: 'used memory of an idle subscriber, collected',
        unit: 'kB',
        value: ((usedIdle - usedBefore) * 1000) / count,
      },
    ];
  },
};

const clientProcesses = 2;
const timeoutMs = 180_000;

function settingOf({ isQuick }: Turn) {
  return isQuick ? { subscribers: 20, history: 5, after: 0.2 } : { subscribers: 10_000, history: 10, after: 5 };
}

/** Creates an order, and returns the id of its event. Tries again while the server is overloaded, as a shop does. */
async function createMarker({ url, token, database }: Product): Promise<string> {
  const variables = orderInputOf(timedNumber());
  for (;;) {
    try {
      const { createOrder } = await askGraphql<{ createOrder: { id: string } }>(url, token, createOrderText, variables);
      const { rows } = await database.pool.query<{ id: string }>('select id from events where order_id = $1', [
        createOrder.id,
      ]);
      return rows[0]?.id ?? '';
    } catch (error) {
      if (!String(error).includes('OVERLOADED')) throw error;
      await delay(100);
    }
  }
}

async function createSteadily({ url, token }: Product, isOver: { readonly now: boolean }) {
  let [created, refused] = [0, 0];
  while (!isOver.now) {
    await askGraphql(url, token, createOrderText, orderInputOf(timedNumber())).then(
      () => {
        created += 1;
      },
      () => {
        refused += 1;
      },
    );
    await delay(1000);
  }
  return { created, refused };
}

async function readLog(product: Product): Promise<readonly string[]> {
  const { id } = await firstMerchantOf(product);
  const { rows } = await product.database.pool.query<{ id: string }>(
    'select id from events where merchant_id = $1 order by epoch, xid, pos',
    [id],
  );
  return rows.map((row) => row.id);
}
