import type { BareGraphqlCalls } from './processes/bare-graphql.ts';
import type { Operation, RequestsCalls } from './processes/requests.ts';
import type { Bench, Measure, Turn } from './support/bench.ts';
import { askGraphql, createOrderText, orderInputOf } from './support/graphql.ts';
import { timedNumber } from './support/order-number.ts';
import { openProcess } from './support/process-calls.ts';
import { cpuMsOf } from './support/process-usage.ts';
import { startProduct } from './support/product.ts';
import { percentile } from './support/statistics.ts';

/** Plain JSON requests. */
export const graphql: Bench = {
  name: 'graphql',
  summary: '`{ __typename }`, `order(id)` and `createOrder` as JSON posts by 16 clients over persistent connections.',
  limitSummary: 'GraphQL Yoga without plugins, whose resolvers return a constant.',
  async product(turn) {
    const { url, token, pid } = await startProduct(turn);
    const { createOrder } = await askGraphql<{ createOrder: { id: string } }>(
      url,
      token,
      createOrderText,
      orderInputOf(timedNumber()),
    );
    return measureServer(turn, { url, token, pid, orderId: createOrder.id });
  },
  async limit(turn) {
    const bare = turn.scope.keep(openProcess<BareGraphqlCalls>('bare-graphql'));
    const url = await bare.call('listen', {});
    return measureServer(turn, { url, token: '', pid: bare.pid, orderId: `ord_${'0'.repeat(26)}` });
  },
};

type Server = { readonly url: string; readonly token: string; readonly pid: number; readonly orderId: string };

const clients = 16;

async function measureServer(turn: Turn, { url, token, pid, orderId }: Server): Promise<Measure[]> {
  const requests = turn.scope.keep(openProcess<RequestsCalls>('requests'));
  const operations: readonly (readonly [string, Operation])[] = [
    ['{ __typename }', { kind: 'typename' }],
    ['order(id)', { kind: 'order', id: orderId }],
    ['createOrder', { kind: 'createOrder' }],
  ];
  const measures: Measure[] = [];
  for (const [name, operation] of operations) {
    turn.say(name);
    await requests.call('run', { url, token, operation, clients, seconds: turn.isQuick ? 0.2 : 3 });
    const beforeMs = cpuMsOf(pid);
    const result = await requests.call('run', { url, token, operation, clients, seconds: turn.isQuick ? 0.5 : 10 });
    const cpuMs = cpuMsOf(pid) - beforeMs;
    const bad = result.failed + result.overloaded;
    if (bad > 0)
      throw new Error(`${bad} requests failed beside ${result.done}, the first with: ${result.firstFailure}`);
    measures.push(
      { name, unit: '/s', value: result.done / result.seconds },
      { name: `${name}, CPU`, unit: 'µs', value: (cpuMs * 1000) / result.done },
      { name: `${name}, p50`, unit: 'ms', value: percentile(result.doneMs, 0.5) },
      { name: `${name}, p99`, unit: 'ms', value: percentile(result.doneMs, 0.99) },
    );
  }
  await requests.close();
  return measures;
}
