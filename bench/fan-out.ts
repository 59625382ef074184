import type { BareBroadcastCalls } from './processes/bare-broadcast.ts';
import type { RequestsCalls, RequestsResult } from './processes/requests.ts';
import type { SubscriberCalls } from './processes/subscribers.ts';
import type { Bench, Measure, Turn } from './support/bench.ts';
import { logEndOf } from './support/graphql.ts';
import { type BenchProcess, openProcess } from './support/process-calls.ts';
import { cpuMsOf } from './support/process-usage.ts';
import { startProduct } from './support/product.ts';
import { countStatements } from './support/statement-counter.ts';
import { joined, median, percentile } from './support/statistics.ts';

/** One event to many dashboards, a burst of events, and payments beside it. */
export const fanOut: Bench = {
  name: 'fan-out',
  summary:
    'one event to many `merchantEvents` subscribers over WebSocket, from the request that causes it to its receipt; then a burst of events; ' +
    'then eight clients that create orders as fast as they are answered.',
  limitSummary: 'a server that broadcasts one text over `ws`, without a database.',
  async product(turn) {
    const measures: Measure[] = [];
    for (const subscribers of sizesOf(turn)) {
      turn.say(`${subscribers} subscribers`);
      const product = await startProduct(turn);
      const after = await logEndOf(product.url, product.token);
      measures.push(...(await measureServer(turn, { ...product, after }, subscribers)));
      measures.push({ name: `log lines, kB, ${subscribers}`, unit: 'kB', value: product.logBytes() / 1000 });
      await product.close();
    }
    return [...measures, ...(await measureStatements(turn))];
  },
  async limit(turn) {
    const measures: Measure[] = [];
    for (const subscribers of sizesOf(turn)) {
      turn.say(`${subscribers} subscribers`);
      const bare = turn.scope.keep(openProcess<BareBroadcastCalls>('bare-broadcast'));
      const url = await bare.call('listen', {});
      measures.push(...(await measureServer(turn, { url, token: '', after: '', pid: bare.pid }, subscribers)));
      await bare.close();
    }
    return measures;
  },
};

const sizesOf = ({ isQuick }: Turn) => (isQuick ? [20] : [1000, 5000]);
const clientProcessesOf = ({ isQuick }: Turn) => (isQuick ? 1 : 2);
const singlesOf = ({ isQuick }: Turn) => (isQuick ? 2 : 5);
const burstOf = ({ isQuick }: Turn) => (isQuick ? 5 : 20);
const besideSecondsOf = ({ isQuick }: Turn) => (isQuick ? 0.5 : 10);
const timeoutMs = 120_000;

type Server = { readonly url: string; readonly token: string; readonly after: string; readonly pid: number };
type Clients = readonly BenchProcess<SubscriberCalls>[];

