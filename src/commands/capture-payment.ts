import { z } from 'zod';
import { InvalidInputError, PaymentNotCapturableError, ProviderRejectedError } from '../domain/errors.ts';
import { isId } from '../domain/ids.ts';
import { isFree, leasedFrom } from '../domain/lease.ts';
import type { OrderChange } from '../domain/order-change.ts';
import { isClosed } from '../domain/order-lifecycle.ts';
import type { Payment } from '../domain/payment.ts';
import { checkAmount, isConfigured } from '../provider-calls/accounts.ts';
import { checkPayment } from '../provider-calls/check-payment.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { submitCapture } from '../provider-calls/submit-capture.ts';
import { changeOrderByIntent } from '../store/change-order.ts';
import { type Claim, hashOf, type Intent } from '../store/idempotency-store.ts';
import { type Actor, keyOwnerOf, ownOrder } from './actor.ts';
import { amountMinor, idempotencyKey, parseInput } from './input.ts';
import { findOwnPayment } from './own-payment.ts';

const inputSchema = z.object({
  idempotencyKey,
  paymentId: z.string().refine((id) => isId('payment', id), 'is not a payment id.'),
  amountMinor: amountMinor.nullish(),
});

/**
 * Captures an authorized payment in full or in part; the provider releases the rest. Returns the payment's id. The payment stays AUTHORIZED
 * until the provider confirms the capture. Without an answer, or when the provider is overloaded, the capture is retried under the same
 * idempotency key.
 *
 * @throws {PaymentNotCapturableError} when the payment is not authorized, or is already being captured.
 * @throws {ProviderRejectedError} when the provider refuses the capture for good.
 */
export async function capturePayment(context: CommandContext, actor: Actor, input: unknown): Promise<string> {
  const { idempotencyKey: key, ...wanted } = parseInput(inputSchema, input);
  const { paymentId } = wanted;
  const payment = await findOwnPayment(context, actor, paymentId);
  const { orderId } = payment;
  const intent: Intent = {
    ...{ merchantId: actor.merchantId, owner: keyOwnerOf(actor), operation: 'capturePayment', key },
    inputHash: hashOf(wanted),
  };
  const next = await changeOrderByIntent(
    context,
    'capture.intent',
    ownOrder(actor, orderId),
    intent,
    (change, prior): Decided => {
      if (prior !== null) {
        return { result: resume(context, change, paymentId, prior.attempt, wanted.amountMinor ?? null), claim: null };
      }
      const { authorizedMinor, captureAttempt } = checkCapturable(change, paymentId);
      const captureMinor = wanted.amountMinor ?? authorizedMinor;
      if (captureMinor > authorizedMinor) {
        throw new InvalidInputError([
          { path: 'amountMinor', message: `must be at most ${authorizedMinor}, the authorized amount.` },
        ]);
      }
      checkAmount(context, payment, captureMinor);
      const attempt = captureAttempt + 1;
      change.plan(paymentId, { captureMinor, captureAttempt: attempt, ...leasedFrom(change.at) });
      return { result: { kind: 'submit', captureMinor }, claim: { resultId: paymentId, attempt } };
    },
  );
  if (next.kind === 'ask') await checkPayment(context, paymentId);
  if (next.kind === 'submit' && (await submitCapture(context, orderId, paymentId)) === 'refused') {
    // The usual causes: the authorization has lapsed, or it was captured in the provider's console. The query finds out.
    await checkPayment(context, paymentId);
    const refused = await context.lookups.payment(paymentId);
    if (refused !== null) refuse(refused, next.captureMinor);
  }
  return paymentId;
}

type Next = { readonly kind: 'submit'; readonly captureMinor: bigint } | { readonly kind: 'ask' | 'nothing' };
type Decided = { readonly result: Next; readonly claim: Claim | null };

/**
 * Handles a repeated call with the same idempotency key. The payment is queried only when no other caller has leased it.
 *
 * @throws {DomainError} the error of the first call, when the provider refused that capture.
 */
function resume(
  context: CommandContext,
  change: OrderChange,
  paymentId: string,
  attempt: number | null,
  amountMinor: bigint | null,
): Next {
  const payment = change.payment(paymentId);
  const isRefused = attempt !== null && payment.refusedCaptures.includes(attempt);
  if (isRefused || payment.status === 'SUCCEEDED') refuse(payment, amountMinor ?? payment.amountMinor);
  const isOpen = payment.captureMinor !== null && isFree(payment, change.at) && isConfigured(context, payment);
  if (isOpen) change.plan(paymentId, leasedFrom(change.at));
  return { kind: isOpen ? 'ask' : 'nothing' };
}

function checkCapturable(change: OrderChange, paymentId: string): Payment {
  const payment = change.payment(paymentId);
  const why = ((): string | null => {
    if (payment.status === 'SUCCEEDED') return 'it is already captured';
    if (payment.status !== 'AUTHORIZED') return 'it is not authorized';
    if (payment.captureMinor !== null) return 'it is already being captured';
    return isClosed(change) ? 'its order is closed; resolve the review first' : null;
  })();
  if (why !== null) throw new PaymentNotCapturableError(paymentId, why);
  return payment;
}

/**
 * Reports a refused capture. Returns without an error when the wanted amount is captured all the same, for example in
 * the provider's console.
 *
 * @throws {PaymentNotCapturableError} when a different amount is captured.
 * @throws {ProviderRejectedError} when nothing is captured.
 */
function refuse({ id, status, capturedMinor }: Payment, wantedMinor: bigint): void {
  if (status === 'SUCCEEDED' && capturedMinor === wantedMinor) return;
  if (status === 'SUCCEEDED')
    throw new PaymentNotCapturableError(id, 'a different amount was captured in the meantime');
  throw new ProviderRejectedError(
    id,
    'The provider refused the capture. Read the payment’s status for its current state.',
  );
}
