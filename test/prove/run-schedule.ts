import type { Actor } from '../../src/commands/context.ts';
import type { Database } from '../../src/database/database.ts';
import { newId } from '../../src/domain/ids.ts';
import type { LogPosition } from '../../src/events/cursor.ts';
import { logStart, readLogEnd } from '../../src/events/log.ts';
import { Buyer } from './buyer.ts';
import { checkNow, checkQuiet, type Scene } from './checks.ts';
import { Clients, Names } from './clients.ts';
import { describeStep } from './describe.ts';
import { Dice } from './dice.ts';
import { History } from './history.ts';
import type { Violation } from './invariants.ts';
import type { Answer } from './node.ts';
import { becomeQuiet } from './quiet.ts';
import type { FaultRule, Repeat, Schedule, Step } from './schedule.ts';
import { patienceMs, Subscribers } from './subscribers.ts';
import type { Tally } from './tally.ts';
import { type StartNode, World } from './world.ts';

export type Stage = {
  /** For the checks, and for making the merchant; nodes have their own way to it. */
  readonly database: Database;
  readonly slots: number;
  readonly startNode: StartNode;
  readonly tally: Tally;
  /** Called with what is about to happen, so that whoever watches knows where a schedule got stuck. */
  readonly onStep: (what: string) => void;
  /** Called with every detail of what does happen. */
  readonly trace: (what: string) => void;
};

/** `at` is the step after which it failed. */
export type Failure = { readonly violations: readonly Violation[]; readonly at: string };

type Call = Extract<Step, { kind: 'create' | 'pay' | 'capture' | 'refund' }>;

const leaseOverMs = 31_000;
const dayOverMs = 25 * 3_600_000;
const repetitionsMax = 2;
const always = 1_000_000;

const insertMerchantSql = `
  insert into merchants (id, name, late_payment_policy, return_origins, created_at)
  values ($1, $2, $3::"LatePaymentPolicy", '{*}', $4)`;

/** Runs one schedule to its end and then until all is quiet, checking as it goes. Null when every invariant held. */
export async function runSchedule(schedule: Schedule, stage: Stage): Promise<Failure | null> {
  const merchantId = newId('merchant');
  const world = await World.open(schedule, stage);
  const names = new Names();
  const actor: Actor = { merchantId, returnOrigins: ['*'] };
  const scene: Scene = {
    ...{ schedule, world, names, merchantId, pool: stage.database.pool, tally: stage.tally, trace: stage.trace },
    clients: new Clients(world, actor, schedule.orders, names),
    buyer: new Buyer(world),
    subscribers: new Subscribers(world, patienceMs[stage.database.kind]),
    history: new History(),
    failedAnswers: [],
  };
  try {
    await stage.database.pool.query(insertMerchantSql, [
      merchantId,
      `Schedule ${schedule.seed}`,
      schedule.latePaymentPolicy,
      world.now(),
    ]);
    await setWeather(scene, schedule.weather.failsEveryQuery);
    return await new Run(scene, stage).finish();
  } finally {
    await world.close();
  }
}

async function setWeather({ world, schedule }: Scene, failsEveryQuery: boolean): Promise<void> {
  const rules: FaultRule[] = [];
  if (schedule.weather.dropsEveryCallback) rules.push({ fault: 'drop', match: { type: '*' }, times: always });
  if (failsEveryQuery) rules.push({ fault: 'timeout_before', match: { method: 'GET' }, times: always });
  for (const rule of rules) await world.sandbox.control('/control/faults', rule);
}

class Run {
  readonly #scene: Scene;
  readonly #stage: Stage;
  readonly #dice: Dice;
  #toRepeat: Call[] = [];

  constructor(scene: Scene, stage: Stage) {
    this.#scene = scene;
    this.#stage = stage;
    this.#dice = new Dice(scene.schedule.seed, 'run');
  }

