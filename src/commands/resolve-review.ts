import { z } from 'zod';
import { type InputIssue, InvalidInputError } from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import { reviewReasons } from '../domain/order.ts';
import type { OrderChange } from '../domain/order-change.ts';
import type { Evidence } from '../domain/payment.ts';
import { paymentReport, refundReport } from '../domain/report.ts';
import { type Resolution, resolveReview as resolve } from '../domain/resolve-review.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { changeOrder } from '../store/change-order.ts';
import { findPaymentNamed } from '../store/payment-store.ts';
import { type Actor, ownOrder } from './actor.ts';
import { amountMinor, parseInput, reference, text } from './input.ts';

/** The payment statuses that an operator can read in a provider's console. */
export const factStatuses = ['AUTHORIZED', 'SUCCEEDED', 'CANCELED', 'EXPIRED', 'FAILED'] as const;
export const refundFactStatuses = ['SUCCEEDED', 'FAILED'] as const;
export const latePaymentDecisions = ['ACCEPT', 'REFUND'] as const;

const inputSchema = z.object({
  orderId: z.string().refine((id) => isId('order', id), 'is not an order id.'),
  reasons: z.array(z.enum(reviewReasons)).min(1, 'must have at least one reason.'),
  note: text(1, 500),
  latePayment: z.enum(latePaymentDecisions).nullish(),
  payments: z
    .array(
      z.object({
        paymentId: z.string(),
        status: z.enum(factStatuses),
        capturedMinor: amountMinor.nullish(),
        providerPaymentId: reference(1, 255).nullish(),
      }),
    )
    .max(20, 'must have at most 20.')
    .nullish(),
  refunds: z
    .array(
      z.object({
        refundId: z.string(),
        status: z.enum(refundFactStatuses),
      }),
    )
    .max(20, 'must have at most 20.')
    .nullish(),
});
type Wanted = z.output<typeof inputSchema>;

/**
 * Applies an operator's findings to an order in review and removes the given reasons from the review. Returns the order's id. Repeating the
 * call has no effect.
 */
export async function resolveReview(context: CommandContext, actor: Actor, input: unknown): Promise<string> {
  const wanted = parseInput(inputSchema, input);
  const { orderId } = wanted;
  const holders = await findHolders(context, wanted);
  await changeOrder(context, 'review', ownOrder(actor, orderId), (change) => {
    const issues = issuesOf(change, wanted, holders);
    if (issues.length > 0) throw new InvalidInputError(issues);
    resolve(change, resolutionOf(change, wanted));
  });
  return orderId;
}

/** Maps a payment's id to the id of the payment that already has the provider's id that the operator gives. */
type Holders = ReadonlyMap<string, string>;

async function findHolders({ db, lookups }: CommandContext, { payments }: Wanted): Promise<Holders> {
  const holders = new Map<string, string>();
  for (const { paymentId, providerPaymentId } of payments ?? []) {
    if (providerPaymentId == null || !isId('payment', paymentId)) continue;
    const payment = await lookups.payment(paymentId);
    const holder = payment === null ? null : await findPaymentNamed(db.pool, payment, providerPaymentId);
    if (holder !== null) holders.set(paymentId, holder.id);
  }
  return holders;
}

/** Findings that cannot be true or have no use, whatever the provider's console shows. */
function issuesOf(
  change: OrderChange,
  { payments, refunds, reasons, latePayment }: Wanted,
  holders: Holders,
): InputIssue[] {
  const issues: InputIssue[] = [];
  const named = new Set<string>();
  const isRepeated = (id: string) => named.has(id) || !named.add(id);
  for (const [index, { paymentId, status, providerPaymentId }] of (payments ?? []).entries()) {
    const at = `payments.${index}`;
    const payment = change.payments.find(({ id }) => id === paymentId);
    if (payment === undefined) issues.push({ path: `${at}.paymentId`, message: 'is not a payment of this order.' });
    else if (isRepeated(paymentId)) issues.push({ path: `${at}.paymentId`, message: 'appears twice.' });
    else if (status === 'AUTHORIZED' && payment.captureMode === 'AUTOMATIC') {
      issues.push({ path: `${at}.status`, message: 'must not be AUTHORIZED: the order captures automatically.' });
    } else if (providerPaymentId == null && payment.providerPaymentId === null && !isNoMoney(status)) {
      issues.push({
        path: `${at}.providerPaymentId`,
        message: 'is required: without it the payment cannot be refunded.',
      });
    } else if (providerPaymentId != null) {
      const holder = holders.get(paymentId);
      if (holder !== undefined && holder !== paymentId) {
        issues.push({ path: `${at}.providerPaymentId`, message: 'belongs to another payment.' });
      }
    }
  }
  for (const [index, { refundId, status }] of (refunds ?? []).entries()) {
    const at = `refunds.${index}`;
    const refund = change.refunds.find(({ id }) => id === refundId);
    if (refund === undefined) issues.push({ path: `${at}.refundId`, message: 'is not a refund of this order.' });
    else if (isRepeated(refundId)) issues.push({ path: `${at}.refundId`, message: 'appears twice.' });
    else if (refund.approval === 'NEEDED' || refund.approval === 'REJECTED') {
      issues.push({ path: `${at}.refundId`, message: 'was not approved, and therefore never sent to the provider.' });
    } else if (status === 'FAILED' && refund.status === 'SUCCEEDED' && refund.evidenceSource !== 'OPERATOR') {
      // Its amount could be refunded again, although the money is gone.
      issues.push({ path: `${at}.status`, message: 'contradicts the provider, which has reported SUCCEEDED.' });
    }
  }
  if (latePayment != null && !reasons.includes('LATE_PAYMENT')) {
    issues.push({ path: 'latePayment', message: 'is only valid with the reason LATE_PAYMENT.' });
  }
  return issues;
}

const isNoMoney = (status: (typeof factStatuses)[number]) => status !== 'AUTHORIZED' && status !== 'SUCCEEDED';

function resolutionOf(change: OrderChange, wanted: Wanted): Resolution {
  const { reasons, note, latePayment } = wanted;
  const evidence: Evidence = { source: 'OPERATOR', providerTime: null, receivedAt: change.at };
  return {
    ...{ reasons, note, latePayment: latePayment ?? null },
    payments: (wanted.payments ?? []).map(({ paymentId, status, capturedMinor, providerPaymentId }) =>
      paymentReport({
        ...{ paymentId, status, evidence },
        capturedMinor: capturedMinor ?? null,
        providerPaymentId: providerPaymentId ?? null,
        failure: status === 'FAILED' ? failure : null,
      }),
    ),
    refunds: (wanted.refunds ?? []).map(({ refundId, status }) => {
      const { paymentId } = change.refund(refundId);
      const report = refundReport({ refundId, status, evidence, failure: status === 'FAILED' ? failure : null });
      return { ...report, refundId, paymentId };
    }),
  };
}

const failure = {
  reason: 'operator',
  message: 'An operator reported the failure.',
  providerCode: null,
  attempt: null,
} as const;
