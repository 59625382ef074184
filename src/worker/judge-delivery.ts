import { applyPaymentReport, noteForeignReport } from '../domain/apply-payment-report.ts';
import { applyRefundReport, differenceFrom, findRefund } from '../domain/apply-refund-report.ts';
import { firstPaymentIdIn, newId } from '../domain/ids.ts';
import type { OrderChange } from '../domain/order-change.ts';
import { noteUnreadableCallback } from '../domain/payment-checks.ts';
import type { RefundReport, ReportOutcome } from '../domain/report.ts';
import { needReview } from '../domain/review.ts';
import type { Delivery, DeliveryOutcome, DeliveryVerdict } from '../events/inbox.ts';
import { aboutOrder } from '../logging/request-log.ts';
import { currentSpan } from '../logging/trace.ts';
import { isConfigured, providerOf } from '../provider-calls/accounts.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { withinCallDeadline } from '../provider-calls/requests.ts';
import { isProviderError, type RefundName, type WebhookMessage } from '../providers/provider.ts';
import type { PaymentPlace } from '../store/lookups.ts';
import { loadOrder } from '../store/order-store.ts';
import { findPaymentNamed } from '../store/payment-store.ts';
import { findSpans } from '../store/trace-store.ts';
import { isObserved, isTraced, observed } from '../telemetry/observe.ts';
import { finalOf, isTriedLongEnough, postponed, statusOf } from './delivery-verdicts.ts';

/** The callback of a refund that we did not request is applied without a confirming query after this many tries without an answer. */
const believedAfterTries = 4;

/** What applying a callback does in the end. A dry run replaces it. */
export type Effects = {
  /** As `changeOrderByDelivery`. */
  change(
    orderId: string,
    delivery: Delivery,
    decide: (change: OrderChange, isPending: boolean) => DeliveryVerdict,
  ): Promise<DeliveryOutcome>;
  /** Stores a verdict that changes no order. */
  store(delivery: Delivery, verdict: DeliveryVerdict): Promise<DeliveryOutcome>;
};

/** What a callback is applied with. */
export type Judging = CommandContext & { readonly effects: Effects };

/** Reads a callback, decides what it means, and hands the decision to the effects. */
export async function judge(context: Judging, delivery: Delivery): Promise<DeliveryOutcome> {
  const message = read(context, delivery);
  if (message === null) {
    return context.effects.store(delivery, finalOf(context, delivery, 'REVIEW', 'unreadable', null));
  }
  if (message.kind === 'ignored') {
    return context.effects.store(delivery, finalOf(context, delivery, 'IGNORED', message.reason, null));
  }
  if (message.kind === 'foreign') return refuseForeign(context, delivery, message);
  const payment = await findSubject(context, delivery, message);
  if (payment === null || !isOfAccount(context, payment, delivery))
    return tryLater(context, delivery, 'unknown_payment');
  aboutOrder(context.log, payment.orderId);
  if (message.kind === 'payment' && message.isCreation && (await isSubmitting(context, payment))) {
    // Our own call is in progress and its answer has the same content. If that answer is lost, the payment becomes
    // UNKNOWN and a retry of this callback settles it.
    return tryLater(context, delivery, 'call_under_way');
  }
  return continuingTrace(context, delivery, payment, async () => {
    if (message.kind === 'unclear') return reviewUnclear(context, delivery, payment, message);
    if (message.kind === 'payment') return applyTo(context, delivery, payment, message, null);
    return applyTo(context, delivery, payment, message, await queryRefund(context, payment, message));
  });
}

/** Applies a callback in the trace of the request that started its payment. The request that brought the callback is linked. */
async function continuingTrace(
  { db }: CommandContext,
  { id: deliveryId, provider }: Delivery,
  { id: paymentId }: PaymentPlace,
  work: () => Promise<DeliveryOutcome>,
): Promise<DeliveryOutcome> {
  if (!isObserved()) return work();
  const [started, received] = isTraced() ? await findSpans(db.pool, [paymentId, deliveryId]) : [];
  const link = currentSpan() ?? received ?? null;
  const piece = { kind: 'callback', name: `${provider} apply`, attributes: { deliveryId, paymentId } } as const;
  const trace = { ...(started && { parent: started }), links: link === null ? [] : [link] };
  return observed({ ...piece, ...trace }, async (watch) => {
    const outcome = await work();
    watch.end(outcome.status.toLowerCase());
    return outcome;
  });
}

