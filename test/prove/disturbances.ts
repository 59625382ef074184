import { eventTypes } from '../../src/domain/event.ts';
import { type Failpoint, failpoints } from '../../src/domain/failpoint.ts';
import type { PaymentMethod } from '../../src/domain/payment.ts';
import type { Dice } from './dice.ts';
import { faultsFor } from './faults.ts';
import { questions } from './scene.ts';
import { failpointsOf, isKeyed, type OrderPlan, type Step } from './schedule.ts';

const secondMs = 1000;
const hourMs = 3_600_000;

/** Subscribers from this number on follow one order each. */
const ofOneOrder = 10;

/** Disturbances between the steps of the stories: faults, crashes, timers, passing time, and subscribers. */
export function disturb(dice: Dice, steps: readonly Step[], plans: readonly OrderPlan[]): Step[] {
  const [faulty, crashing] = [dice.hit(0.75) ? 0.3 : 0, dice.hit(0.6) ? 0.25 : 0];
  const spoiling = dice.hit(0.2) ? 0.1 : 0;
  const listening = dice.int(0, 3);
  const disturbed: Step[] = [];
  for (let subscriber = 0; subscriber < listening; subscriber += 1) {
    if (dice.hit(0.5)) disturbed.push(follow(dice, subscriber, null));
  }
  for (const step of steps) {
    const aim = dice.pick(membersOf(step));
    if (dice.hit(faulty)) disturbed.push({ kind: 'fault', rules: faultsFor(dice, aim, methodOf(dice, aim, plans)) });
    if (dice.hit(isRare(aim) ? 2 * crashing : crashing)) disturbed.push(crashFor(dice, aim));
    if (dice.hit(spoiling)) disturbed.push(spoil(dice));
    disturbed.push(step);
    if (step.kind === 'create' && dice.hit(0.4)) disturbed.push(follow(dice, ofOneOrder + step.order, step.order));
    if (dice.hit(0.35)) disturbed.push(...besides(dice, step, plans, listening));
  }
  return disturbed;
}

/** The payment method of a step's order, or of some order for a step without one. */
function methodOf(dice: Dice, step: Step, plans: readonly OrderPlan[]): PaymentMethod {
  if (step.kind === 'pay') return step.method;
  const order = 'order' in step && step.order !== null ? plans[step.order] : undefined;
  return (order ?? dice.pick(plans)).method;
}

/** Runs neighbouring steps concurrently: of different orders, and of one order, which must be serialized. */
export function unitedAtTimes(dice: Dice, steps: readonly Step[]): Step[] {
  const united: Step[] = [];
  for (const step of steps) {
    const before = united.at(-1);
    const isFree = (candidate: Step): boolean => isCall(candidate) || candidate.kind === 'together';
    if (before !== undefined && isFree(before) && isFree(step) && dice.hit(0.25)) {
      united[united.length - 1] = { kind: 'together', steps: [...membersOf(before), ...membersOf(step)] };
    } else united.push(step);
  }
  return united;
}

function membersOf(step: Step): readonly Step[] {
  return step.kind === 'together' ? step.steps : [step];
}

/** Rare steps that must coincide with a crash in some schedules. */
function isRare({ kind }: Step): boolean {
  return kind === 'capture' || kind === 'resolve' || kind === 'cancelOrder' || kind === 'cancelPayment';
}

/** Steps that can run concurrently with any other. */
function isCall({ kind }: Step): boolean {
  const kinds: readonly Step['kind'][] = [
    ...([
      'pay',
      'capture',
      'refund',
      'cancelOrder',
      'cancelPayment',
      'refresh',
      'resolve',
      'buy',
      'open',
      'console',
    ] as const),
    ...(['sweep', 'pass', 'redeliver'] as const),
  ];
  return kinds.includes(kind);
}

