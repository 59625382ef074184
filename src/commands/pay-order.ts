import { z } from 'zod';
import { applyPaymentReport } from '../domain/apply-payment-report.ts';
import {
  InvalidInputError,
  MethodNotAvailableError,
  OrderNotPayableError,
  PaymentInProgressError,
  type PaymentMethodOption,
  ProviderRejectedError,
  ProviderUnavailableError,
} from '../domain/errors.ts';
import { isId, newId } from '../domain/ids.ts';
import { isFree, leasedFrom } from '../domain/lease.ts';
import type { Order } from '../domain/order.ts';
import type { OrderChange } from '../domain/order-change.ts';
import { closePayment } from '../domain/order-lifecycle.ts';
import { isLive, lacksAction, type Payment, paymentFlows, paymentMethods } from '../domain/payment.ts';
import { checkConfigured, isConfigured, isUndecided, providerByMethod } from '../provider-calls/accounts.ts';
import { checkPayment, neverStarted } from '../provider-calls/check-payment.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { callDeadlineMs } from '../provider-calls/requests.ts';
import { submitPayment } from '../provider-calls/submit-payment.ts';
import type { BuyerField, PaymentProvider } from '../providers/provider.ts';
import { type Claim, hashOf, type Intent } from '../store/idempotency-store.ts';
import { changeOrderByIntent } from '../store/order-writer.ts';
import { findPayment } from '../store/payment-store.ts';
import type { Actor } from './actor.ts';
import { idempotencyKey, parseInput, text } from './input.ts';

/** How often a payment that is in the way is closed before the caller is told of it. */
const closingsMax = 2;
/** How long a call of payOrder may take: those closings, the submission, and a withdrawal where the order was closed meanwhile. */
export const payOrderMsMax = (closingsMax + 2) * callDeadlineMs;
/** How many payments an order may have: each that was given up is asked about for a while. */
export const paymentsPerOrderMax = 50;

const inputSchema = z.object({
  idempotencyKey,
  orderId: z.string().refine((id) => isId('order', id), 'is not an order id.'),
  method: z.enum(paymentMethods),
  flow: z.enum(paymentFlows).nullish(),
  returnUrl: text(1, 2048).nullish(),
  openId: text(1, 128).nullish(),
  buyerIp: z.union([z.ipv4(), z.ipv6()], 'must be an IP address.').nullish(),
});
type Wanted = Omit<z.output<typeof inputSchema>, 'idempotencyKey'>;

/** What the locked order leads to: a payment to tell the provider of, one to close first, one to ask about, or one that is there already. */
type Beginning =
  | { readonly kind: 'submit'; readonly paymentId: string }
  | { readonly kind: 'close'; readonly paymentId: string }
  | { readonly kind: 'ask'; readonly paymentId: string }
  | { readonly kind: 'held'; readonly payment: Payment };

/**
 * Starts a payment of an order, or finds the one that the same key started. Returns its id.
 * A payment that only waits for its buyer is closed at its provider first: two of them could both be paid.
 */
export async function payOrder(context: CommandContext, actor: Actor, input: unknown): Promise<string> {
  const { idempotencyKey: key, ...wanted } = parseInput(inputSchema, input);
  checkReturnUrl(wanted, actor);
  const intent: Intent = { merchantId: actor.merchantId, operation: 'payOrder', key, inputHash: hashOf(wanted) };
  let beginning = await begin(context, intent, wanted);
  // The second time is for those who race: the one that was closed may have made room for another that only waits for its buyer.
  for (let closed = 0; beginning.kind === 'close'; closed += 1) {
    if (closed === closingsMax) throw new PaymentInProgressError(beginning.paymentId);
    const outcome = await checkPayment(context, beginning.paymentId);
    // Whether it is closed nobody knows: asking once more would only keep the buyer waiting.
    if (outcome.kind === 'unanswered') throw new PaymentInProgressError(beginning.paymentId);
    beginning = await begin(context, intent, wanted);
  }
  if (beginning.kind === 'submit') {
    await submitPayment(context, wanted.orderId, beginning.paymentId);
    return beginning.paymentId;
  }
  const payment = beginning.kind === 'ask' ? await askFirst(context, beginning.paymentId) : beginning.payment;
  if (payment.status === 'FAILED' && payment.evidenceSource === 'RESPONSE') throw new ProviderRejectedError(payment.id);
  return payment.id;
}

/**
 * A payment that may have reached the provider, who knows by when: it forgets our key after a day, and would make a second payment under
 * it. Asked about, and submitted again when the provider has nothing.
 */
async function askFirst(context: CommandContext, paymentId: string): Promise<Payment> {
  const outcome = await checkPayment(context, paymentId, 'renew');
  const payment = await findPayment(context.db.pool, paymentId);
  if (payment === null) throw new Error(`Payment ${paymentId} is gone.`);
  if (outcome.kind === 'unanswered' && payment.status === 'SUBMITTING') {
    throw new ProviderUnavailableError(outcome.retryAfterMs, { cause: outcome.cause });
  }
  return payment;
}