async function measureServer(turn: Turn, server: Server, subscribers: number): Promise<Measure[]> {
  const clientProcesses = clientProcessesOf(turn);
  const clients: Clients = Array.from({ length: clientProcesses }, () =>
    turn.scope.keep(openProcess<SubscriberCalls>('subscribers')),
  );
  const requests = turn.scope.keep(openProcess<RequestsCalls>('requests'));
  const { url, token, after } = server;
  const each = Math.ceil(subscribers / clientProcesses);
  await Promise.all(clients.map((client) => client.call('connect', { url, token, after, count: each })));
  const target = { url, token, operation: { kind: 'createOrder' } as const };
  const create = (count: number, clients: number) =>
    requests.call('run', { ...target, count, clients, repeatsOverloaded: true });
  const reached = each * clientProcesses;
  await awaitAll(clients, await create(1, 1), each); // the first deliveries are slower

  const single: Float64Array[] = [];
  let missing = 0;
  for (let event = 0; event < singlesOf(turn); event += 1) {
    turn.say(`${subscribers} subscribers, event ${event + 1} of ${singlesOf(turn)}`);
    const { latenciesMs } = await awaitAll(clients, await create(1, 1), each);
    missing += reached - latenciesMs.length;
    single.push(latenciesMs);
  }
  turn.say(`${subscribers} subscribers, a burst`);
  const beforeMs = cpuMsOf(server.pid);
  const made = await create(burstOf(turn), 8);
  const burst = await awaitAll(clients, made, each);
  const cpuMs = cpuMsOf(server.pid) - beforeMs;
  turn.say(`${subscribers} subscribers, orders beside them`);
  const beside = await requests.call('run', { ...target, clients: 8, seconds: besideSecondsOf(turn) });
  const rest = await awaitAll(clients, beside, each);
  await Promise.all([...clients, requests].map((process) => process.close()));
  const name = (what: string) => `${what}, ${subscribers}`;
  const singleMs = joined(single);
  return [
    { name: name('one event, p50'), unit: 'ms', value: percentile(singleMs, 0.5) },
    { name: name('one event, p99'), unit: 'ms', value: percentile(singleMs, 0.99) },
    { name: name('one event, not received within 2 min'), unit: 'count', value: missing },
    { name: name('deliveries'), unit: '/s', value: burst.latenciesMs.length / ((burst.lastMs - made.beganMs) / 1000) },
    { name: name('CPU of a delivery'), unit: 'µs', value: (cpuMs * 1000) / burst.latenciesMs.length },
    { name: name('orders beside'), unit: '/s', value: beside.done / beside.seconds },
    { name: name('orders beside, OVERLOADED'), unit: 'count', value: beside.overloaded },
    { name: name('orders beside, other failures'), unit: 'count', value: beside.failed },
    { name: name('order beside, p99'), unit: 'ms', value: percentile(beside.doneMs, 0.99) },
    { name: name('orders beside, last event after the last order'), unit: 's', value: lagOf(beside, rest.lastMs) },
    { name: name('sockets closed by the server'), unit: 'count', value: burst.closedByServer + rest.closedByServer },
  ];
}

function lagOf({ beganMs, seconds }: RequestsResult, lastMs: number): number {
  return Math.max(0, (lastMs - beganMs) / 1000 - seconds);
}

/** Waits until all have received the event of each created order, and returns what they received. */
async function awaitAll(clients: Clients, { done }: RequestsResult, each: number) {
  await Promise.all(clients.map((client) => client.call('awaitDeliveries', { count: done * each, timeoutMs })));
  const taken = await Promise.all(clients.map((client) => client.call('take', undefined)));
  return {
    latenciesMs: joined(taken.map(({ latenciesMs }) => latenciesMs)),
    lastMs: Math.max(...taken.map(({ lastMs }) => lastMs)),
    closedByServer: taken.reduce((sum, { closedByServer }) => sum + closedByServer, 0),
  };
}

/** The statements of one order with few and with many subscribers, less those of an idle server. */
async function measureStatements(turn: Turn): Promise<Measure[]> {
  const measures: Measure[] = [];
  for (const subscribers of turn.isQuick ? [2, 20] : [10, 1000]) {
    turn.say(`the statements of one event, ${subscribers} subscribers`);
    const counter = await countStatements(turn);
    const product = await startProduct(turn, {}, counter.database);
    const { url, token } = product;
    const client = turn.scope.keep(openProcess<SubscriberCalls>('subscribers'));
    const requests = turn.scope.keep(openProcess<RequestsCalls>('requests'));
    await client.call('connect', { url, token, after: await logEndOf(url, token), count: subscribers });
    const create = { url, token, operation: { kind: 'createOrder' } as const, clients: 1, count: 1 };
    await awaitAll([client], await requests.call('run', create), subscribers);
    const windowMs = turn.isQuick ? 300 : 2000;
    const idle: number[] = [];
    const counted: { statements: number; seconds: number }[] = [];
    for (let repeat = 0; repeat < 3; repeat += 1) {
      const { statements, seconds } = await counter.during(windowMs);
      idle.push(statements / seconds);
      counted.push(
        await counter.during(windowMs, async () => {
          await awaitAll([client], await requests.call('run', create), subscribers);
        }),
      );
    }
    // Subscribers whose last event is held back by a transaction elsewhere on the server ask again and again: the quietest window is idle.
    const idleRate = Math.min(...idle);
    const value = median(counted.map(({ statements, seconds }) => Math.max(0, statements - idleRate * seconds)));
    measures.push({ name: `statements of an order and its event, ${subscribers}`, unit: 'count', value });
    await Promise.all([client, requests].map((process) => process.close()));
    await product.close();
  }
  return measures;
}