/** A callback never concerns a payment of another account, whatever it says: the account's owner could have signed it. */
function isOfAccount(context: CommandContext, payment: PaymentPlace, { provider, providerAccount }: Delivery): boolean {
  const isNamed = payment.provider === provider && payment.providerAccount === providerAccount;
  return isNamed && isConfigured(context, payment); // not an account that another merchant stored under the same name
}

type Foreign = Extract<WebhookMessage, { kind: 'foreign' }>;
type OfRefund = Extract<WebhookMessage, { kind: 'refund' }>;
type Reporting = Extract<WebhookMessage, { kind: 'payment' }> | OfRefund;
type Unclear = Extract<WebhookMessage, { kind: 'unclear' }>;

/**
 * Refuses a callback for another app or merchant. It changes no payment. If it names one of the account
 * that received it, the order of that payment goes into review.
 */
async function refuseForeign(
  context: Judging,
  delivery: Delivery,
  { paymentId, reason }: Foreign,
): Promise<DeliveryOutcome> {
  const named = paymentId === null ? null : await context.lookups.payment(paymentId);
  const payment = named !== null && isOfAccount(context, named, delivery) ? named : null;
  const verdict = finalOf(context, delivery, 'REVIEW', 'mismatch', payment?.id ?? null);
  if (payment === null) return context.effects.store(delivery, verdict);
  return context.effects.change(payment.orderId, delivery, (change) => {
    noteForeignReport(change, payment.id, reason);
    return verdict;
  });
}

/**
 * Handles a callback with unknown content. It changes no payment. The order that it names goes into review, and the
 * provider is queried.
 */
async function reviewUnclear(
  context: Judging,
  delivery: Delivery,
  { id: paymentId, orderId }: PaymentPlace,
  { reason }: Unclear,
): Promise<DeliveryOutcome> {
  context.log.warn({ deliveryId: delivery.id, paymentId, reason }, 'a verified callback could not be understood');
  return context.effects.change(orderId, delivery, (change, isPending) => {
    // A slower node must not reopen a review that a person has closed since.
    if (isPending) noteUnreadableCallback(change, paymentId, reason);
    return finalOf(context, delivery, 'REVIEW', 'unreadable', paymentId);
  });
}

async function findSubject(
  { db, lookups }: CommandContext,
  delivery: Delivery,
  message: Reporting | Unclear,
): Promise<PaymentPlace | null> {
  if (message.kind === 'payment') return lookups.paymentPlace(message.report.paymentId, delivery);
  const { paymentId, providerPaymentId } = message;
  const named = providerPaymentId === null ? null : await findPaymentNamed(db.pool, delivery, providerPaymentId);
  if (named !== null || paymentId === null) return named;
  if (message.kind === 'unclear') return lookups.payment(paymentId);
  // Our id alone is not enough, because it can be copied to a refund of another payment. It counts only while the provider's id is unknown.
  const payment = await lookups.payment(paymentId);
  return payment?.providerPaymentId === null ? payment : null;
}

async function isSubmitting({ lookups }: CommandContext, { id }: PaymentPlace): Promise<boolean> {
  const payment = await lookups.payment(id);
  return payment?.status === 'SUBMITTING';
}

/**
 * Queries the provider about a refund that we did not request, because there is no recorded amount to compare the
 * callback with. Null when no query is needed or possible, or when the provider does not answer.
 */
async function queryRefund(
  context: CommandContext,
  { id: paymentId, orderId, ...payment }: PaymentPlace,
  { report: reported, providerPaymentId }: OfRefund,
): Promise<RefundReport | null> {
  const held = await loadOrder(context.db.pool, orderId);
  const { refundId, providerRefundId } = reported;
  const isKnown = held !== null && findRefund(held, paymentId, reported) !== null;
  if (isKnown || (refundId === null && providerRefundId === null)) return null;
  const name: RefundName = { paymentId, providerPaymentId, refundId, providerRefundId };
  try {
    const provider = providerOf(context, payment);
    const answer = await withinCallDeadline((signal) => provider.queryRefund(name, signal));
    return answer.kind === 'report' ? answer.report : null;
  } catch (error) {
    if (!isProviderError(error)) throw error;
    context.log.warn({ err: error, paymentId }, 'the state of a refund could not be queried');
    return null;
  }
}