  async finish(): Promise<Failure | null> {
    const { schedule, world, subscribers } = this.#scene;
    for (const [index, step] of schedule.steps.entries()) {
      const at = `${index + 1}. ${describeStep(step)}`;
      this.#stage.onStep(at);
      await this.#perform(step);
      for (let repetition = 0; repetition < repetitionsMax && this.#toRepeat.length > 0; repetition += 1) {
        const violations = await this.#settle();
        if (violations.length > 0) return { violations, at };
        await this.#repeat();
      }
      this.#toRepeat = [];
      const violations = await this.#settle();
      if (violations.length > 0) return { violations, at };
    }
    this.#stage.onStep('until all is quiet');
    await world.sandbox.request({ method: 'DELETE', path: '/control/faults' });
    await setWeather(this.#scene, false);
    subscribers.allComeBack();
    for await (const at of becomeQuiet(this.#scene)) {
      this.#stage.onStep(at);
      const violations = await this.#settle();
      if (violations.length > 0) return { violations, at };
    }
    const violations = await checkQuiet(this.#scene);
    return violations.length > 0 ? { violations, at: 'when all was quiet' } : null;
  }

  /** What was begun is over, the dead are replaced, and everything that must hold now is checked. */
  async #settle(): Promise<Violation[]> {
    const { world, subscribers } = this.#scene;
    do await world.idle();
    while (await world.revive()); // what the dead had begun at the provider may have led to more
    subscribers.goOn(() => this.#dice.int(0, world.slots - 1));
    if (!world.isTouched) return [];
    world.isTouched = false;
    return checkNow(this.#scene);
  }

  async #repeat(): Promise<void> {
    const { world } = this.#scene;
    const calls = this.#toRepeat;
    this.#toRepeat = [];
    const waits: readonly (readonly [Repeat, number])[] = [
      ['at once', 0],
      ['after the lease', leaseOverMs],
      ['after a day', dayOverMs],
    ];
    for (const [repeat, ms] of waits) {
      const due = calls.filter((call) => call.repeat === repeat);
      if (due.length === 0) continue;
      if (ms > 0) await world.pass(ms);
      await world.revive();
      this.#scene.tally.count('repeated', repeat, due.length);
      await Promise.all(due.map((call) => this.#perform(call)));
    }
  }

  async #perform(step: Step): Promise<void> {
    const { world, names, clients, buyer, subscribers, tally, merchantId } = this.#scene;
    let isIdle = false; // nothing was there to do it to
    switch (step.kind) {
      case 'create':
      case 'pay':
      case 'capture':
      case 'refund': {
        const answer = await clients.call(step);
        if (answer === null) isIdle = true;
        else this.#note(step.kind, answer, step);
        break;
      }
      case 'cancelOrder': {
        const orderId = names.orderId(step.order);
        if (orderId === null) isIdle = true;
        else
          this.#note(
            step.kind,
            await clients.plainCall('cancelOrder', step.node, { orderId, reason: 'changed my mind' }),
          );
        break;
      }
      case 'cancelPayment':
      case 'refresh': {
        const payment = names.payment(step.order, step.payment);
        const command = step.kind === 'refresh' ? 'refreshPayment' : 'cancelPayment';
        if (payment === null) isIdle = true;
        else this.#note(step.kind, await clients.plainCall(command, step.node, payment.id));
        break;
      }
      case 'resolve': {
        const order = names.snapshot.orders.find(({ id }) => id === names.orderId(step.order));
        if (order === undefined || order.reviewReasons.length === 0) isIdle = true;
        else {
          const { id: orderId, reviewReasons: reasons } = order;
          const resolution = { orderId, reasons, resolvedBy: 'ops', note: 'looked', latePayment: step.latePayment };
          this.#note(step.kind, await clients.plainCall('resolveReview', step.node, resolution));
        }
        break;
      }
      case 'buy':
      case 'authenticate':
      case 'console': {
        const payment = names.payment(step.order, step.payment);
        if (payment === null) isIdle = true;
        else if (step.kind === 'buy') isIdle = !(await buyer.pay(payment.id, step.card));
        else if (step.kind === 'authenticate') isIdle = !(await buyer.authenticate(payment.id, step.passes));
        else isIdle = !(await buyer.manage(payment, step.deed, step.share));
        if (!isIdle && step.kind === 'console') tally.count('console', step.deed);
        break;
      }
      case 'pass':
        await world.pass(step.ms);
        break;
      case 'sweep':
        await world.node(step.node).sweep();
        break;
      case 'redeliver':
        isIdle = !(await this.#redeliver(step.nth));
        break;
      case 'fault':
        for (const rule of step.rules) {
          tally.count('faults', rule.fault);
          await world.sandbox.control('/control/faults', rule);
        }
        break;
      case 'clearFaults':
        await world.sandbox.request({ method: 'DELETE', path: '/control/faults' });
        await setWeather(this.#scene, this.#scene.schedule.weather.failsEveryQuery);
        break;
      case 'crash':
        world.nodeToSpoil(step.node).crashAt(step.failpoint, step.nth);
        break;
      case 'kill':
        await world.node(step.node).kill();
        break;
      case 'spoil':
        world.nodeToSpoil(step.node).spoil(step.what, step.nth);
        break;
      case 'follow': {
        const orderId = step.order === null ? null : names.orderId(step.order);
        if (subscribers.has(step.subscriber) || (step.order !== null && orderId === null)) isIdle = true;
        else {
          const after = await this.#placeAt(step.from);
          subscribers.begin(step.subscriber, step.node, { merchantId, orderId, types: step.types }, after);
        }
        break;
      }
      case 'hangUp':
        subscribers.hangUp(step.subscriber);
        break;
      case 'comeBack':
        subscribers.comeBack(step.subscriber, step.node);
        break;
      case 'together':
        await Promise.all(step.steps.map((one) => this.#perform(one)));
        break;
    }
    tally.count('steps', step.kind);
    if (isIdle) tally.count('steps with nothing to do', step.kind);
  }

  async #placeAt(from: number): Promise<LogPosition> {
    const { history, pool } = this.#scene;
    if (from === 0) return logStart;
    if (from === 1) return readLogEnd(pool);
    return history.events[Math.floor(from * history.events.length)] ?? logStart;
  }

  #note(kind: string, answer: Answer, call: Call | null = null): void {
    const { tally, failedAnswers, trace } = this.#scene;
    trace(`${kind} was answered: ${JSON.stringify(answer)}`);
    tally.count(`answers to ${kind}`, answer.kind === 'refused' ? answer.code : answer.kind);
    if (answer.kind === 'failed') failedAnswers.push(`${kind} was answered with an internal error: ${answer.message}`);
    const isToBeRepeated =
      answer.kind === 'broken' ||
      answer.kind === 'failed' ||
      (answer.kind === 'refused' && answer.code === 'PROVIDER_UNAVAILABLE');
    if (isToBeRepeated && call !== null) this.#toRepeat.push(call);
  }

  /** The provider's support sends a callback once more. */
  async #redeliver(nth: number): Promise<boolean> {
    const { world } = this.#scene;
    const sent = (await world.callbacksAtSandbox()).filter(({ attempts }) => attempts.length > 0);
    const chosen = sent[nth % sent.length];
    if (chosen === undefined) return false;
    await world.sandbox.request({ method: 'POST', path: `/control/deliveries/${chosen.id}/redeliver` });
    return true;
  }
}
