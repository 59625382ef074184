import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyRefundReport, compareReturned } from '../../src/domain/apply-refund-report.ts';
import type { OrderEvent } from '../../src/domain/event.ts';
import { factsOfPayment } from '../../src/domain/order-change.ts';
import { sumsOf } from '../../src/domain/order-sums.ts';
import { refundableMinor } from '../../src/domain/payment.ts';
import { isReserved, mayFollowRefund, type RefundStatus, surplusRefundIdOf } from '../../src/domain/refund.ts';
import { markRefundUnknown, postponeRefundCheck } from '../../src/domain/refund-checks.ts';
import type { RefundReport, ReportOutcome } from '../../src/domain/report.ts';
import { startRefund } from '../../src/domain/start-refund.ts';
import { searchOf } from '../support/search.ts';
import { aReport, firstId, OrderStory, second, totalMinor } from './order-story.ts';
import { readTrigger } from './transition-table.ts';

const ours = 'rfd_00000000000000000000000001';
const consoles = 'rfd_00000000000000000000000009';

const failure = { reason: 'provider_error', message: 'No.', providerCode: null, attempt: null };

function aRefundReport(status: RefundReport['status'], said: Partial<RefundReport> = {}): RefundReport {
  return {
    refundId: ours,
    providerRefundId: 're_ours',
    status,
    amountMinor: 600n,
    currency: 'EUR',
    reason: null,
    failure: status === 'FAILED' ? failure : null,
    evidence: { source: 'CALLBACK', providerTime: second(20), receivedAt: second(20) },
    ...said,
  };
}

/** A paid order of 1000. `ask` requests a refund, of 600 by default. */
class RefundStory extends OrderStory {
  constructor() {
    super();
    this.pay().report(aReport(firstId, 'SUCCEEDED'));
  }

  ask(id = ours, amountMinor = 600n): this {
    const checkAt = second(60);
    this.decide((change) =>
      startRefund(change, {
        ...{ id, paymentId: firstId, origin: 'REQUESTED', amountMinor, reason: null, checkAt, leasedUntil: checkAt },
      }),
    );
    return this;
  }

  applyReport(report: RefundReport, newId = consoles): ReportOutcome {
    return this.decide((change) => applyRefundReport(change, firstId, report, newId));
  }

  refund(id = ours) {
    return this.held.refunds.find((refund) => refund.id === id);
  }

  get money() {
    const { capturedMinor, refundedMinor, reservedMinor } = this.payment();
    return { capturedMinor, refundedMinor, reservedMinor };
  }
}

