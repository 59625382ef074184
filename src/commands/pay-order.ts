import { z } from 'zod';
import { applyPaymentReport } from '../domain/apply-payment-report.ts';
import {
  InvalidInputError,
  OrderNotPayableError,
  PaymentInProgressError,
  ProviderRejectedError,
  ProviderUnavailableError,
} from '../domain/errors.ts';
import { isId, newId } from '../domain/ids.ts';
import { isFree, leasedFrom } from '../domain/lease.ts';
import type { Order } from '../domain/order.ts';
import type { OrderChange } from '../domain/order-change.ts';
import { closePayment } from '../domain/order-lifecycle.ts';
import { isLive, lacksAction, type Payment, paymentFlows, paymentMethods } from '../domain/payment.ts';
import { checkConfigured, isConfigured, isUndecided } from '../provider-calls/accounts.ts';
import { checkPayment, neverStarted } from '../provider-calls/check-payment.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { callDeadlineMs } from '../provider-calls/requests.ts';
import { submitPayment } from '../provider-calls/submit-payment.ts';
import type { PaymentProvider } from '../providers/provider.ts';
import { insertPaymentAddress } from '../store/card-failure-store.ts';
import { changeOrderByIntent } from '../store/change-order.ts';
import { type Claim, hashOf, type Intent } from '../store/idempotency-store.ts';
import { type Actor, keyOwnerOf, ownOrder } from './actor.ts';
import { checkCardTesting } from './card-testing.ts';
import { idempotencyKey, parseInput, reference } from './input.ts';
import { chooseMethod } from './payment-methods.ts';
import { allowsReturnTo, webUrlOf } from './return-url.ts';

/** The maximum number of blocking payments that one call closes before it fails with PAYMENT_IN_PROGRESS. */
const closingsMax = 2;
/**
 * The longest duration of a payOrder call in milliseconds: the closings, the submission, and the closing of the new
 * payment if the order was closed during the submission.
 */
export const payOrderMsMax = (closingsMax + 2) * callDeadlineMs;
/** The maximum number of payments of an order. It is limited because every abandoned payment is still queried for a while. */
export const paymentsPerOrderMax = 50;

const inputSchema = z.object({
  idempotencyKey,
  orderId: z.string().refine((id) => isId('order', id), 'is not an order id.'),
  method: z.enum(paymentMethods),
  flow: z.enum(paymentFlows).nullish(),
  returnUrl: reference(1, 2048).nullish(),
  openId: reference(1, 128).nullish(),
  buyerIp: z.union([z.ipv4(), z.ipv6()], 'must be an IP address.').nullish(),
});
type Wanted = Omit<z.output<typeof inputSchema>, 'idempotencyKey'>;

/** The next step, decided under the order's lock: submit a payment, close a blocking one first, query one, or return an existing one. */
type Beginning =
  | { readonly kind: 'submit'; readonly order: Order; readonly payment: Payment }
  | { readonly kind: 'close'; readonly paymentId: string }
  | { readonly kind: 'ask'; readonly paymentId: string }
  | { readonly kind: 'held'; readonly payment: Payment };

/**
 * Starts a payment of an order. Returns the payment's id. A repeated call with the same key returns the id of the same
 * payment. A payment that waits for its buyer is closed at its provider first, because the buyer could pay both.
 *
 * @param address the client address of a buyer's browser; null for a merchant's server.
 * @throws {RateLimitedError} when too many card payments of the buyer have failed.
 * @throws {PaymentInProgressError} when another payment may still succeed, or could not be closed.
 * @throws {ProviderUnavailableError} when the provider certainly did not execute the call. Retry with the same key.
 * @throws {ProviderRejectedError} when the provider refuses the payment for good.
 */
