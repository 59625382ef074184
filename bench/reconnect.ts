import { setTimeout as delay } from 'node:timers/promises';
import type { BareBroadcastCalls } from './processes/bare-broadcast.ts';
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
    '10,000 subscribers of `merchantEvents` whose connections are cut at once. Each returns at once with its own last cursor, up to nine events back, while one order a second ' +
    'is created. At the end, what each received is compared with the log.',
  limitSummary:
    'a server that accepts every WebSocket and every subscription, and sends nothing. Its clients only connect again.',
  async product(turn) {
    const product = await startProduct(turn, inspectable);
    const inspector = await openInspector(product, turn.scope);
    const { url, token, pid } = product;
    const target = { url, token, after: await logEndOf(url, token) };
    const usedBefore = await inspector.usedMb();
    const crowd = await gather(turn, target, pid, () => createMarker(product));
    const used = (((await inspector.usedMb()) - usedBefore) * 1000) / crowd.count;

    turn.say('some events for all');
    for (let event = 0; event < settingOf(turn).history; event += 1) await createMarker(product);
    await crowd.awaitEvent(await createMarker(product));

    turn.say('all are cut and return');
    const orders = createSteadily(product);
    const [cutMs, beforeMs] = [machineMs(), cpuMsOf(pid)];
    const returning = crowd.cutAndReturn();
    const areBack = await crowd.awaitEvent(await createMarker(product));
    const [backMs, cpuMs] = [machineMs() - cutMs, cpuMsOf(pid) - beforeMs];
    const connectedMs = await returning;
    await delay(turn.isQuick ? 200 : 5000);
    const made = await orders.stop();
    await crowd.awaitEvent(await createMarker(product));
    const log = await readLog(product);
    const { gaps, repeats, refused } = await crowd.compare(log);
    return [
      { name: 'subscribers', unit: 'count', value: crowd.count },
      { name: 'all connected again after', unit: 's', value: connectedMs / 1000 },
      { name: 'all up to date again after', unit: 's', value: areBack ? backMs / 1000 : null },
      { name: 'CPU of a return', unit: 'µs', value: (cpuMs * 1000) / crowd.count },
      { name: 'orders created meanwhile', unit: 'count', value: made.created },
      { name: 'orders refused meanwhile', unit: 'count', value: made.refused },
      { name: 'events in the log', unit: 'count', value: log.length },
      { name: 'gaps', unit: 'count', value: gaps },
      { name: 'repeats', unit: 'count', value: repeats },
      { name: 'subscriptions ended by the server', unit: 'count', value: refused },
      { name: 'resident memory of an idle subscriber', unit: 'kB', value: crowd.rssKb },
      { name: 'used memory of an idle subscriber, collected', unit: 'kB', value: used },
    ];
  },
  async limit(turn) {
    const bare = turn.scope.keep(openProcess<BareBroadcastCalls>('bare-broadcast'));
    const url = await bare.call('listen', {});
    const crowd = await gather(turn, { url, token: '', after: '' }, bare.pid, null);
    turn.say('all are cut and return');
    const beforeMs = cpuMsOf(bare.pid);
    const connectedMs = await crowd.cutAndReturn();
    const cpuMs = cpuMsOf(bare.pid) - beforeMs;
    return [
      { name: 'all connected again after', unit: 's', value: connectedMs / 1000 },
      { name: 'CPU of a return', unit: 'µs', value: (cpuMs * 1000) / crowd.count },
      { name: 'resident memory of an idle subscriber', unit: 'kB', value: crowd.rssKb },
    ];
  },
};

type Target = { readonly url: string; readonly token: string; readonly after: string };

/**
 * Connects the subscribers, in processes of their own, and measures the server's memory for each.
 *
 * @param createFirst causes an event and returns its id. All have subscribed when they have received it. Null for a server without events.
 */
async function gather(turn: Turn, target: Target, pid: number, createFirst: (() => Promise<string>) | null) {
  const { subscribers } = settingOf(turn);
  const clientProcesses = clientProcessesOf(turn);
  const clients = Array.from({ length: clientProcesses }, () =>
    turn.scope.keep(openProcess<SubscriberCalls>('subscribers')),
  );
  const all = <T>(call: (client: (typeof clients)[number]) => Promise<T>) => Promise.all(clients.map(call));
  async function awaitEvent(id: string): Promise<boolean> {
    const received = await all((client) => client.call('awaitEvent', { id, timeoutMs }));
    return received.every(Boolean);
  }
  turn.say(`connecting ${subscribers} subscribers`);
  const rssBefore = rssMbOf(pid);
  await all((client) => client.call('keepEvents', undefined));
  const each = Math.ceil(subscribers / clientProcesses);
  await all((client) => client.call('connect', { ...target, count: each }));
  if (createFirst !== null) await awaitEvent(await createFirst());
  await delay(turn.isQuick ? 200 : 5000);
  const count = each * clientProcesses;
  const { url, token } = target;
  return {
    count,
    rssKb: ((rssMbOf(pid) - rssBefore) * 1000) / count,
    awaitEvent,
    /** The time until the last one is connected again, in milliseconds. */
    async cutAndReturn(): Promise<number> {
      return Math.max(...(await all((client) => client.call('cutAndReturn', { url, token, forgottenMax: 9 }))));
    },
    async compare(log: readonly string[]) {
      const compared = await all((client) => client.call('compare', { log }));
      const taken = await all((client) => client.call('take', undefined));
      const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
      return {
        gaps: sum(compared.map(({ gaps }) => gaps)),
        repeats: sum(compared.map(({ repeats }) => repeats)),
        refused: sum(taken.map(({ refused, closedByServer }) => refused + closedByServer)),
      };
    },
  };
}

const clientProcessesOf = ({ isQuick }: Turn) => (isQuick ? 1 : 2);
const timeoutMs = 180_000;

const settingOf = ({ isQuick }: Turn) =>
  isQuick ? { subscribers: 20, history: 5 } : { subscribers: 10_000, history: 10 };

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

/** One order a second until `stop`. */
function createSteadily({ url, token }: Product) {
  let [created, refused] = [0, 0];
  let isOver = false;
  async function create(): Promise<void> {
    while (!isOver) {
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
  }
  const creating = create();
  return {
    async stop() {
      isOver = true;
      await creating;
      return { created, refused };
    },
  };
}

async function readLog(product: Product): Promise<readonly string[]> {
  const { id } = await firstMerchantOf(product);
  const { rows } = await product.database.pool.query<{ id: string }>(
    'select id from events where merchant_id = $1 order by epoch, xid, pos',
    [id],
  );
  return rows.map((row) => row.id);
}