describe('a requested refund', () => {
  test('reserves its amount immediately', () => {
    const story = new RefundStory();
    expect(story.eventsOf(() => story.ask())).toEqual(['REFUND_REQUESTED']);
    expect(story.money).toEqual({ capturedMinor: totalMinor, refundedMinor: 0n, reservedMinor: 600n });
  });

  test('has one event for each status change', () => {
    const story = new RefundStory().ask();
    expect(story.eventsOf(() => story.applyReport(aRefundReport('PENDING')))).toEqual(['REFUND_PENDING']);
    expect(story.eventsOf(() => story.applyReport(aRefundReport('PENDING')))).toEqual([]);
    expect(story.eventsOf(() => story.applyReport(aRefundReport('SUCCEEDED')))).toEqual(['REFUND_SUCCEEDED']);
    expect(story.eventsOf(() => story.applyReport(aRefundReport('SUCCEEDED')))).toEqual([]);
    expect(story.money).toEqual({ capturedMinor: totalMinor, refundedMinor: 600n, reservedMinor: 0n });
    expect(story.order.paymentStatus).toBe('PARTIALLY_REFUNDED');
    expect(story.eventsOf(() => story.applyReport(aRefundReport('FAILED')))).toEqual([
      'REFUND_FAILED',
      'ORDER_REVIEW_NEEDED',
    ]);
    expect(story.money).toEqual({ capturedMinor: totalMinor, refundedMinor: 0n, reservedMinor: 0n });
    expect(story.order).toMatchObject({ paymentStatus: 'PAID', reviewReasons: ['REFUND_ABNORMAL'] });
  });

  test('keeps its amount reserved and is checked when its outcome is unknown', () => {
    const story = new RefundStory().ask();
    story.decide((change) => markRefundUnknown(change, ours));
    expect(story.refund()).toMatchObject({ status: 'UNKNOWN', checkAt: second(10), leasedUntil: null });
    expect(story.money.reservedMinor).toBe(600n);
    expect(story.applyReport(aRefundReport('SUCCEEDED'))).toEqual({ effect: 'applied' });
    expect(story.money).toMatchObject({ refundedMinor: 600n, reservedMinor: 0n });
  });

  test('goes into review when its outcome stays unknown', () => {
    const story = new RefundStory().ask();
    story.decide((change) => markRefundUnknown(change, ours));
    for (let checks = 0; story.refund()?.checkAt !== null; checks += 1) {
      expect(checks).toBeLessThan(100);
      story.decide((change) => {
        change.planRefund(ours, { checkAt: change.at });
        postponeRefundCheck(change, ours);
      });
    }
    expect(story.order.reviewReasons).toEqual(['STUCK_UNKNOWN']);
    expect(story.refund()?.status).toBe('UNKNOWN');
  });

  test('succeeds after a failure only by a query result, because a callback may be older than the failure', () => {
    const story = new RefundStory().ask();
    story.applyReport(aRefundReport('FAILED'));
    expect(story.applyReport(aRefundReport('SUCCEEDED'))).toEqual({ effect: 'refused', reason: 'superseded' });
    expect(story.refund()).toMatchObject({ status: 'FAILED', checkAt: expect.any(Date) });
    const answer = { source: 'QUERY', providerTime: null, receivedAt: second(30) } as const;
    expect(story.applyReport(aRefundReport('SUCCEEDED', { evidence: answer }))).toEqual({ effect: 'applied' });
    expect(story.money).toMatchObject({ refundedMinor: 600n, reservedMinor: 0n });
  });

  test('succeeds after a failure only when no other refund has reserved its amount; until then the report is early', () => {
    const answer = { source: 'QUERY', providerTime: null, receivedAt: second(30) } as const;
    const other = { refundId: consoles, providerRefundId: 're_other', amountMinor: 700n };
    const story = new RefundStory().ask();
    story.applyReport(aRefundReport('FAILED'));
    story.ask(consoles, 700n);
    expect(story.applyReport(aRefundReport('SUCCEEDED', { evidence: answer }))).toEqual({ effect: 'early' });
    expect(story.money).toMatchObject({ refundedMinor: 0n, reservedMinor: 700n });
    story.applyReport(aRefundReport('FAILED', other));
    expect(story.applyReport(aRefundReport('SUCCEEDED', { evidence: answer }))).toEqual({ effect: 'applied' });
    expect(story.money).toMatchObject({ refundedMinor: 600n, reservedMinor: 0n });
  });

  test.each<[what: string, said: Partial<RefundReport>]>([
    ['another amount', { amountMinor: 601n }],
    ['another currency', { currency: 'USD' }],
  ])('goes into review and does not change when it is reported with %s', (_what, said) => {
    const story = new RefundStory().ask();
    expect(story.applyReport(aRefundReport('SUCCEEDED', said))).toEqual({ effect: 'refused', reason: 'mismatch' });
    expect(story.money).toMatchObject({ refundedMinor: 0n, reservedMinor: 600n });
    expect(story.order.reviewReasons).toEqual(['REFUND_ABNORMAL']);
  });

  test('counts twice and goes into review when the provider executed it twice', () => {
    const story = new RefundStory().ask(ours, 400n);
    story.applyReport(aRefundReport('SUCCEEDED', { amountMinor: 400n }));
    story.applyReport(aRefundReport('SUCCEEDED', { amountMinor: 400n, providerRefundId: 're_twin' }));
    expect(story.money).toMatchObject({ refundedMinor: 800n, reservedMinor: 0n });
    expect(story.order.reviewReasons).toEqual(['REFUND_ABNORMAL']);
  });
});

