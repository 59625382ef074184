import { callbackFaults, outcomeFaults, requestFaults } from '../../sandbox/faults.ts';
import { eventTypes } from '../../src/domain/event.ts';
import { failpoints } from '../../src/domain/failpoint.ts';
import type { Tally } from './tally.ts';

/** All actions of buyers and console users. */
const deedsAt = {
  STRIPE: [
    ...['buy', 'authenticate', 'refund', 'failRefund', 'decideRefund', 'lapse', 'succeed', 'finish', 'finishFailed'],
    ...['close', 'refundTwin'],
  ],
  ALIPAY: ['buy', 'open', 'leave', 'refund', 'decideRefund', 'succeed', 'close', 'finishTrade'],
  WECHATPAY: ['buy', 'open', 'leave', 'refund', 'decideRefund', 'succeed', 'finish', 'finishFailed', 'close'],
} as const;

/** Lists the actions and states that a run did not reach, and therefore does not prove anything about. */
export function neverReached(tally: Tally): string[] {
  const wanted: readonly (readonly [what: string, kind: string, names: readonly string[]])[] = [
    ['events that never happened', 'events', eventTypes],
    ['failpoints where nothing has died', 'deaths', failpoints],
    ['what never happened at Stripe', 'at STRIPE', deedsAt.STRIPE],
    ['what never happened at Alipay', 'at ALIPAY', deedsAt.ALIPAY],
    ['what never happened at WeChat Pay', 'at WECHATPAY', deedsAt.WECHATPAY],
    ['faults that were never planned', 'faults', [...requestFaults, ...callbackFaults, ...outcomeFaults]],
  ];
  return wanted.flatMap(([what, kind, names]) => {
    const missing = names.filter((name) => tally.of(kind, name) === 0);
    return missing.length === 0 ? [] : [`${what}: ${missing.join(', ')}`];
  });
}
