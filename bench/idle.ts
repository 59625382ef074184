import { setTimeout as delay } from 'node:timers/promises';
import type { BareGraphqlCalls } from './processes/bare-graphql.ts';
import type { Bench, Measure, Turn } from './support/bench.ts';
import { askGraphql } from './support/graphql.ts';
import { openProcess } from './support/process-calls.ts';
import { cpuMsOf, rssMbOf } from './support/process-usage.ts';
import { startProduct } from './support/product.ts';
import { countStatements } from './support/statement-counter.ts';

/** A server that nobody asks. */
export const idle: Bench = {
  name: 'idle',
  summary: 'a server on PostgreSQL that nobody asks, after its first query.',
  limitSummary: 'GraphQL Yoga without plugins, as idle.',
  async product(turn) {
    const counter = await countStatements(turn);
    const { url, token, pid } = await startProduct(turn, {}, counter.database);
    await askGraphql(url, token, '{ __typename }');
    const before = counter.total();
    const seconds = secondsOf(turn);
    const measures = await measureServer(turn, pid);
    return [...measures, { name: 'statements', unit: '/min', value: ((counter.total() - before) / seconds) * 60 }];
  },
  async limit(turn) {
    const bare = turn.scope.keep(openProcess<BareGraphqlCalls>('bare-graphql'));
    await askGraphql(await bare.call('listen', {}), '', '{ __typename }');
    return measureServer(turn, bare.pid);
  },
};

const secondsOf = ({ isQuick }: Turn) => (isQuick ? 1 : 60);

async function measureServer(turn: Turn, pid: number): Promise<Measure[]> {
  turn.say('waiting');
  await delay(turn.isQuick ? 0 : 5000);
  const beforeMs = cpuMsOf(pid);
  await delay(secondsOf(turn) * 1000);
  return [
    { name: 'CPU of a minute', unit: 'ms', value: ((cpuMsOf(pid) - beforeMs) / secondsOf(turn)) * 60 },
    { name: 'resident memory', unit: 'MB', value: rssMbOf(pid) },
  ];
}
