import type { CallbackFault, RequestFault } from '../../sandbox/faults.ts';
import { callbackFaults } from '../../sandbox/faults.ts';
import type { PaymentMethod } from '../../src/domain/payment.ts';
import type { Dice } from './dice.ts';
import { questions } from './scene.ts';
import type { FaultRule, Step } from './schedule.ts';

const hourMs = 3_600_000;

/** Delays longer than the client's timeout, or far below it. Several medium delays in one check could add up to more than its lease. */
const delaysMs = [500, 3000, 20_000, 60_000];

type Match = NonNullable<FaultRule['match']>;

/** Faults that every provider supports. */
const commonFaults: readonly RequestFault[] = [
  ...(['delay', 'delay_after', 'timeout_before', 'timeout_after', 'reset_before', 'reset_after'] as const),
  ...(['error_500_before', 'error_500_after', 'rate_limit', 'malformed'] as const),
];

/** The faults of one provider. A rule that the provider does not support would never be used up. */
type Habits = {
  readonly faults: readonly RequestFault[];
  /** The calls that a step is likely to cause. */
  readonly calls: Readonly<Partial<Record<Step['kind'], readonly Match[]>>>;
  /** All queries. */
  readonly questions: readonly Match[];
  readonly callbacks: readonly (readonly [weight: number, type: string])[];
  /**
   * Callbacks whose manipulation can be detected and that may be lost. A callback about a console refund carries no id of ours, so its
   * manipulation cannot be detected; one that the provider reports in no other way must not be lost.
   */
  readonly provable: readonly Match[];
};

const [stripeQuestion = {}, wechatpayQuestion = {}, ...alipayQuestions] = questions;
const cardClosing = ['payment_intents.cancel', 'checkout.sessions.expire', 'payment_intents.retrieve'].map(operation);
const alipayClosing = ['alipay.trade.close', 'alipay.trade.query'].map(operation);
const wechatpayClosing = ['transactions.close', 'transactions.query'].map(operation);

const habitsOf: Readonly<Record<PaymentMethod, Habits>> = {
  CARD: {
    faults: [...commonFaults, 'lock_timeout'],
    calls: {
      pay: ['payment_intents.create', 'checkout.sessions.create', 'payment_intents.list'].map(operation),
      capture: ['payment_intents.capture', 'payment_intents.retrieve'].map(operation),
      refund: ['refunds.create', 'refunds.list'].map((name) => ({ ...operation(name), path: '/v1' })),
      cancelOrder: cardClosing,
      cancelPayment: cardClosing,
    },
    questions: [stripeQuestion],
    callbacks: [
      [4, '*'],
      [3, 'payment_intent.*'],
      [2, 'payment_intent.succeeded'],
      [1, 'checkout.session.*'],
      [2, 'refund.*'],
    ],
    provable: ['*', 'payment_intent.*', 'payment_intent.succeeded', 'checkout.session.*', 'refund.*'].map((type) => ({
      ...{ type, contains: 'payment_id' },
    })),
  },
  ALIPAY: {
    faults: [...commonFaults, 'bad_signature', 'unsigned', 'system_error', 'gbk'],
    calls: {
      pay: ['alipay.trade.precreate', 'alipay.trade.query', 'alipay.trade.close'].map(operation),
      refund: ['alipay.trade.refund', 'alipay.trade.fastpay.refund.query'].map(operation),
      cancelOrder: alipayClosing,
      cancelPayment: alipayClosing,
    },
    questions: alipayQuestions,
    callbacks: [
      [4, '*'],
      [3, 'TRADE_SUCCESS'],
      [1, 'TRADE_CLOSED'],
      [2, '*.refund'],
    ],
    provable: [{ type: 'TRADE_SUCCESS' }, { type: '*.refund', contains: 'rfd_' }],
  },
  WECHAT_PAY: {
    faults: [
      ...commonFaults,
      ...(['bad_signature', 'unsigned', 'system_error', 'wrong_serial', 'probe', 'user_paying'] as const),
    ],
    calls: {
      pay: ['native.create', 'jsapi.create', 'h5.create', 'transactions.query'].map(operation),
      refund: ['refunds.create', 'refunds.query'].map((name) => ({ ...operation(name), path: '/v3' })),
      cancelOrder: wechatpayClosing,
      cancelPayment: wechatpayClosing,
    },
    questions: [wechatpayQuestion],
    callbacks: [
      [4, '*'],
      [4, 'TRANSACTION.*'],
      [3, 'REFUND.*'],
    ],
    provable: [{ type: 'TRANSACTION.*' }, { type: 'REFUND.*', contains: 'rfd_' }],
  },
};

/** Replaces one of these callbacks by one of another account. */
export function ofAnotherAccount(dice: Dice, method: PaymentMethod): FaultRule {
  const match = dice.pick(habitsOf[method].provable);
  return { fault: 'another_account', target: 'callback', match, times: dice.int(1, 3) };
}

/** The faults that can be injected around a step of an order with this method. */
export function faultsFor(dice: Dice, step: Step, method: PaymentMethod): FaultRule[] {
  const count = dice.weigh([
    [4, 1],
    [2, 2],
    [1, 3],
  ] as const);
  return Array.from({ length: count }, () => faultFor(dice, step, habitsOf[method]));
}

function faultFor(dice: Dice, step: Step, habits: Habits): FaultRule {
  const isOfCallbacks = dice.hit(step.kind === 'buy' || step.kind === 'console' || step.kind === 'pass' ? 0.85 : 0.3);
  if (isOfCallbacks) return callbackFault(dice, habits);
  return requestFault(dice, habits, dice.pick(habits.calls[step.kind] ?? habits.questions));
}

function requestFault(dice: Dice, { faults }: Habits, match: Match): FaultRule {
  const times = dice.weigh([
    [4, 1],
    [2, 2],
    [1, 6],
  ] as const);
  return { fault: dice.pick(faults), target: 'request', match, times, ms: dice.pick(delaysMs) };
}

/** Signed callbacks that must not change anything. */
const tellNothingTrue: ReadonlySet<CallbackFault> = new Set([
  'wrong_amount',
  'unknown_status',
  'unreadable',
  'another_account',
]);

function callbackFault(dice: Dice, { callbacks, provable }: Habits): FaultRule {
  const fault: CallbackFault = dice.pick(callbackFaults);
  const type = dice.weigh(callbacks);
  const times = dice.weigh([
    [3, 1],
    [2, 3],
    [1, 9],
  ] as const);
  const rule: FaultRule = { fault, target: 'callback', match: { type }, times };
  if (fault === 'duplicate') return { ...rule, count: 5 };
  if (tellNothingTrue.has(fault)) return { ...rule, match: dice.pick(provable) };
  return fault === 'delay' ? { ...rule, ms: dice.pick([2000, 40_000, hourMs, 20 * hourMs]) } : rule;
}

function operation(name: string): Match {
  return { operation: name };
}