export async function payOrder(
  context: CommandContext,
  actor: Actor,
  input: unknown,
  address: string | null = null,
): Promise<string> {
  const { idempotencyKey: key, ...wanted } = parseInput(inputSchema, input);
  checkReturnUrl(wanted, actor);
  const intent: Intent = {
    ...{ merchantId: actor.merchantId, owner: keyOwnerOf(actor), operation: 'payOrder', key },
    inputHash: hashOf(wanted),
  };
  const isCard = wanted.method === 'CARD';
  const [available] = await Promise.all([
    context.accounts.payableBy(actor.merchantId),
    isCard ? checkCardTesting(context, actor, { intent, orderId: wanted.orderId }, address) : null,
  ]);
  const known = withAddress(wanted, address);
  let beginning = await begin(context, actor, intent, known, available);
  // One closing is not enough in a race: after it, a concurrent call may start another payment that waits for its buyer.
  for (let closed = 0; beginning.kind === 'close'; closed += 1) {
    if (closed === closingsMax) throw new PaymentInProgressError(beginning.paymentId);
    const outcome = await checkPayment(context, beginning.paymentId);
    // It is unknown whether the payment is closed. Another query would only keep the buyer waiting.
    if (outcome.kind === 'unanswered') throw new PaymentInProgressError(beginning.paymentId);
    beginning = await begin(context, actor, intent, known, available);
  }
  if (beginning.kind === 'submit') {
    const { order, payment } = beginning;
    if (address !== null && isCard) {
      await insertPaymentAddress(context.db.pool, payment.id, address, context.clock.now());
    }
    await submitPayment(context, order, payment);
    return payment.id;
  }
  const payment = beginning.kind === 'ask' ? await queryFirst(context, beginning.paymentId) : beginning.payment;
  if (payment.status === 'FAILED' && payment.evidenceSource === 'RESPONSE') throw new ProviderRejectedError(payment.id);
  return payment.id;
}

/**
 * A browser does not know its address, and the server sees it. It is not part of the intent: a buyer who comes back from another network
 * repeats the same payment.
 */
function withAddress(wanted: Wanted, address: string | null): Wanted {
  const isUsed = wanted.flow === 'MOBILE_WEB' && wanted.buyerIp == null;
  return isUsed && address !== null ? { ...wanted, buyerIp: address } : wanted;
}

/**
 * Queries a payment that may have reached the provider, and submits it again only if the provider does not have it.
 * Submitting it without the query is not safe: the provider forgets our idempotency key after a day and would then
 * create a second payment.
 *
 * @throws {ProviderUnavailableError} when the provider does not answer and the payment is still not submitted.
 */
async function queryFirst(context: CommandContext, paymentId: string): Promise<Payment> {
  const outcome = await checkPayment(context, paymentId, 'renew');
  const payment = await context.lookups.payment(paymentId);
  if (payment === null) throw new Error(`Payment ${paymentId} no longer exists.`);
  if (outcome.kind === 'unanswered' && payment.status === 'SUBMITTING') {
    throw new ProviderUnavailableError(outcome.retryAfterMs, { cause: outcome.cause });
  }
  return payment;
}

type Decided = { readonly result: Beginning; readonly claim: Claim | null };

async function begin(
  context: CommandContext,
  actor: Actor,
  intent: Intent,
  wanted: Wanted,
  available: readonly PaymentProvider[],
): Promise<Beginning> {
  const paymentId = newId('payment');
  return changeOrderByIntent(
    context,
    'pay.intent',
    ownOrder(actor, wanted.orderId),
    intent,
    (change, prior): Decided => {
      if (prior !== null) return { result: resume(context, change, prior.resultId), claim: null };
      const unreachable = change.payments.filter((payment) => isUnreachable(context, payment));
      const blocking = change.payments.find((payment) => isLive(payment) && !unreachable.includes(payment));
      checkPayable(change, blocking);
      const { provider, flow } = chooseMethod(available, change.order, wanted);
      if (blocking !== undefined && isUnsubmitted(blocking)) {
        applyPaymentReport(change, neverStarted(blocking, change.at));
      } else if (blocking !== undefined) {
        if (isUndecided(context, blocking)) checkConfigured(context, blocking);
        closePayment(change, blocking.id, 'CANCELED');
        return { result: { kind: 'close', paymentId: blocking.id }, claim: null };
      }
      // These are closed at their provider once the account is configured again. If the buyer pays one before that, the surplus is refunded.
      for (const { id } of unreachable) closePayment(change, id, 'CANCELED');
      change.addPayment(newPayment(paymentId, change, provider, flow, wanted));
      return {
        result: { kind: 'submit', order: change.order, payment: change.payment(paymentId) },
        claim: { resultId: paymentId, attempt: null },
      };
    },
  );
}

/**
 * True for a payment at an account that is not configured that waits for its buyer or for its closing. It can be
 * neither queried nor closed, so it must not block other payments of the order.
 */
function isUnreachable(context: CommandContext, payment: Payment): boolean {
  const { status } = payment;
  const isWaiting = status === 'ACTION_REQUIRED' || status === 'CANCELING';
  return isWaiting && !isConfigured(context, payment) && !isUndecided(context, payment);
}