async function applyTo(
  context: Judging,
  delivery: Delivery,
  { id: paymentId, orderId }: PaymentPlace,
  message: Reporting,
  asked: RefundReport | null,
): Promise<DeliveryOutcome> {
  return context.effects.change(orderId, delivery, (change) => {
    const outcome =
      message.kind === 'payment'
        ? applyPaymentReport(change, message.report)
        : applyRefundMessage(change, paymentId, message, asked, delivery.applyAttempts >= believedAfterTries);
    if (outcome.effect === 'early') {
      if (!isTriedLongEnough(delivery, change.at)) return postponed(delivery, 'early', change.at);
      needReview(
        change,
        'REFUND_ABNORMAL',
        `${paymentId}: a callback reports a refund that the provider does not confirm.`,
      );
      return finalOf(context, delivery, 'REVIEW', 'early', paymentId);
    }
    return finalOf(context, delivery, ...statusOf(outcome), paymentId);
  });
}

function applyRefundMessage(
  change: OrderChange,
  paymentId: string,
  { report, payment }: OfRefund,
  asked: RefundReport | null,
  isBelieved: boolean,
): ReportOutcome {
  if (payment !== null) {
    const verdict = applyPaymentReport(change, { ...payment, paymentId });
    if (verdict.effect === 'refused' && verdict.reason === 'mismatch') return verdict;
  }
  // A refund without an id can be neither queried nor distinguished from another one: it is refused now, and the order goes into review.
  const isNameless = report.refundId === null && report.providerRefundId === null;
  const { capturedMinor, refundedMinor } = change.payment(paymentId);
  if (isNameless && capturedMinor > 0n && refundedMinor === capturedMinor) return { effect: 'repeated' };
  const isComplete = asked !== null || isNameless || (isBelieved && report.amountMinor !== null);
  const outcome = applyRefundReport(change, paymentId, asked ?? report, isComplete ? newId('refund') : null);
  if (outcome.effect === 'early' || asked === null) return outcome;
  return doubtIfOther(change, paymentId, report, asked) ?? outcome;
}

/** Refuses a callback that states another amount than the provider's answer, by which the refund was recorded: a person has to find out why. */
function doubtIfOther(
  change: OrderChange,
  paymentId: string,
  report: RefundReport,
  { amountMinor, currency }: RefundReport,
): ReportOutcome | null {
  const difference =
    amountMinor === null || currency === null ? null : differenceFrom({ amountMinor, currency }, report);
  if (difference === null) return null;
  needReview(change, 'REFUND_ABNORMAL', `${paymentId}: a refund was ${difference}`);
  return { effect: 'refused', reason: 'mismatch' };
}

/**
 * Postpones a callback that cannot be applied now: it may have arrived before its payment was committed, the payment
 * may be missing because a backup was restored, or there is a bug. After a day of retries a person must look at it.
 */
export async function tryLater(context: Judging, delivery: Delivery, reason: string): Promise<DeliveryOutcome> {
  const at = context.clock.now();
  if (isTriedLongEnough(delivery, at)) return giveUp(context, delivery, reason);
  return context.effects.store(delivery, postponed(delivery, reason, at));
}

/** Stops the retries and leaves the callback to a person. If the body names a payment of the account, its order goes into review. */
async function giveUp(context: Judging, delivery: Delivery, reason: string): Promise<DeliveryOutcome> {
  const { lookups, log } = context;
  const named = firstPaymentIdIn(delivery.body.toString('latin1'));
  const payment = named === null ? null : await lookups.payment(named);
  log.error(
    { deliveryId: delivery.id, paymentId: named, reason },
    'a callback could not be applied for a day and needs a person',
  );
  if (payment === null || !isOfAccount(context, payment, delivery)) {
    return context.effects.store(delivery, finalOf(context, delivery, 'REVIEW', reason, null));
  }
  const { id: paymentId, orderId } = payment;
  return context.effects.change(orderId, delivery, (change, isPending) => {
    if (isPending) noteUnreadableCallback(change, paymentId, 'a verified callback could not be applied for a day.');
    return finalOf(context, delivery, 'REVIEW', reason, paymentId);
  });
}

/**
 * Reads the content of a callback. If the adapter cannot read even its ids, our payment id is searched for in the raw
 * body. Null when there is none.
 */
function read(context: CommandContext, delivery: Delivery): WebhookMessage | null {
  const provider = providerOf(context, { ...delivery, merchantId: null });
  try {
    return provider.readWebhook(delivery.body, delivery.receivedAt);
  } catch (error) {
    context.log.error(
      { err: error, deliveryId: delivery.id },
      'a verified callback could not be read and needs a person',
    );
    const paymentId = firstPaymentIdIn(delivery.body.toString('latin1'));
    if (paymentId === null) return null;
    return { kind: 'unclear', paymentId, providerPaymentId: null, reason: 'a verified callback could not be read.' };
  }
}
