import type { Database } from '../../src/database/database.ts';
import type { Buyer } from './buyer.ts';
import type { Clients, Names } from './clients.ts';
import type { History } from './history.ts';
import type { MerchantHooks } from './merchant-hooks.ts';
import type { FaultRule, KeyedStep, Schedule } from './schedule.ts';
import type { Subscribers } from './subscribers.ts';
import type { Tally } from './tally.ts';
import type { World } from './world.ts';

/** All participants of a running schedule. */
export type Scene = {
  readonly schedule: Schedule;
  readonly world: World;
  readonly names: Names;
  readonly merchantId: string;
  readonly pool: Database['pool'];
  readonly clients: Clients;
  readonly buyer: Buyer;
  readonly subscribers: Subscribers;
  readonly hooks: MerchantHooks;
  readonly history: History;
  readonly tally: Tally;
  readonly trace: (what: string) => void;
  /** Internal errors in answers to clients since the last check. */
  failedAnswers: string[];
  /** Calls without an answer, which their clients will repeat. */
  toRepeat: KeyedStep[];
};

/** A repeat count that is never used up. */
const always = 1_000_000;

/** Matches queries. Stripe and WeChat Pay use GET; Alipay uses POST for everything. */
export const questions: readonly NonNullable<FaultRule['match']>[] = [
  { method: 'GET', path: '/v1' },
  { method: 'GET', path: '/v3' },
  { operation: 'alipay.trade.query' },
  { operation: 'alipay.trade.fastpay.refund.query' },
];

/** Clears all faults except those for the whole schedule; of these, unanswered queries are cleared at the end. */
export async function clearFaults({ world, schedule }: Scene, isInTheEnd: boolean): Promise<void> {
  const { dropsEveryCallback, failsEveryQuery } = schedule.weather;
  const rules: FaultRule[] = [];
  if (dropsEveryCallback) rules.push({ fault: 'drop', match: { type: '*' }, times: always });
  if (failsEveryQuery && !isInTheEnd) {
    for (const match of questions) rules.push({ fault: 'timeout_before', match, times: always });
  }
  await world.sandbox.request({ method: 'DELETE', path: '/control/faults' });
  for (const rule of rules) await world.sandbox.control('/control/faults', rule);
}
