import { describe, expect, test } from 'vitest';
import type { EventActor } from '../../src/domain/actor.ts';
import { applyRefundReport, compareReturned } from '../../src/domain/apply-refund-report.ts';
import { rejectRefund } from '../../src/domain/refund-approval.ts';
import type { RefundReport } from '../../src/domain/report.ts';
import { type Resolution, resolveReview } from '../../src/domain/resolve-review.ts';
import { startRefund } from '../../src/domain/start-refund.ts';
import { aReport, firstId, OrderStory, totalMinor } from './order-story.ts';

const ada: EventActor = { kind: 'OPERATOR', id: 'ada' };
const bob: EventActor = { kind: 'OPERATOR', id: 'bob' };
const asked = 'rfd_00000000000000000000000008';
const consoles = 'rfd_00000000000000000000000009';

/** 1000 EUR, of which one refund may be asked for. */
class MoneyStory extends OrderStory {
  /** Money that came after the order was canceled, and waits for a person. */
  static late(): MoneyStory {
    const story = new MoneyStory({}, 'REVIEW').pay();
    story.close('CANCELED').report(aReport(firstId, 'CANCELED'));
    story.report(aReport(firstId, 'SUCCEEDED'));
    return story;
  }

  static paid(): MoneyStory {
    const story = new MoneyStory().pay();
    story.report(aReport(firstId, 'SUCCEEDED'));
    return story;
  }

  ask(amountMinor: bigint, approval: 'NEEDED' | null): this {
    this.decide((change) => {
      startRefund(change, {
        ...{ id: asked, paymentId: firstId, origin: 'REQUESTED', amountMinor, reason: null, checkAt: null },
        ...{ leasedUntil: null, requestedByKind: 'OPERATOR', requestedById: 'ada', approval },
      });
    }, ada);
    return this;
  }

  resolve(latePayment: Resolution['latePayment']): this {
    const reasons = ['LATE_PAYMENT', 'REFUND_ABNORMAL'] as const;
    this.decide((change) =>
      resolveReview(change, { reasons, note: 'Looked.', latePayment, payments: [], refunds: [] }),
    );
    return this;
  }

  hear(refundId: string | null, status: RefundReport['status'], said: Partial<RefundReport> = {}): this {
    const { at } = this.decide((change) => change);
    const failure = { reason: 'provider_error', message: 'No.', providerCode: null, attempt: null };
    this.decide((change) =>
      applyRefundReport(
        change,
        firstId,
        {
          ...{
            refundId,
            providerRefundId: `re_of_${refundId}`,
            status,
            amountMinor: null,
            currency: null,
            reason: null,
          },
          ...{ failure: status === 'FAILED' ? failure : null },
          evidence: { source: 'QUERY', providerTime: null, receivedAt: at },
          ...said,
        },
        consoles,
      ),
    );
    return this;
  }

  get refunds() {
    return this.held.refunds.map(({ origin, status, amountMinor }) => [origin, status, amountMinor]);
  }
}

describe('late money, which a refund covers when a person decides,', () => {
  test.each([1000n, 300n])('is in review again when the refund of %s is not approved', (amountMinor) => {
    const story = MoneyStory.late().ask(amountMinor, 'NEEDED');
    story.resolve(amountMinor === totalMinor ? null : 'REFUND');
    expect(story.order.reviewReasons).not.toContain('LATE_PAYMENT');
    story.decide((change) => rejectRefund(change, asked, null), bob);
    expect(story.order.reviewReasons).toContain('LATE_PAYMENT');
    story.resolve('ACCEPT');
    expect(story.order).toMatchObject({ status: 'CONFIRMED' });
    expect(story.payment()).toMatchObject({ appliedMinor: amountMinor, quarantinedMinor: 0n });
  });

  test('can be decided although an earlier version has forgotten to put it into review', () => {
    const story = MoneyStory.late();
    story.decide((change) => {
      change.record('ORDER_REVIEW_RESOLVED', { order: { reviewReasons: [] }, note: 'Forgotten.' });
    });
    expect(story.resolve('ACCEPT').order).toMatchObject({ status: 'CONFIRMED', paymentStatus: 'PAID' });
  });

  test('is refunded in as many parts as there are decisions', () => {
    const story = MoneyStory.late().ask(300n, null).resolve('REFUND');
    const [, surplus] = story.held.refunds;
    story.hear(asked, 'FAILED').hear(surplus?.id ?? '', 'SUCCEEDED');
    expect(story.order.reviewReasons).toContain('LATE_PAYMENT');
    story.resolve('REFUND');
    expect(story.refunds).toEqual([
      ['REQUESTED', 'FAILED', 300n],
      ['SURPLUS', 'SUCCEEDED', 700n],
      ['SURPLUS', 'PENDING', 300n],
    ]);
    story.hear(story.held.refunds.at(-1)?.id ?? '', 'SUCCEEDED');
    expect(story.order).toMatchObject({ paymentStatus: 'REFUNDED', reviewReasons: [] });
  });

  test('is refunded to the end when it is decided while a part is under way', () => {
    const story = MoneyStory.late().ask(300n, null).resolve('REFUND').hear(asked, 'FAILED').resolve('REFUND');
    expect(story.refunds.at(-1)).toEqual(['SURPLUS', 'PENDING', 700n]);
    story.hear(story.held.refunds.at(-1)?.id ?? '', 'SUCCEEDED');
    expect(story.refunds.at(-1)).toEqual(['SURPLUS', 'PENDING', 300n]);
  });

  test('is refunded once more by a person when the refund has failed, and by no rule', () => {
    const story = MoneyStory.late().resolve('REFUND');
    story.hear(story.held.refunds[0]?.id ?? '', 'FAILED');
    expect(story.refunds).toEqual([['SURPLUS', 'FAILED', 1000n]]);
    expect(story.order.reviewReasons).toContain('REFUND_ABNORMAL');
  });
});

describe('a refund in the console while another waits for approval', () => {
  const inConsole = { amountMinor: 1000n, currency: 'EUR' };

  test.each(['SUCCEEDED', 'PENDING'] as const)('is recorded as %s, and ends the one that waits', (status) => {
    const story = MoneyStory.paid().ask(600n, 'NEEDED').hear(null, status, inConsole);
    expect(story.refunds).toEqual([
      ['REQUESTED', 'FAILED', 600n],
      ['PROVIDER', status, 1000n],
    ]);
    expect(story.held.refunds[0]).toMatchObject({ approval: 'REJECTED', failureReason: 'superseded' });
    const [refundedMinor, reservedMinor] = status === 'SUCCEEDED' ? [1000n, 0n] : [0n, 1000n];
    expect(story.payment()).toMatchObject({ refundedMinor, reservedMinor });
  });

  test('leaves it waiting when there is room for both', () => {
    const story = MoneyStory.paid()
      .ask(600n, 'NEEDED')
      .hear(null, 'SUCCEEDED', { ...inConsole, amountMinor: 400n });
    expect(story.refunds[0]).toEqual(['REQUESTED', 'PENDING', 600n]);
  });

  test('waits for one that is at the provider', () => {
    const story = MoneyStory.paid().ask(600n, null).hear(null, 'SUCCEEDED', inConsole);
    expect(story.refunds).toEqual([['REQUESTED', 'PENDING', 600n]]);
  });

  test('is noticed by its share at a provider that lists no refunds', () => {
    const story = MoneyStory.paid().ask(1000n, 'NEEDED');
    story.decide((change) => compareReturned(change, firstId, 'ALL'));
    expect(story.order.reviewReasons).toEqual(['REFUND_ABNORMAL']);
  });
});
