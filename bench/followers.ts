import { setTimeout as delay } from 'node:timers/promises';
import type { RequestsCalls } from './processes/requests.ts';
import type { SubscriberCalls } from './processes/subscribers.ts';
import type { Bench, Measure, Turn } from './support/bench.ts';
import { logEndOf } from './support/graphql.ts';
import { openProcess } from './support/process-calls.ts';
import { rssMbOf, watchRss } from './support/process-usage.ts';
import { startProduct } from './support/product.ts';
import { percentile } from './support/statistics.ts';

/** What followers cost those who pay, whether they read or not. */
export const followers: Bench = {
  name: 'followers',
  summary:
    'orders that eight clients create before and beside followers of `merchantEvents` who read or have stalled; then many events beside stalled followers and one who reads.',
  limitSummary: null,
  limit: null,
  async product(turn) {
    const measures: Measure[] = [];
    for (const count of turn.isQuick ? [5] : [100, 300]) {
      for (const isStalled of [false, true]) {
        const kind = `${count} ${isStalled ? 'stalled' : 'reading'} followers`;
        turn.say(kind);
        const { alone, beside } = await measureOrders(turn, count, isStalled);
        measures.push({ name: `orders before ${kind}`, unit: '/s', value: alone });
        measures.push({ name: `orders beside ${kind}`, unit: '/s', value: beside });
        measures.push({ name: `orders beside by before, ${kind}`, unit: 'ratio', value: beside / alone });
      }
    }
    return [...measures, ...(await measureStalled(turn))];
  },
};

const operation = { kind: 'createOrder' } as const;

/** Orders per second before and beside followers, on a server of their own, so that no group leaves anything to the next. */
async function measureOrders(turn: Turn, count: number, isStalled: boolean) {
  const { url, token, close } = await startProduct(turn);
  const subscribers = turn.scope.keep(openProcess<SubscriberCalls>('subscribers'));
  const requests = turn.scope.keep(openProcess<RequestsCalls>('requests'));
  const create = (seconds: number) => requests.call('run', { url, token, operation, clients: 8, seconds });
  await create(turn.isQuick ? 0.2 : 3);
  const alone = await create(turn.isQuick ? 0.5 : 10);
  const after = await logEndOf(url, token);
  await subscribers.call('connect', { url, token, after, count, isStalled, onlyCounts: true });
  const warmup = await create(turn.isQuick ? 0.2 : 3);
  const beside = await create(turn.isQuick ? 0.5 : 10);
  const expected = (warmup.done + beside.done) * count;
  const isTold = isStalled || (await subscribers.call('awaitDeliveries', { count: expected, timeoutMs: 60_000 }));
  if (!isTold)
    throw new Error(`The ${count} followers have not received all events of ${warmup.done + beside.done} orders.`);
  await Promise.all([subscribers, requests].map((process) => process.close()));
  await close();
  const rateOf = ({ done, seconds }: { readonly done: number; readonly seconds: number }) => done / seconds;
  return { alone: rateOf(alone), beside: rateOf(beside) };
}

async function measureStalled(turn: Turn): Promise<Measure[]> {
  const [stalled, events] = turn.isQuick ? [5, 50] : [300, 5000];
  turn.say(`${events} events beside ${stalled} stalled followers`);
  const { url, token, pid, close } = await startProduct(turn);
  const after = await logEndOf(url, token);
  const stalledOnes = turn.scope.keep(openProcess<SubscriberCalls>('subscribers'));
  const healthyOne = turn.scope.keep(openProcess<SubscriberCalls>('subscribers'));
  const requests = turn.scope.keep(openProcess<RequestsCalls>('requests'));
  await requests.call('run', { url, token, operation, clients: 8, count: turn.isQuick ? 20 : 500 });
  await stalledOnes.call('connect', { url, token, after, count: stalled, isStalled: true });
  await healthyOne.call('connect', { url, token, after: await logEndOf(url, token), count: 1 });
  await delay(turn.isQuick ? 100 : 2000);
  const beforeMb = rssMbOf(pid);
  const watched = watchRss(pid);
  const made = await requests.call('run', { url, token, operation, clients: 8, count: events });
  const isTold = await healthyOne.call('awaitDeliveries', { count: made.done, timeoutMs: 120_000 });
  const peakMb = watched.stop();
  const { latenciesMs } = await healthyOne.call('take', undefined);
  const { closedByServer } = await stalledOnes.call('take', undefined);
  await Promise.all([stalledOnes, healthyOne, requests].map((process) => process.close()));
  await close();
  const name = `${stalled} stalled, ${events} events`;
  return [
    { name: `${name}: memory growth at the peak`, unit: 'MB', value: peakMb - beforeMb },
    { name: `${name}: orders`, unit: '/s', value: made.done / made.seconds },
    { name: `${name}: OVERLOADED`, unit: 'count', value: made.overloaded },
    { name: `${name}: healthy follower, p50`, unit: 'ms', value: percentile(latenciesMs, 0.5) },
    { name: `${name}: healthy follower, p99`, unit: 'ms', value: isTold ? percentile(latenciesMs, 0.99) : null },
    { name: `${name}: stalled ones closed by the server`, unit: 'count', value: closedByServer },
  ];
}