/** How an order of this amount and currency can be paid, by what is configured. */
export function paymentMethodsOf(
  { providers }: Pick<CommandContext, 'providers'>,
  order: Pick<Order, 'totalMinor' | 'currency' | 'captureMode'>,
): PaymentMethodOption[] {
  return providers
    .filter((provider) => provider.refusalOf(offerOf(order)) === null)
    .map(({ method, flows, needs }) => ({
      ...{ method, flows },
      needs: flows.map((flow) => ({ flow, fields: needs[flow] ?? [] })),
    }));
}

function offerOf({ totalMinor, currency, captureMode }: Pick<Order, 'totalMinor' | 'currency' | 'captureMode'>) {
  return { amountMinor: totalMinor, currency, captureMode };
}

type Decided = { readonly result: Beginning; readonly claim: Claim | null };

async function begin(context: CommandContext, intent: Intent, wanted: Wanted): Promise<Beginning> {
  const paymentId = newId('payment');
  return changeOrderByIntent(context, 'pay.intent', wanted.orderId, intent, (change, prior): Decided => {
    if (prior !== null) return { result: resume(context, change, prior.resultId), claim: null };
    const unreachable = change.payments.filter((payment) => isUnreachable(context, payment));
    const blocking = change.payments.find((payment) => isLive(payment) && !unreachable.includes(payment));
    checkPayable(change, blocking);
    const { provider, flow } = choose(context, change.order, wanted);
    if (blocking !== undefined && isUnsubmitted(blocking)) {
      applyPaymentReport(change, neverStarted(blocking, change.at));
    } else if (blocking !== undefined) {
      if (isUndecided(context, blocking)) checkConfigured(context, blocking);
      closePayment(change, blocking.id, 'CANCELED');
      return { result: { kind: 'close', paymentId: blocking.id }, claim: null };
    }
    // Closed at its provider as soon as its account is configured again. Should it be paid until then, what is too much goes back.
    for (const { id } of unreachable) closePayment(change, id, 'CANCELED');
    change.addPayment(newPayment(paymentId, change, provider, flow, wanted));
    return { result: { kind: 'submit', paymentId }, claim: { resultId: paymentId, attempt: null } };
  });
}

/** True for a payment that waits for its buyer, or to be closed, where nobody can be asked: it must not keep the buyer from paying in another way. */
function isUnreachable(context: CommandContext, payment: Payment): boolean {
  const { status } = payment;
  const isWaiting = status === 'ACTION_REQUIRED' || status === 'CANCELING';
  return isWaiting && !isConfigured(context, payment) && !isUndecided(context, payment);
}

/**
 * The same intent again. Submitted once more only when the first time may have done nothing, and nobody else is at it.
 * @throws {ProviderUnavailableError} when its account is not configured any more, and nobody knows whether it was submitted.
 */
function resume(context: CommandContext, change: OrderChange, paymentId: string): Beginning {
  const payment = change.payment(paymentId);
  // What the buyer acts by has run out: it is renewed, and the payment stays the same.
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
    throw new OrderNotPayableError(order.id, `it has had ${paymentsPerOrderMax} payments already; make a new order`);
  }
  if (blocking === undefined || blocking.status === 'ACTION_REQUIRED' || blocking.status === 'CANCELING') return;
  if (isUnsubmitted(blocking)) return;
  throw new PaymentInProgressError(blocking.id);
}

const whatFor: Readonly<Record<BuyerField, string>> = {
  returnUrl: 'the provider sends the buyer there afterwards',
  openId: 'the provider must know which of its users pays',
  buyerIp: 'the provider wants the buyer’s address as you saw it',
};

/**
 * True for a payment that nobody is telling its provider of, after tries that the provider took nothing of. No buyer was ever handed anything
 * to pay it by, so it is in nobody's way; should a call that crashed have made something, it is closed there when it is asked about next.
 */
function isUnsubmitted({ status, leasedUntil }: Payment): boolean {
  return status === 'SUBMITTING' && leasedUntil === null;
}

function choose(context: CommandContext, order: Order, wanted: Wanted) {
  const available = paymentMethodsOf(context, order);
  const provider = providerByMethod(context, wanted.method);
  if (provider === null) throw new MethodNotAvailableError(`${wanted.method} is not available here now.`, available);
  const refusal = provider.refusalOf(offerOf(order));
  if (refusal !== null) throw new MethodNotAvailableError(refusal, available);
  const flow = wanted.flow ?? provider.flows[0];
  if (flow === undefined || !provider.flows.includes(flow)) {
    throw new MethodNotAvailableError(`${wanted.method} has no flow ${wanted.flow}.`, available);
  }
  const missing = (provider.needs[flow] ?? []).filter((field) => wanted[field] == null);
  if (missing.length > 0) {
    throw new InvalidInputError(
      missing.map((field) => ({ path: field, message: `is required with ${flow}: ${whatFor[field]}.` })),
    );
  }
  return { provider, flow };
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
  };
}

function checkReturnUrl({ returnUrl }: Wanted, { returnOrigins }: Actor): void {
  if (returnUrl == null) return;
  const url = URL.canParse(returnUrl) ? new URL(returnUrl) : null;
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new InvalidInputError([{ path: 'returnUrl', message: 'must be an http or https URL.' }]);
  }
  if (!returnOrigins.includes('*') && !returnOrigins.includes(url.origin)) {
    throw new InvalidInputError([
      { path: 'returnUrl', message: `${url.origin} is not an origin that the merchant allows.` },
    ]);
  }
}
