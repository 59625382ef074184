import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { surplusRefundIdOf } from '../../src/domain/refund.ts';
import { applyRefundReport, markRefundUnknown, postponeRefundCheck, startRefund } from '../../src/domain/refunding.ts';
import type { RefundReport, ReportOutcome } from '../../src/domain/report.ts';
import { aReport, firstId, OrderStory, second, totalMinor } from './order-story.ts';

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

/** A paid order, and one refund of 600 of its 1000 that was asked for. */
class RefundStory extends OrderStory {
  constructor() {
    super();
    this.pay().report(aReport(firstId, 'SUCCEEDED'));
  }

  ask(id = ours, amountMinor = 600n): this {
    this.decide((change) =>
      startRefund(change, {
        ...{ id, paymentId: firstId, origin: 'REQUESTED', amountMinor, reason: null, checkAt: null, leasedUntil: null },
      }),
    );
    return this;
  }

  hear(report: RefundReport, newId = consoles): ReportOutcome {
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

describe('a refund that was asked for', () => {
  test('sets its amount aside at once', () => {
    const story = new RefundStory();
    expect(story.eventsOf(() => story.ask())).toEqual(['REFUND_REQUESTED']);
    expect(story.money).toEqual({ capturedMinor: totalMinor, refundedMinor: 0n, reservedMinor: 600n });
  });

  test('is told once of everything that happens to it', () => {
    const story = new RefundStory().ask();
    expect(story.eventsOf(() => story.hear(aRefundReport('PENDING')))).toEqual(['REFUND_PENDING']);
    expect(story.eventsOf(() => story.hear(aRefundReport('PENDING')))).toEqual([]);
    expect(story.eventsOf(() => story.hear(aRefundReport('SUCCEEDED')))).toEqual(['REFUND_SUCCEEDED']);
    expect(story.eventsOf(() => story.hear(aRefundReport('SUCCEEDED')))).toEqual([]);
    expect(story.money).toEqual({ capturedMinor: totalMinor, refundedMinor: 600n, reservedMinor: 0n });
    expect(story.order.paymentStatus).toBe('PARTIALLY_REFUNDED');
    expect(story.eventsOf(() => story.hear(aRefundReport('FAILED')))).toEqual(['REFUND_FAILED', 'ORDER_REVIEW_NEEDED']);
    expect(story.money).toEqual({ capturedMinor: totalMinor, refundedMinor: 0n, reservedMinor: 0n });
    expect(story.order).toMatchObject({ paymentStatus: 'PAID', reviewReasons: ['REFUND_ABNORMAL'] });
  });

  test('of unknown outcome keeps its amount aside, and is asked about', () => {
    const story = new RefundStory().ask();
    story.decide((change) => markRefundUnknown(change, ours));
    expect(story.refund()).toMatchObject({ status: 'UNKNOWN', checkAt: expect.any(Date) });
    expect(story.money.reservedMinor).toBe(600n);
    expect(story.hear(aRefundReport('SUCCEEDED'))).toEqual({ effect: 'applied' });
    expect(story.money).toMatchObject({ refundedMinor: 600n, reservedMinor: 0n });
  });

  test('about which nobody ever answers comes to a person', () => {
    const story = new RefundStory().ask();
    story.decide((change) => markRefundUnknown(change, ours));
    for (let asked = 0; story.refund()?.checkAt !== null; asked += 1) {
      expect(asked).toBeLessThan(100);
      story.decide((change) => {
        change.planRefund(ours, { checkAt: change.at });
        postponeRefundCheck(change, ours);
      });
    }
    expect(story.order.reviewReasons).toEqual(['STUCK_UNKNOWN']);
    expect(story.refund()?.status).toBe('UNKNOWN');
  });

  test('that failed is not brought back by a callback, which may be older, but by an answer', () => {
    const story = new RefundStory().ask();
    story.hear(aRefundReport('FAILED'));
    expect(story.hear(aRefundReport('SUCCEEDED'))).toEqual({ effect: 'refused', reason: 'superseded' });
    expect(story.refund()).toMatchObject({ status: 'FAILED', checkAt: expect.any(Date) });
    const answer = { source: 'QUERY', providerTime: null, receivedAt: second(30) } as const;
    expect(story.hear(aRefundReport('SUCCEEDED', { evidence: answer }))).toEqual({ effect: 'applied' });
    expect(story.money).toMatchObject({ refundedMinor: 600n, reservedMinor: 0n });
  });

  test.each<[what: string, said: Partial<RefundReport>]>([
    ['another amount', { amountMinor: 601n }],
    ['another currency', { currency: 'USD' }],
  ])('reported with %s changes nothing, and a person looks', (_what, said) => {
    const story = new RefundStory().ask();
    expect(story.hear(aRefundReport('SUCCEEDED', said))).toEqual({ effect: 'refused', reason: 'mismatch' });
    expect(story.money).toMatchObject({ refundedMinor: 0n, reservedMinor: 600n });
    expect(story.order.reviewReasons).toEqual(['REFUND_ABNORMAL']);
  });

  test('that the provider has made twice is two refunds: the money counts, and a person looks', () => {
    const story = new RefundStory().ask(ours, 400n);
    story.hear(aRefundReport('SUCCEEDED', { amountMinor: 400n }));
    story.hear(aRefundReport('SUCCEEDED', { amountMinor: 400n, providerRefundId: 're_twin' }));
    expect(story.money).toMatchObject({ refundedMinor: 800n, reservedMinor: 0n });
    expect(story.order.reviewReasons).toEqual(['REFUND_ABNORMAL']);
  });
});

describe('a refund made in the console', () => {
  const foreign = { refundId: null, providerRefundId: 're_console', amountMinor: 500n };

  test('is taken over, once', () => {
    const story = new RefundStory();
    expect(story.eventsOf(() => story.hear(aRefundReport('SUCCEEDED', foreign)))).toEqual([
      ...['REFUND_REQUESTED', 'REFUND_SUCCEEDED'],
    ]);
    expect(story.hear(aRefundReport('SUCCEEDED', foreign), 'rfd_00000000000000000000000008')).toEqual({
      effect: 'repeated',
    });
    expect(story.refund(consoles)).toMatchObject({ origin: 'PROVIDER', status: 'SUCCEEDED' });
    expect(story.money).toMatchObject({ refundedMinor: 500n, reservedMinor: 0n });
  });

  test('that failed before we heard of it is one event, and moves nothing', () => {
    const story = new RefundStory().ask(ours, 900n);
    expect(story.eventsOf(() => story.hear(aRefundReport('FAILED', foreign)))).toEqual(['REFUND_FAILED']);
    expect(story.money).toEqual({ capturedMinor: totalMinor, refundedMinor: 0n, reservedMinor: 900n });
  });

  test('comes early while its money is held by another, which is asked about', () => {
    const story = new RefundStory().ask(ours, 900n);
    expect(story.hear(aRefundReport('SUCCEEDED', foreign))).toEqual({ effect: 'early' });
    expect(story.refund()?.checkAt).not.toBeNull();
    story.hear(aRefundReport('FAILED', { amountMinor: 900n }));
    expect(story.hear(aRefundReport('SUCCEEDED', foreign))).toEqual({ effect: 'applied' });
  });

  test('comes early before its payment is seen to have succeeded, which is asked about', () => {
    const story = new OrderStory().pay();
    const outcome = story.decide((change) =>
      applyRefundReport(change, firstId, aRefundReport('SUCCEEDED', foreign), consoles),
    );
    expect(outcome).toEqual({ effect: 'early' });
    expect(story.payment().checkAt).toEqual(second(3));
  });
});

test('the surplus of a payment goes back once, under an id made from the payment’s', () => {
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

/** What the provider made of our refund and of one from its console, told in any order and any number of times. */
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

test('in whatever order and however often reports come, the money is the same, and never more goes back than came in', () => {
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
      // The last word of each is heard at last, as asking would bring it.
      heard: [
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
    fc.property(told, ({ ours, console, heard }) => {
      const story = new RefundStory().ask();
      for (const report of heard) {
        story.hear(report);
        const { capturedMinor, refundedMinor, reservedMinor } = story.money;
        expect(refundedMinor >= 0n && reservedMinor >= 0n && refundedMinor + reservedMinor <= capturedMinor).toBe(true);
      }
      const back = (ours.at(-1) === 'SUCCEEDED' ? 600n : 0n) + (console.at(-1) === 'SUCCEEDED' ? 400n : 0n);
      expect(story.money).toEqual({ capturedMinor: totalMinor, refundedMinor: back, reservedMinor: 0n });
    }),
    { seed: 1, numRuns: 500 },
  );
});
