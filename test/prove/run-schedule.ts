import type { Actor } from '../../src/commands/actor.ts';
import type { Database } from '../../src/database/database.ts';
import { newId } from '../../src/domain/ids.ts';
import { Buyer } from './buyer.ts';
import { checkNow, checkQuiet } from './checks.ts';
import { Clients, Names } from './clients.ts';
import { describeStep } from './describe.ts';
import { Dice } from './dice.ts';
import { History } from './history.ts';
import type { Violation } from './invariants.ts';
import { perform } from './perform.ts';
import { becomeQuiet } from './quiet.ts';
import { clearFaults, type Scene } from './scene.ts';
import type { Repeat, Schedule } from './schedule.ts';
import { patienceMs, Subscribers } from './subscribers.ts';
import type { Tally } from './tally.ts';
import { type StartNode, World } from './world.ts';

export type Stage = {
  /** Used by the checks and to create the merchant; nodes have their own connections. */
  readonly database: Database;
  readonly slots: number;
  readonly startNode: StartNode;
  readonly tally: Tally;
  /** Called before each step, so that a watchdog can report where a schedule hangs. */
  readonly onStep: (what: string) => void;
  /** Called with every detail of the run. */
  readonly trace: (what: string) => void;
};

/** `at` is the step after which it failed. */
export type Failure = { readonly violations: readonly Violation[]; readonly at: string };

const leaseOverMs = 31_000;
const dayOverMs = 25 * 3_600_000;
const repetitionsMax = 2;

const insertMerchantSql = `
  insert into merchants (id, name, late_payment_policy, return_origins, created_at, uses_environment_accounts, refund_limits)
  values ($1, $2, $3::"LatePaymentPolicy", '{*}', $4, true, $5::jsonb)`;

/** Runs one schedule, then continues until all work has ended, and checks the invariants throughout. Null when all held. */
export async function runSchedule(schedule: Schedule, stage: Stage): Promise<Failure | null> {
  const merchantId = newId('merchant');
  const world = await World.open(schedule, stage);
  const names = new Names();
  const actor: Actor = {
    ...{ merchantId, customerId: null, orderId: null, returnOrigins: ['*'], role: 'MERCHANT', id: 'server' },
  };
  const operator: Actor = { ...actor, role: 'OPERATOR', id: 'ada' };
  const scene: Scene = {
    ...{ schedule, world, names, merchantId, pool: stage.database.pool, tally: stage.tally, trace: stage.trace },
    clients: new Clients(world, actor, isFourEyes(schedule) ? operator : actor, schedule.orders, names),
    buyer: new Buyer(world),
    subscribers: new Subscribers(world, patienceMs[stage.database.kind]),
    hooks: world.hooks,
    history: new History(),
    failedAnswers: [],
    toRepeat: [],
  };
  try {
    await stage.database.pool.query(insertMerchantSql, [
      merchantId,
      `Schedule ${schedule.seed}`,
      schedule.latePaymentPolicy,
      world.now(),
      isFourEyes(schedule) ? '[]' : null,
    ]);
    await world.hooks.register(stage.database, merchantId, () => world.now());
    await clearFaults(scene, false);
    return await new Run(scene, stage).finish();
  } finally {
    await world.close();
  }
}

/** In a third of the schedules an operator requests the refunds, and each waits for another person. */
function isFourEyes({ seed }: Schedule): boolean {
  return seed % 3 === 0;
}

class Run {
  readonly #scene: Scene;
  readonly #stage: Stage;
  readonly #dice: Dice;

  constructor(scene: Scene, stage: Stage) {
    this.#scene = scene;
    this.#stage = stage;
    this.#dice = new Dice(scene.schedule.seed, 'run');
  }

  async finish(): Promise<Failure | null> {
    const { schedule, subscribers } = this.#scene;
    for (const [index, step] of schedule.steps.entries()) {
      const at = `${index + 1}. ${describeStep(step)}`;
      this.#stage.onStep(at);
      await perform(this.#scene, step);
      for (let repetition = 0; repetition < repetitionsMax && this.#scene.toRepeat.length > 0; repetition += 1) {
        const violations = await this.#settle();
        if (violations.length > 0) return { violations, at };
        await this.#repeat();
      }
      this.#scene.toRepeat = [];
      const violations = await this.#settle();
      if (violations.length > 0) return { violations, at };
      await this.#scene.clients.decideWaiting();
    }
    this.#stage.onStep('until all is quiet');
    this.#scene.hooks.isWellBehaved = true;
    await this.#resumeHooks();
    await clearFaults(this.#scene, true);
    await this.#scene.world.configure(null);
    subscribers.allComeBack();
    for await (const at of becomeQuiet(this.#scene)) {
      this.#stage.onStep(at);
      const violations = await this.#settle();
      if (violations.length > 0) return { violations, at };
      await this.#scene.clients.decideWaiting();
    }
    const violations = await checkQuiet(this.#scene);
    return violations.length > 0 ? { violations, at: 'when all was quiet' } : null;
  }

  /** Waits for the work in progress, replaces dead nodes, and runs the checks of this moment. */
  async #settle(): Promise<Violation[]> {
    const { world, subscribers } = this.#scene;
    do await world.idle();
    while (await world.revive()); // requests of dead nodes at the provider may have caused more work
    subscribers.goOn(() => this.#dice.int(0, world.slots - 1));
    await this.#resumeHooks();
    if (!world.isTouched) return [];
    world.isTouched = false;
    return checkNow(this.#scene);
  }

  #resumeHooks(): Promise<void> {
    const { hooks, merchantId, world } = this.#scene;
    return hooks.resumePaused(this.#stage.database, merchantId, () => world.now());
  }

  async #repeat(): Promise<void> {
    const { world } = this.#scene;
    const calls = this.#scene.toRepeat;
    this.#scene.toRepeat = [];
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
      await Promise.all(due.map((call) => perform(this.#scene, call)));
    }
  }
}