function crashFor(dice: Dice, step: Step): Step {
  const node = dice.int(0, 1);
  if (dice.hit(0.1)) return { kind: 'kill', node };
  const prefix = failpointsOf[step.kind];
  const likely = prefix === undefined ? [] : failpoints.filter((name) => name.startsWith(prefix));
  const failpoint: Failpoint = dice.pick(likely.length > 0 && dice.hit(0.9) ? likely : failpoints);
  const at = 'node' in step && dice.hit(0.9) ? step.node : node;
  return {
    kind: 'crash',
    node: at,
    failpoint,
    nth: dice.weigh([
      [5, 1],
      [2, 2],
      [1, 3],
    ] as const),
  };
}

function spoil(dice: Dice): Step {
  const what = dice.hit(0.7) ? 'statement' : 'commit';
  return { kind: 'spoil', node: dice.int(0, 1), what, nth: what === 'statement' ? dice.int(1, 12) : dice.int(1, 3) };
}

function follow(dice: Dice, subscriber: number, order: number | null): Step {
  const from = dice.weigh([
    [3, 0],
    [3, 1],
    [2, 0.5],
  ] as const);
  const types = dice.hit(0.8) ? null : eventTypes.filter(() => dice.hit(0.4));
  // One order is followed completely.
  return { kind: 'follow', subscriber, node: dice.int(0, 1), order, from, types: order === null ? types : null };
}

function besides(dice: Dice, step: Step, plans: readonly OrderPlan[], listening: number): Step[] {
  const orders = plans.length;
  const method = methodOf(dice, step, plans);
  const order = 'order' in step && step.order !== null ? step.order : dice.int(0, orders - 1);
  const node = dice.int(0, 1);
  const subscriber = dice.hit(0.6) ? dice.int(0, Math.max(listening - 1, 0)) : ofOneOrder + order;
  return dice.weigh<() => Step[]>([
    [5, () => [{ kind: 'sweep', node }]],
    [4, () => [{ kind: 'pass', ms: dice.pick([0, secondMs, 6 * secondMs, 31 * secondMs]) }]],
    [0.5, () => [{ kind: 'pass', ms: dice.pick([10 * 60 * secondMs, hourMs, 26 * hourMs]) }]],
    [1, () => outage(dice, node)],
    [0.4, () => retirement(dice, method, node)],
    [2, () => [{ kind: 'refresh', order, payment: 'last', node }]],
    [1, () => [{ kind: 'redeliver', nth: dice.int(0, 40) }]],
    [1, () => [{ kind: 'clearFaults' }]],
    [listening > 0 ? 4 : 0, () => [follow(dice, subscriber, subscriber >= ofOneOrder ? order : null)]],
    [2, () => [{ kind: 'hangUp', subscriber }]],
    [2, () => [{ kind: 'comeBack', subscriber, node }]],
    [isKeyed(step) ? 2 : 0, () => (isKeyed(step) ? [{ ...step, spoils: dice.hit(0.5) }] : [])],
    [0.5, () => [{ kind: 'cancelOrder', order, node }]],
    [
      0.5,
      () => [
        { kind: 'resolve', order, node, latePayment: dice.pick(['ACCEPT', 'REFUND', null]), tellsFacts: dice.hit(0.5) },
      ],
    ],
  ])();
}

/** The provider answers no queries for a while, and timers repeat them. */
function outage(dice: Dice, node: number): Step[] {
  const matches = dice.hit(0.6) ? questions : [{}];
  const fault = dice.pick(['timeout_before', 'error_500_before'] as const);
  const rounds = dice.int(2, 5);
  return [
    { kind: 'fault', rules: matches.map((match) => ({ fault, match, times: 30 })) },
    ...Array.from({ length: rounds }, (): Step[] => [
      { kind: 'pass', ms: dice.pick([6, 16, 31, 61, 130]) * secondMs },
      { kind: 'sweep', node },
    ]).flat(),
    { kind: 'clearFaults' },
  ];
}

/** A provider is removed from the configuration for a while, or until all other work has ended. */
function retirement(dice: Dice, method: PaymentMethod, node: number): Step[] {
  return [
    { kind: 'retire', method },
    ...(dice.hit(0.5)
      ? ([
          { kind: 'pass', ms: dice.pick([1, 31, 3600]) * secondMs },
          { kind: 'sweep', node },
          { kind: 'restore' },
        ] as const)
      : []),
  ];
}