describe('a refund whose outcome an operator stated', () => {
  const stated = (status: 'SUCCEEDED' | 'FAILED') => {
    const story = new RefundStory().ask(ours, 400n);
    const evidence = { source: 'OPERATOR', providerTime: null, receivedAt: second(10) } as const;
    story.applyReport(aRefundReport(status, { providerRefundId: null, amountMinor: null, currency: null, evidence }));
    return story;
  };

  test.each(['SUCCEEDED', 'FAILED'] as const)('gets the provider’s id from the first report of %s', (status) => {
    const story = stated(status);
    const { money } = story;
    const said = aRefundReport(status, { amountMinor: 400n });
    expect(story.eventsOf(() => story.applyReport(said))).toEqual(['REFUND_UPDATED']);
    expect(story.refund()).toMatchObject({ status, providerRefundId: 're_ours', evidenceSource: 'CALLBACK' });
    expect(story.money).toEqual(money);
    expect(story.applyReport(said)).toEqual({ effect: 'repeated' });
  });

  test.each([
    ['ours first', ['re_ours', 're_twin']],
    ['the second one first', ['re_twin', 're_ours']],
  ])('counts twice when the provider executed it twice: %s', (_, providerIds) => {
    const story = stated('SUCCEEDED');
    for (const providerRefundId of [...providerIds, ...providerIds]) {
      story.applyReport(aRefundReport('SUCCEEDED', { amountMinor: 400n, providerRefundId }));
    }
    expect(story.money).toMatchObject({ refundedMinor: 800n, reservedMinor: 0n });
    expect(story.order.reviewReasons).toEqual(['REFUND_ABNORMAL']);
  });
});

test('a refund never replaces another one', () => {
  const story = new RefundStory().ask(ours, 400n);
  story.applyReport(aRefundReport('SUCCEEDED', { amountMinor: 400n }));
  const twin = aRefundReport('SUCCEEDED', { amountMinor: 400n, providerRefundId: 're_twin' });
  expect(() => story.applyReport(twin, ours)).toThrow('already exists');
});

describe('a refund made in the console', () => {
  const foreign = { refundId: null, providerRefundId: 're_console', amountMinor: 500n };

  test('is recorded once', () => {
    const story = new RefundStory();
    expect(story.eventsOf(() => story.applyReport(aRefundReport('SUCCEEDED', foreign)))).toEqual([
      ...['REFUND_REQUESTED', 'REFUND_SUCCEEDED'],
    ]);
    expect(story.applyReport(aRefundReport('SUCCEEDED', foreign), 'rfd_00000000000000000000000008')).toEqual({
      effect: 'repeated',
    });
    expect(story.refund(consoles)).toMatchObject({ origin: 'PROVIDER', status: 'SUCCEEDED' });
    expect(story.money).toMatchObject({ refundedMinor: 500n, reservedMinor: 0n });
  });

  test('is one event without money when its first report is a failure', () => {
    const story = new RefundStory().ask(ours, 900n);
    expect(story.eventsOf(() => story.applyReport(aRefundReport('FAILED', foreign)))).toEqual(['REFUND_FAILED']);
    expect(story.money).toEqual({ capturedMinor: totalMinor, refundedMinor: 0n, reservedMinor: 900n });
  });

  test('is early while another refund has reserved its amount, and checks that refund', () => {
    const story = new RefundStory().ask(ours, 900n);
    expect(story.applyReport(aRefundReport('SUCCEEDED', foreign))).toEqual({ effect: 'early' });
    expect(story.refund()?.checkAt).not.toBeNull();
    story.applyReport(aRefundReport('FAILED', { amountMinor: 900n }));
    expect(story.applyReport(aRefundReport('SUCCEEDED', foreign))).toEqual({ effect: 'applied' });
  });

  test('is early before its payment has succeeded, and checks the payment', () => {
    const story = new OrderStory().pay();
    const outcome = story.decide((change) =>
      applyRefundReport(change, firstId, aRefundReport('SUCCEEDED', foreign), consoles),
    );
    expect(outcome).toEqual({ effect: 'early' });
    expect(story.payment().checkAt).toEqual(second(3));
  });
});

