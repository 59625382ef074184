import { z } from 'zod';
import { InvalidInputError, NotFoundError } from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import { reviewReasons } from '../domain/order.ts';
import type { OrderChange } from '../domain/order-change.ts';
import type { Evidence } from '../domain/payment.ts';
import type { PaymentReport } from '../domain/report.ts';
import { type Resolution, resolveReview as resolve } from '../domain/resolve.ts';
import { type Actor, type CommandContext, changeAndWake } from './context.ts';
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
        providerRefundId: text(1, 255).nullish(),
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
  await changeAndWake(context, 'review', orderId, (change) => {
    if (change.order.merchantId !== actor.merchantId) throw new NotFoundError('There is no such order.');
    resolve(change, resolutionOf(change, wanted));
  });
  return orderId;
}

function resolutionOf(change: OrderChange, wanted: Wanted): Resolution {
  const { reasons, resolvedBy, note, latePayment } = wanted;
  const evidence: Evidence = { source: 'OPERATOR', providerTime: null, receivedAt: change.at };
  return {
    ...{ reasons, resolvedBy, note, latePayment: latePayment ?? null },
    payments: (wanted.payments ?? []).map((fact, index): PaymentReport => {
      const { paymentId, status, capturedMinor, providerPaymentId } = fact;
      if (!change.payments.some(({ id }) => id === paymentId)) {
        throw new InvalidInputError([{ path: `payments.${index}.paymentId`, message: 'is no payment of this order.' }]);
      }
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
    refunds: (wanted.refunds ?? []).map(({ refundId, status, providerRefundId }, index) => {
      const refund = change.refunds.find(({ id }) => id === refundId);
      if (refund === undefined) {
        throw new InvalidInputError([{ path: `refunds.${index}.refundId`, message: 'is no refund of this order.' }]);
      }
      return {
        ...{ refundId, status, evidence, paymentId: refund.paymentId },
        providerRefundId: providerRefundId ?? null,
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
