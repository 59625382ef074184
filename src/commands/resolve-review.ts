import { z } from 'zod';
import type { Tx } from '../database/database.ts';
import { type InputIssue, InvalidInputError, NotFoundError } from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import { reviewReasons } from '../domain/order.ts';
import type { OrderChange } from '../domain/order-change.ts';
import type { Evidence } from '../domain/payment.ts';
import type { PaymentReport } from '../domain/report.ts';
import { type Resolution, resolveReview as resolve } from '../domain/resolve-review.ts';
import { type Actor, type CommandContext, changeAndWake } from '../provider-calls/context.ts';
import { findPaymentNamed } from '../store/payment-store.ts';
import { amountMinor, parseInput, text } from './input.ts';

/** What an operator can have read in a provider's console. */
export const factStatuses = ['AUTHORIZED', 'SUCCEEDED', 'CANCELED', 'EXPIRED', 'FAILED'] as const;
export const refundFactStatuses = ['SUCCEEDED', 'FAILED'] as const;
export const latePaymentDecisions = ['ACCEPT', 'REFUND'] as const;

const inputSchema = z.object({
  orderId: z.string().refine((id) => isId('order', id), 'is not an order id.'),
  reasons: z.array(z.enum(reviewReasons)).min(1, 'must name at least one.'),
  resolvedBy: text(1, 255),
  note: text(1, 500),
  latePayment: z.enum(latePaymentDecisions).nullish(),
  payments: z
    .array(
      z.object({
        paymentId: z.string(),
        status: z.enum(factStatuses),
        capturedMinor: amountMinor.nullish(),
        providerPaymentId: text(1, 255).nullish(),
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

/** Applies what an operator found out about an order that needs a person, and takes the reasons back. Repeating it changes nothing. */
export async function resolveReview(context: CommandContext, actor: Actor, input: unknown): Promise<string> {
  const wanted = parseInput(inputSchema, input);
  const { orderId } = wanted;
  await changeAndWake(context, 'review', orderId, async (change, tx) => {
    if (change.order.merchantId !== actor.merchantId) throw new NotFoundError('There is no such order.');
    const issues = await issuesOf(change, wanted, tx);
    if (issues.length > 0) throw new InvalidInputError(issues);
    resolve(change, resolutionOf(change, wanted));
  });
  return orderId;
}

/** What cannot be so, or would be of no use, whatever the provider's console says. */
async function issuesOf(
  change: OrderChange,
  { payments, refunds, reasons, latePayment }: Wanted,
  tx: Tx,
): Promise<InputIssue[]> {
  const issues: InputIssue[] = [];
  const named = new Set<string>();
  const isRepeated = (id: string) => named.has(id) || !named.add(id);
  for (const [index, { paymentId, status, providerPaymentId }] of (payments ?? []).entries()) {
    const at = `payments.${index}`;
    const payment = change.payments.find(({ id }) => id === paymentId);
    if (payment === undefined) issues.push({ path: `${at}.paymentId`, message: 'is no payment of this order.' });
    else if (isRepeated(paymentId)) issues.push({ path: `${at}.paymentId`, message: 'is named twice.' });
    else if (status === 'AUTHORIZED' && payment.captureMode === 'AUTOMATIC') {
      issues.push({ path: `${at}.status`, message: 'cannot be: the order captures automatically.' });
    } else if (providerPaymentId == null && payment.providerPaymentId === null && !isNoMoney(status)) {
      issues.push({ path: `${at}.providerPaymentId`, message: 'is required: without it nothing could be refunded.' });
    } else if (providerPaymentId != null) {
      const holder = await findPaymentNamed(tx, payment, providerPaymentId);
      if (holder !== null && holder.id !== paymentId) {
        issues.push({ path: `${at}.providerPaymentId`, message: 'is that of another payment.' });
      }
    }
  }
  for (const [index, { refundId }] of (refunds ?? []).entries()) {
    const path = `refunds.${index}.refundId`;
    if (!change.refunds.some(({ id }) => id === refundId))
      issues.push({ path, message: 'is no refund of this order.' });
    else if (isRepeated(refundId)) issues.push({ path, message: 'is named twice.' });
  }
  if (latePayment != null && !reasons.includes('LATE_PAYMENT')) {
    issues.push({ path: 'latePayment', message: 'goes with the reason LATE_PAYMENT.' });
  }
  return issues;
}

const isNoMoney = (status: (typeof factStatuses)[number]) => status !== 'AUTHORIZED' && status !== 'SUCCEEDED';

function resolutionOf(change: OrderChange, wanted: Wanted): Resolution {
  const { reasons, resolvedBy, note, latePayment } = wanted;
  const evidence: Evidence = { source: 'OPERATOR', providerTime: null, receivedAt: change.at };
  return {
    ...{ reasons, resolvedBy, note, latePayment: latePayment ?? null },
    payments: (wanted.payments ?? []).map((fact): PaymentReport => {
      const { paymentId, status, capturedMinor, providerPaymentId } = fact;
      return {
        ...{ paymentId, status, evidence },
        capturedMinor: capturedMinor ?? null,
        providerPaymentId: providerPaymentId ?? null,
        providerReference: null,
        amountMinor: null,
        currency: null,
        failure: status === 'FAILED' ? failure : null,
        nextAction: null,
      };
    }),
    refunds: (wanted.refunds ?? []).map(({ refundId, status }) => {
      const { paymentId } = change.refund(refundId);
      return {
        ...{ refundId, status, evidence, paymentId },
        providerRefundId: null,
        amountMinor: null,
        currency: null,
        reason: null,
        failure: status === 'FAILED' ? failure : null,
      };
    }),
  };
}

const failure = {
  reason: 'operator',
  message: 'An operator has seen that it failed.',
  providerCode: null,
  attempt: null,
} as const;