test('the surplus of a payment is refunded once, under an id derived from the payment’s id', () => {
  const story = new OrderStory({}, 'REFUND').pay().close('CANCELED');
  story.report(aReport(firstId, 'CANCELED'));
  story.report(aReport(firstId, 'SUCCEEDED'));
  story.report(aReport(firstId, 'SUCCEEDED'));
  expect(story.held.refunds).toMatchObject([
    { id: surplusRefundIdOf(firstId), origin: 'SURPLUS', amountMinor: totalMinor },
  ]);
  expect(story.order).toMatchObject({
    status: 'CANCELED',
    paymentStatus: 'OVERPAID',
    reviewReasons: ['LATE_PAYMENT', 'SURPLUS'],
  });
  story.decide((change) =>
    applyRefundReport(
      change,
      firstId,
      aRefundReport('SUCCEEDED', { refundId: surplusRefundIdOf(firstId), amountMinor: totalMinor }),
      consoles,
    ),
  );
  expect(story.order).toMatchObject({ status: 'CANCELED', paymentStatus: 'REFUNDED', reviewReasons: [] });
});

/** The statuses of our refund and of one from the console. They are reported in any order and any number of times. */
const course = fc.record({
  ours: fc.constantFrom<RefundReport['status'][]>(
    ['SUCCEEDED'],
    ['PENDING', 'SUCCEEDED'],
    ['PENDING', 'FAILED'],
    ['FAILED'],
  ),
  console: fc.constantFrom<RefundReport['status'][]>(
    [],
    ['SUCCEEDED'],
    ['PENDING', 'SUCCEEDED'],
    ['PENDING', 'FAILED'],
  ),
});

test('for any order and number of reports, the money is the same and refunds never exceed the captured amount', () => {
  const told = course.chain(({ ours, console }) => {
    const reports = [
      ...ours.map((status) => aRefundReport(status)),
      ...console.map((status) =>
        aRefundReport(status, { refundId: null, providerRefundId: 're_console', amountMinor: 400n }),
      ),
    ];
    const some = fc.array(fc.constantFrom(...reports), { maxLength: 12 });
    return fc.tuple(some, fc.shuffledSubarray(reports, { minLength: reports.length })).map(([noise, all]) => ({
      ours,
      console,
      // The final status of each refund is reported last, as a query would do.
      sequence: [
        ...noise,
        ...all,
        ...[ours, console].flatMap((statuses, index) => {
          const last = statuses.at(-1);
          const report = reports.find(
            ({ status, refundId }) => status === last && (refundId !== null) === (index === 0),
          );
          return report === undefined ? [] : [report];
        }),
      ],
    }));
  });
  fc.assert(
    fc.property(told, ({ ours, console, sequence }) => {
      const story = new RefundStory().ask();
      for (const report of sequence) {
        story.applyReport(report);
        const { capturedMinor, refundedMinor, reservedMinor } = story.money;
        expect(refundedMinor >= 0n && reservedMinor >= 0n && refundedMinor + reservedMinor <= capturedMinor).toBe(true);
      }
      const back = (ours.at(-1) === 'SUCCEEDED' ? 600n : 0n) + (console.at(-1) === 'SUCCEEDED' ? 400n : 0n);
      expect(story.money).toEqual({ capturedMinor: totalMinor, refundedMinor: back, reservedMinor: 0n });
    }),
    searchOf(150),
  );
});

