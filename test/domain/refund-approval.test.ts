import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EventActor } from '../../src/domain/actor.ts';
import { applyRefundReport } from '../../src/domain/apply-refund-report.ts';
import { DomainError, ForbiddenError, RefundNotApprovableError } from '../../src/domain/errors.ts';
import { refundableMinor } from '../../src/domain/payment.ts';
import type { Refund } from '../../src/domain/refund.ts';
import { approveRefund, needsApproval, rejectRefund } from '../../src/domain/refund-approval.ts';
import { startRefund } from '../../src/domain/start-refund.ts';
import { searchOf } from '../support/search.ts';
import { aReport, firstId, OrderStory } from './order-story.ts';

const ada: EventActor = { kind: 'OPERATOR', id: 'ada' };
const bob: EventActor = { kind: 'OPERATOR', id: 'bob' };
/** Of another kind, with an operator's name. */
const server: EventActor = { kind: 'MERCHANT', id: 'ada' };

const limits = [{ currency: 'EUR', amountMinor: 300n }] as const;
const rfd = (number: number) => `rfd_0000000000000000000000000${number}`;

/** A paid order of 1000 EUR whose merchant has a limit of 300. */
class ApprovalStory extends OrderStory {
  constructor(refundLimits: ConstructorParameters<typeof OrderStory>[2] = limits) {
    super({}, 'ACCEPT', refundLimits);
    this.pay().report(aReport(firstId, 'SUCCEEDED'));
  }

  request(id: string, amountMinor: bigint, actor: EventActor): Refund {
    return this.decide((change) => {
      startRefund(change, {
        ...{ id, paymentId: firstId, origin: 'REQUESTED', amountMinor, reason: null, checkAt: null, leasedUntil: null },
        ...{ requestedByKind: actor.kind, requestedById: actor.id },
        approval: needsApproval(change, amountMinor) ? 'NEEDED' : null,
      });
      return change.refund(id);
    }, actor);
  }

  approve(id: string, actor: EventActor): boolean {
    return this.decide((change) => approveRefund(change, id), actor);
  }

  reject(id: string, actor: EventActor): void {
    this.decide((change) => rejectRefund(change, id, null), actor);
  }

  refund(id: string): Refund | undefined {
    return this.held.refunds.find((refund) => refund.id === id);
  }

  get lastType() {
    return this.events.at(-1)?.type;
  }
}

test('an operator’s refund up to the limit needs nobody, one above it waits, and a server’s never waits', () => {
  expect(new ApprovalStory().request(rfd(1), 300n, ada).approval).toBeNull();
  expect(new ApprovalStory().request(rfd(1), 301n, ada).approval).toBe('NEEDED');
  expect(new ApprovalStory().request(rfd(1), 1000n, server).approval).toBeNull();
  expect(new ApprovalStory(null).request(rfd(1), 1000n, ada).approval).toBeNull();
});

test('in a currency without a limit every refund waits', () => {
  expect(new ApprovalStory([{ currency: 'JPY', amountMinor: 9n }]).request(rfd(1), 1n, ada).approval).toBe('NEEDED');
});

test('a refund that is split into small ones waits as well, also when another operator asks for the next part', () => {
  const story = new ApprovalStory();
  expect(story.request(rfd(1), 200n, ada).approval).toBeNull();
  expect(story.request(rfd(2), 200n, bob).approval).toBe('NEEDED');
  expect(story.request(rfd(3), 100n, ada).approval).toBeNull();
});

test('a refund that has failed by the word of an operator counts, one that the provider has refused does not', () => {
  const failedBy = (source: 'OPERATOR' | 'RESPONSE') => {
    const story = new ApprovalStory();
    story.request(rfd(1), 200n, ada);
    story.decide((change) =>
      applyRefundReport(
        change,
        firstId,
        {
          ...{
            refundId: rfd(1),
            providerRefundId: null,
            status: 'FAILED',
            amountMinor: null,
            currency: null,
            reason: null,
          },
          failure: { reason: 'operator', message: 'It failed.', providerCode: null, attempt: null },
          evidence: { source, providerTime: null, receivedAt: change.at },
        },
        null,
      ),
    );
    return story;
  };
  expect(failedBy('OPERATOR').request(rfd(2), 200n, ada).approval).toBe('NEEDED');
  expect(failedBy('RESPONSE').request(rfd(2), 200n, ada).approval).toBeNull();
});

