import type { BareGraphqlCalls } from './processes/bare-graphql.ts';
import type { RequestsCalls, RequestsResult } from './processes/requests.ts';
import type { Bench, Measure, Turn } from './support/bench.ts';
import { inspectable, openInspector } from './support/inspector.ts';
import { openProcess } from './support/process-calls.ts';
import { startProduct } from './support/product.ts';
import { percentile } from './support/statistics.ts';

/** More mutations at once than the server can take. */
export const overload: Bench = {
  name: 'overload',
  summary: '2,000 `createOrder` at once over 2,000 open connections; five times.',
  limitSummary: 'GraphQL Yoga without plugins, whose resolvers return a constant. It refuses nothing.',
  async product(turn) {
    const product = await startProduct(turn, inspectable);
    const inspector = await openInspector(product, turn.scope);
    const { url, token } = product;
    return measureServer(turn, { url, token }, async () => {
      await inspector.watchEventLoop();
      return async () => {
        const { max, p99 } = await inspector.eventLoopMs();
        return [
          { name: 'delay of the event loop, p99', unit: 'ms', value: p99 },
          { name: 'delay of the event loop, longest', unit: 'ms', value: max },
        ];
      };
    });
  },
  async limit(turn) {
    const bare = turn.scope.keep(openProcess<BareGraphqlCalls>('bare-graphql'));
    const url = await bare.call('listen', {});
    return measureServer(turn, { url, token: '' }, async () => async () => []);
  },
};

const atOnceOf = ({ isQuick }: Turn) => (isQuick ? 50 : 2000);
const wavesOf = ({ isQuick }: Turn) => (isQuick ? 1 : 5);

async function measureServer(
  turn: Turn,
  target: { readonly url: string; readonly token: string },
  watch: () => Promise<() => Promise<Measure[]>>,
): Promise<Measure[]> {
  const requests = turn.scope.keep(openProcess<RequestsCalls>('requests'));
  const clients = atOnceOf(turn);
  turn.say(`opening ${clients} connections`);
  // Queries, as many at once as connections: the pool opens one for each.
  await requests.call('run', { ...target, operation: { kind: 'typename' }, clients, count: clients });
  await requests.call('run', { ...target, operation: { kind: 'createOrder' }, clients, count: 20 });
  const stop = await watch();
  const waves: RequestsResult[] = [];
  for (let wave = 0; wave < wavesOf(turn); wave += 1) {
    turn.say(`wave ${wave + 1} of ${wavesOf(turn)}`);
    waves.push(await requests.call('run', { ...target, operation: { kind: 'createOrder' }, clients, count: clients }));
  }
  const eventLoop = await stop();
  await requests.close();
  const doneMs = waves.flatMap((wave) => [...wave.doneMs]);
  const shedMs = waves.flatMap((wave) => [...wave.overloadedMs]);
  const sum = (of: (wave: RequestsResult) => number) => waves.reduce((total, wave) => total + of(wave), 0);
  return [
    { name: 'done, of a wave', unit: 'count', value: sum(({ done }) => done) / waves.length },
    { name: 'shed, of a wave', unit: 'count', value: sum(({ overloaded }) => overloaded) / waves.length },
    { name: 'failed otherwise', unit: 'count', value: sum(({ failed }) => failed) },
    { name: 'done, p50', unit: 'ms', value: percentile(doneMs, 0.5) },
    { name: 'done, p99', unit: 'ms', value: percentile(doneMs, 0.99) },
    { name: 'shed, p50', unit: 'ms', value: percentile(shedMs, 0.5) },
    { name: 'shed, p99', unit: 'ms', value: percentile(shedMs, 0.99) },
    { name: 'done a second', unit: '/s', value: sum(({ done }) => done) / sum(({ seconds }) => seconds) },
    ...eventLoop,
  ];
}