// The statuses of each refund at the provider, as its callbacks report them. The provider never refunds more than the
// payment: the refund from the console fits beside ours, or ours has failed.
type Course = readonly RefundReport['status'][];
const courses: readonly Course[] = [
  ...([['SUCCEEDED'], ['FAILED'], ['PENDING', 'SUCCEEDED'], ['PENDING', 'FAILED'], ['SUCCEEDED', 'FAILED']] as const),
  ['PENDING', 'SUCCEEDED', 'FAILED'],
];
type World = { readonly ours: Course; readonly console: Course; readonly consoleMinor: bigint };
const worlds: fc.Arbitrary<World> = fc
  .record({
    ours: fc.constantFrom(...courses),
    console: fc.constantFrom([], ...courses),
    consoleMinor: fc.constantFrom(400n, 1000n),
  })
  .filter(
    ({ ours, console, consoleMinor }) => consoleMinor === 400n || ours.includes('FAILED') || console.length === 0,
  );

const callbacksOf = ({ ours, console, consoleMinor }: World): readonly string[] => [
  ...ours.map((status) => `ours ${status}`),
  ...console.map((status) => `console ${status} ${consoleMinor}`),
];

function reportOf(callback: string): RefundReport {
  const [whose, status, amount] = callback.split(' ');
  const said = aRefundReport(status as RefundReport['status']);
  if (whose === 'ours') return said;
  return { ...said, refundId: null, providerRefundId: 're_console', amountMinor: BigInt(amount ?? 0) };
}

/** Applies the callbacks one by one. Early ones are applied again after all others, as the inbox does. */
function moneyAfter(callbacks: readonly string[]) {
  const story = new RefundStory().ask();
  let waiting = callbacks;
  for (let round = 0; waiting.length > 0; round += 1) {
    expect(round, `still early: ${waiting}`).toBeLessThan(5);
    waiting = waiting.filter((callback) => {
      const { effect } = story.applyReport(reportOf(callback));
      const { capturedMinor, refundedMinor, reservedMinor } = story.money;
      expect(refundedMinor >= 0n && reservedMinor >= 0n && refundedMinor + reservedMinor <= capturedMinor).toBe(true);
      return effect === 'early';
    });
  }
  return { ...story.money, paymentStatus: story.order.paymentStatus };
}

test('the same callbacks in any order and with repetitions result in the same money', () => {
  const toldTwice = worlds.chain((world) => {
    const callbacks = callbacksOf(world);
    return fc.subarray([...callbacks]).chain((again) => {
      const all = [...callbacks, ...again];
      return fc.shuffledSubarray(all, { minLength: all.length }).map((shuffled) => ({ world, callbacks, shuffled }));
    });
  });
  fc.assert(
    fc.property(toldTwice, ({ world, callbacks, shuffled }) => {
      const end = (course: Course, amountMinor: bigint) =>
        course.includes('SUCCEEDED') && !course.includes('FAILED') ? amountMinor : 0n;
      const money = moneyAfter(shuffled);
      expect(money).toEqual(moneyAfter(callbacks));
      expect(money).toMatchObject({
        refundedMinor: end(world.ours, 600n) + end(world.console, world.consoleMinor),
        reservedMinor: 0n,
      });
    }),
    searchOf(250),
  );
});

// Random histories, including false and impossible reports. The invariants must hold after each step.
const refundIds = [ours, 'rfd_00000000000000000000000002', 'rfd_00000000000000000000000003'] as const;
const step = fc.oneof(
  fc.tuple(fc.constantFrom('ask', 'lose', 'postpone'), fc.nat(2), fc.constantFrom(1, 300, 600, 1000)),
  fc.tuple(
    fc.constantFrom('ours', 'console', 'twin', 'foreign'),
    fc.nat(2),
    fc.constantFrom(300, 600, 1000, 1001),
    fc.constantFrom('PENDING', 'SUCCEEDED', 'FAILED'),
    fc.constantFrom('CALLBACK', 'QUERY', 'RESPONSE'),
  ),
);