/**
 * Handles a repeated call with the same idempotency key. The payment is submitted again only when the first call may
 * have had no effect and no other caller has leased it.
 *
 * @throws {ProviderUnavailableError} when its account is no longer configured and it is unknown whether the payment was
 *   submitted.
 */
function resume(context: CommandContext, change: OrderChange, paymentId: string): Beginning {
  const payment = change.payment(paymentId);
  // The next action has expired: it is renewed for the same payment.
  const isToBeRenewed = lacksAction(payment, change.at) && payment.expiresAt > change.at;
  const isOpen = payment.status === 'SUBMITTING' || isToBeRenewed;
  if (!isOpen || !isFree(payment, change.at)) return { kind: 'held', payment };
  checkConfigured(context, payment);
  change.plan(paymentId, leasedFrom(change.at));
  return { kind: 'ask', paymentId };
}

function checkPayable({ order, payments, at }: OrderChange, blocking: Payment | undefined): void {
  if (order.status === 'CONFIRMED') throw new OrderNotPayableError(order.id, 'it is paid or authorized already');
  if (order.status === 'CANCELED') throw new OrderNotPayableError(order.id, 'it is canceled');
  if (order.status === 'CLOSING') throw new OrderNotPayableError(order.id, 'it is being closed');
  if (order.status === 'EXPIRED' || order.expiresAt <= at) throw new OrderNotPayableError(order.id, 'it has expired');
  if (payments.length >= paymentsPerOrderMax) {
    throw new OrderNotPayableError(order.id, `it has ${paymentsPerOrderMax} payments, the maximum; create a new order`);
  }
  if (blocking === undefined || blocking.status === 'ACTION_REQUIRED' || blocking.status === 'CANCELING') return;
  if (isUnsubmitted(blocking)) return;
  throw new PaymentInProgressError(blocking.id);
}

/**
 * True for a payment that no caller is submitting and whose earlier submissions were not executed. Its buyer never
 * received a next action, so it does not block other payments. If a call that crashed created it at the provider all
 * the same, the next check closes it there.
 */
function isUnsubmitted({ status, leasedUntil }: Payment): boolean {
  return status === 'SUBMITTING' && leasedUntil === null;
}

function newPayment(
  id: string,
  { order, at }: OrderChange,
  provider: PaymentProvider,
  flow: Payment['flow'],
  wanted: Wanted,
): Payment {
  return {
    id,
    orderId: order.id,
    merchantId: order.merchantId,
    method: provider.method,
    flow,
    provider: provider.name,
    providerAccount: provider.account,
    status: 'SUBMITTING',
    captureMode: order.captureMode,
    currency: order.currency,
    amountMinor: order.totalMinor,
    authorizedMinor: 0n,
    capturedMinor: 0n,
    refundedMinor: 0n,
    reservedMinor: 0n,
    appliedMinor: 0n,
    surplusMinor: 0n,
    quarantinedMinor: 0n,
    refusedCaptures: [],
    late: false,
    closeTarget: null,
    returnUrl: wanted.returnUrl ?? null,
    openId: wanted.openId ?? null,
    buyerIp: wanted.buyerIp ?? null,
    description: order.description,
    providerPaymentId: null,
    failureReason: null,
    failureMessage: null,
    failureProviderCode: null,
    failureAttempt: null,
    evidenceSource: null,
    evidenceProviderTime: null,
    evidenceReceivedAt: null,
    createdAt: at,
    updatedAt: at,
    succeededAt: null,
    expiresAt: order.expiresAt,
    nextAction: null,
    providerReference: null,
    ...leasedFrom(at),
    checkAttempts: 0,
    askedAt: null,
    hintedAt: null,
    captureMinor: null,
    captureAttempt: 0,
    cardBrand: null,
    cardLast4: null,
  };
}

function checkReturnUrl({ returnUrl }: Wanted, { returnOrigins }: Actor): void {
  if (returnUrl == null) return;
  const url = webUrlOf(returnUrl);
  if (url === null) {
    throw new InvalidInputError([{ path: 'returnUrl', message: 'must be an http or https URL.' }]);
  }
  if (!allowsReturnTo(returnOrigins, url)) {
    throw new InvalidInputError([
      { path: 'returnUrl', message: `has the origin ${url.origin}, which the merchant does not allow.` },
    ]);
  }
}