test('a refund that waits reserves its amount, and another person’s approval lets it go to the provider', () => {
  const story = new ApprovalStory();
  story.request(rfd(1), 900n, ada);
  expect(story.lastType).toBe('REFUND_APPROVAL_NEEDED');
  expect(refundableMinor(story.payment())).toBe(100n);
  expect(story.approve(rfd(1), bob)).toBe(true);
  expect(story.lastType).toBe('REFUND_REQUESTED');
  expect(story.refund(rfd(1))).toMatchObject({ status: 'PENDING', approval: 'APPROVED', decidedById: 'bob' });
  expect(story.approve(rfd(1), bob)).toBe(false);
});

test('nobody approves their own refund, a server with the same name is somebody else', () => {
  const story = new ApprovalStory();
  story.request(rfd(1), 900n, ada);
  expect(() => story.approve(rfd(1), ada)).toThrow(ForbiddenError);
  expect(story.refund(rfd(1))?.approval).toBe('NEEDED');
  expect(story.approve(rfd(1), server)).toBe(true);
});

test('a rejected refund releases its amount and cannot be approved; the requester may withdraw it', () => {
  const story = new ApprovalStory();
  story.request(rfd(1), 900n, ada);
  story.reject(rfd(1), ada);
  expect(story.refund(rfd(1))).toMatchObject({ status: 'FAILED', approval: 'REJECTED', failureReason: 'rejected' });
  expect(refundableMinor(story.payment())).toBe(1000n);
  expect(() => story.approve(rfd(1), bob)).toThrow(RefundNotApprovableError);
  story.reject(rfd(1), bob);
  expect(story.refund(rfd(1))?.decidedById).toBe('ada');
});

test('a refund that needs no approval can be neither approved nor rejected', () => {
  const story = new ApprovalStory();
  story.request(rfd(1), 100n, ada);
  expect(() => story.approve(rfd(1), bob)).toThrow(RefundNotApprovableError);
  expect(() => story.reject(rfd(1), bob)).toThrow(RefundNotApprovableError);
});

const step = fc.record({
  what: fc.constantFrom('request', 'approve', 'reject'),
  who: fc.constantFrom(ada, bob, server),
  which: fc.integer({ min: 1, max: 6 }),
  amountMinor: fc.bigInt(1n, 500n),
});

test('whatever people do in whatever order, nobody approves their own, and the unapproved sum stays within the limit', () => {
  const search = searchOf(300);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const story = new ApprovalStory();
      for (const { what, who, which, amountMinor } of steps) {
        try {
          if (what === 'request') {
            if (story.refund(rfd(which)) !== undefined || refundableMinor(story.payment()) < amountMinor) continue;
            story.request(rfd(which), amountMinor, who);
          } else if (story.refund(rfd(which)) === undefined) continue;
          else if (what === 'approve') story.approve(rfd(which), who);
          else story.reject(rfd(which), who);
        } catch (error) {
          if (!(error instanceof DomainError)) throw error;
        }
      }
      const { refunds } = story.held;
      const sumOf = (some: readonly Refund[]) => some.reduce((sum, refund) => sum + refund.amountMinor, 0n);
      for (const { approval, requestedByKind, requestedById, decidedByKind, decidedById } of refunds) {
        if (approval !== 'APPROVED') continue;
        expect(`${decidedByKind} ${decidedById}`).not.toBe(`${requestedByKind} ${requestedById}`);
      }
      const unapproved = refunds.filter((refund) => refund.requestedByKind === 'OPERATOR' && refund.approval === null);
      expect(sumOf(unapproved)).toBeLessThanOrEqual(limits[0].amountMinor);
      expect(sumOf(refunds.filter(({ status }) => status !== 'FAILED'))).toBe(story.payment().reservedMinor);
      expect(story.payment().reservedMinor).toBeLessThanOrEqual(story.payment().capturedMinor);
    }),
    search,
  );
});