function take(
  story: RefundStory,
  [act, which, amount, status, source]: readonly (string | number | undefined)[],
): void {
  const id = refundIds[Number(which)] ?? ours;
  const amountMinor = BigInt(amount ?? 0);
  const held = story.refund(id);
  switch (act) {
    case 'ask':
      if (held === undefined && refundableMinor(story.payment()) >= amountMinor) story.ask(id, amountMinor);
      return;
    case 'lose':
      if (held !== undefined) story.decide((change) => markRefundUnknown(change, id));
      return;
    case 'postpone':
      if (held !== undefined) story.decide((change) => postponeRefundCheck(change, id));
      return;
  }
  const isOurs = act === 'ours' || act === 'twin';
  const report = aRefundReport(status as RefundReport['status'], {
    refundId: isOurs ? id : null,
    providerRefundId: act === 'ours' ? `re_of_${id}` : `re_${act}_${which}`,
    amountMinor: isOurs ? (held?.amountMinor ?? amountMinor) : amountMinor,
    currency: act === 'foreign' ? 'USD' : 'EUR',
    evidence: { source: source as 'QUERY', providerTime: second(20), receivedAt: second(20) },
  });
  // A response exists only for a refund that we requested.
  if (source === 'RESPONSE' && !(act === 'ours' && held !== undefined)) return;
  const adopted = story.held.refunds.length;
  story.applyReport(report, `rfd_0000000000000000000000001${adopted}`);
}

type Facts = Readonly<Record<string, unknown>>;
type Folded = { readonly payment: Facts; readonly refunds: ReadonlyMap<string, Facts> };

function fold({ payment, refunds }: Folded, { changes, refundId }: OrderEvent): Folded {
  const isOfRefund = changes.refund !== undefined && refundId !== null;
  return {
    payment: { ...payment, ...changes.payment },
    refunds: isOfRefund ? new Map(refunds).set(refundId, { ...refunds.get(refundId), ...changes.refund }) : refunds,
  };
}

function throughHistories(check: (story: RefundStory, before: number) => void): void {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const story = new RefundStory();
      for (const taken of steps) {
        const before = story.events.length;
        take(story, taken);
        check(story, before);
      }
    }),
    searchOf(150),
  );
}

test('refunded and reserved amounts never exceed the captured amount, even between two events of one decision', () => {
  throughHistories(({ events, money }) => {
    let payment: Facts = {};
    for (const { changes } of events) {
      payment = { ...payment, ...changes.payment };
      const { capturedMinor = 0n, refundedMinor = 0n, reservedMinor = 0n } = payment as Partial<typeof money>;
      expect(refundedMinor >= 0n && reservedMinor >= 0n && refundedMinor + reservedMinor <= capturedMinor).toBe(true);
    }
  });
});

test('refunded and reserved amounts are the sums of the refunds, after every decision', () => {
  throughHistories(({ held, money, order }) => {
    const sum = (statuses: readonly string[]) =>
      held.refunds
        .filter(({ status }) => statuses.includes(status))
        .reduce((total, { amountMinor }) => total + amountMinor, 0n);
    expect(money).toMatchObject({ refundedMinor: sum(['SUCCEEDED']), reservedMinor: sum(['PENDING', 'UNKNOWN']) });
    expect(order).toMatchObject(sumsOf(order, held.payments, held.refunds));
  });
});

test('the fold of the events is the refunds and their payment, and each event has the status after it', () => {
  throughHistories(({ events, held }) => {
    const folded = events.reduce<Folded>(
      (before, event) => {
        const after = fold(before, event);
        if (event.refundId !== null) expect(event.refundStatus).toBe(after.refunds.get(event.refundId)?.status);
        return after;
      },
      { payment: {}, refunds: new Map() },
    );
    expect([...folded.refunds.values()]).toEqual(
      held.refunds.map(({ checkAt, checkAttempts, leasedUntil, ...facts }) => facts),
    );
    expect([folded.payment]).toEqual(held.payments.map(factsOfPayment));
  });
});

test('refund statuses change only as the domain and the database allow', () => {
  const allowed = readTrigger('refunds');
  throughHistories(({ events }) => {
    const held = new Map<string, RefundStatus>();
    for (const { refundId, refundStatus } of events) {
      if (refundId === null || refundStatus === null) continue;
      const before = held.get(refundId);
      held.set(refundId, refundStatus);
      if (before === undefined || before === refundStatus) continue;
      expect([before, refundStatus, mayFollowRefund(before, refundStatus)]).toEqual([before, refundStatus, true]);
      expect(allowed.has(`${before} → ${refundStatus}`)).toBe(true);
    }
  });
});

test('every refund that has not ended has a planned check', () => {
  throughHistories(({ held }) => {
    for (const refund of held.refunds) if (isReserved(refund)) expect(refund.checkAt).not.toBeNull();
  });
});

test('the random histories reach every refund status and review reason', () => {
  const reached = new Set<string>();
  throughHistories(({ held, order }) => {
    for (const reason of order.reviewReasons) reached.add(reason);
    for (const { origin, status } of held.refunds) reached.add(`${origin} ${status}`);
  });
  expect([...reached].sort()).toEqual([
    ...['PROVIDER FAILED', 'PROVIDER PENDING', 'PROVIDER SUCCEEDED', 'REFUND_ABNORMAL'],
    ...['REQUESTED FAILED', 'REQUESTED PENDING', 'REQUESTED SUCCEEDED', 'REQUESTED UNKNOWN'],
  ]);
});

describe('the refunded share from a provider that does not list refunds', () => {
  test.each<[returned: 'NONE' | 'SOME' | 'ALL' | null, refunded: 0 | 600 | 1000, isUnrecorded: boolean]>([
    [null, 0, false],
    ['NONE', 0, false],
    ['NONE', 600, false],
    ['SOME', 0, true],
    ['SOME', 600, false],
    ['ALL', 0, true],
    ['ALL', 600, true],
    ['ALL', 1000, false],
  ])('%s is refunded, and %i is recorded: the order goes into review: %s', (returned, refunded, isUnrecorded) => {
    const story = new RefundStory();
    if (refunded > 0)
      story.ask(ours, BigInt(refunded)).applyReport(aRefundReport('SUCCEEDED', { amountMinor: BigInt(refunded) }));
    const events = story.eventsOf(() => story.decide((change) => compareReturned(change, firstId, returned)));
    expect(events).toEqual(isUnrecorded ? ['ORDER_REVIEW_NEEDED'] : []);
    expect(story.order.reviewReasons).toEqual(isUnrecorded ? ['REFUND_ABNORMAL'] : []);
  });

  test('a pending refund counts as recorded', () => {
    const story = new RefundStory().ask(ours, 1000n);
    story.decide((change) => compareReturned(change, firstId, 'ALL'));
    expect(story.order.reviewReasons).toEqual([]);
  });
});

test('a refund that is stuck at the provider stays pending, keeps its amount reserved and goes into review', () => {
  const story = new RefundStory().ask();
  story.applyReport(aRefundReport('PENDING', { failure: { ...failure, message: 'The card is void.' } }));
  expect(story.refund()?.status).toBe('PENDING');
  expect(story.money).toMatchObject({ refundedMinor: 0n, reservedMinor: 600n });
  expect(story.order.reviewReasons).toEqual(['REFUND_ABNORMAL']);
  expect(story.events.at(-1)?.changes.note ?? story.events.at(-2)?.changes.note).toContain('The card is void.');
});
