import type { Order } from '../../src/domain/order.ts';
import type { Payment } from '../../src/domain/payment.ts';
import type { Refund } from '../../src/domain/refund.ts';
import type { Exchange } from './exchanges.ts';
import { type LedgerView, type PaymentAtProvider, type RefundAtProvider, withoutTrace } from './ledger-view.ts';

type PaymentTruth = Pick<
  Payment,
  'id' | 'orderId' | 'status' | 'authorizedMinor' | 'capturedMinor' | 'refundedMinor' | 'reservedMinor'
>;
type RefundTruth = Pick<Refund, 'id' | 'paymentId' | 'status' | 'amountMinor' | 'providerRefundId'>;

/** Invariant 2: holds when all work has ended. `wasAsked`: the order was in review because of a refund. */
export function findDifferencesFromLedger(
  payments: readonly PaymentTruth[],
  refunds: readonly RefundTruth[],
  ledger: LedgerView,
  wasAsked: (orderId: string) => boolean,
): string[] {
  const unheardOf = ledger.refunds.filter((theirs) => isExcused(theirs, payments, refunds, wasAsked));
  return [
    ...payments.flatMap((payment) => differencesOfPayment(payment, ledger, unheardOf)),
    ...differencesOfRefunds(
      refunds,
      ledger.refunds.filter((theirs) => !unheardOf.includes(theirs)),
    ),
  ];
}

/**
 * Console refunds at Alipay and WeChat Pay, which list no refunds, are known only by their callback. A pending one has no callback yet. For
 * page and code payments Alipay sends no callback: a query shows at most that everything was refunded. Then the order goes into review, and
 * the bill shows the rest.
 */
function isExcused(
  theirs: RefundAtProvider,
  payments: readonly PaymentTruth[],
  refunds: readonly RefundTruth[],
  wasAsked: (orderId: string) => boolean,
): boolean {
  if (isAmong(refunds, theirs)) return false;
  const payment = payments.find(({ id }) => id === theirs.paymentId);
  if (theirs.heardOf === 'as a sum') return payment !== undefined && wasAsked(payment.orderId);
  return theirs.heardOf === 'later';
}

/** A refund that only an operator has reported may have no provider id; it is matched by ours. */
function isAmong(refunds: readonly RefundTruth[], { names, ourId, isTwin }: RefundAtProvider): boolean {
  return refunds.some(({ id, providerRefundId }) =>
    providerRefundId === null ? ourId === id && !isTwin : names.includes(providerRefundId),
  );
}

function differencesOfPayment(
  payment: PaymentTruth,
  ledger: LedgerView,
  unheardOf: readonly RefundAtProvider[],
): string[] {
  const { id, status } = payment;
  const theirs = ledger.payments.find(({ paymentId }) => paymentId === id);
  const held = status === 'AUTHORIZED' ? payment.authorizedMinor : 0n;
  const unheardIn = (wanted: Refund['status']): number =>
    unheardOf
      .filter((refund) => refund.paymentId === id && refund.status === wanted)
      .reduce((sum, { amount }) => sum + amount, 0);
  const rules: readonly (readonly [name: string, ours: bigint, theirs: number])[] = [
    ['authorized', held, theirs?.authorized ?? 0],
    ['captured', payment.capturedMinor, theirs?.captured ?? 0],
    ['refunded', payment.refundedMinor, (theirs?.refunded ?? 0) - unheardIn('SUCCEEDED')],
    ['refunds under way', payment.reservedMinor, (theirs?.refundPending ?? 0) - unheardIn('PENDING')],
  ];
  const ends = theirs?.ends ?? withoutTrace;
  return [
    ...rules
      .filter(([, ours, amount]) => Number(ours) !== amount)
      .map(([name, ours, amount]) => `${id} (${status}): ${name} is ${ours} by us, ${amount} at the provider`),
    ...(ends.includes(status) ? [] : [`${id} is ${status}; at the provider it is ${theirs?.state ?? 'unknown'}`]),
    ...(theirs?.leftOpen ?? []).map((what) => `${id} is ${status}; ${what}`),
  ];
}

function differencesOfRefunds(refunds: readonly RefundTruth[], theirRefunds: readonly RefundAtProvider[]): string[] {
  const problems = theirRefunds.flatMap((theirs) => {
    const [name = ''] = theirs.names;
    const ours = refunds.filter((refund) => isAmong([refund], theirs));
    const [refund] = ours;
    if (refund === undefined) return [`the provider’s refund ${name} of ${theirs.amount} is not among ours`];
    if (ours.length > 1) return [`the provider’s refund ${name} is ${ours.map(({ id }) => id).join(' and ')}`];
    return [
      ...(Number(refund.amountMinor) === theirs.amount
        ? []
        : [`${refund.id} is of ${refund.amountMinor}, ${name} of ${theirs.amount}`]),
      ...(refund.status === theirs.status ? [] : [`${refund.id} is ${refund.status}, ${name} is ${theirs.state}`]),
    ];
  });
  const strangers = refunds.filter(
    (refund) => refund.status !== 'FAILED' && !theirRefunds.some((theirs) => isAmong([refund], theirs)),
  );
  return [...problems, ...strangers.map(({ id, status }) => `${id} is ${status}, and the provider has no such refund`)];
}

/** Invariant 4 at the provider: one payment is one object and one charge, and one refund is one refund. */
export function findDoubles(ledger: LedgerView): string[] {
  const refunds = countBy(ledger.refunds.flatMap(({ ourId, isTwin }) => (isTwin ? [] : (ourId ?? []))));
  return [
    ...ledger.payments.flatMap(({ paymentId, objects, charges }) => [
      ...objects.filter(({ count }) => count > 1).map(({ name, count }) => `${paymentId} has ${count} ${name}`),
      ...(charges > 1 ? [`${paymentId} was charged ${charges} times`] : []),
    ]),
    ...refunds.filter(([, count]) => count > 1).map(([id, count]) => `${id} was refunded ${count} times`),
  ];
}

type MaybeFailed = Pick<
  Payment,
  'id' | 'status' | 'failureReason' | 'failureProviderCode' | 'expiresAt' | 'evidenceReceivedAt'
>;

/**
 * Invariant 11. A refund that another person did not approve was never sent. A provider's final refusal of our call is sufficient evidence, and so is an object that it reports as failed. A payment that
 * the provider does not know after its payment deadline needs no evidence: it can no longer come into being, and is not sent again.
 */
export function findFailuresWithoutWord(
  payments: readonly MaybeFailed[],
  refunds: readonly (Pick<Refund, 'id' | 'status' | 'providerRefundId'> & Partial<Pick<Refund, 'approval'>>)[],
  ledger: LedgerView,
  exchanges: readonly Exchange[],
): string[] {
  const isRefused = (id: string): boolean =>
    exchanges.some(({ about, outcome }) => about?.startsWith(id) && outcome === 'refused');
  const isTooLate = ({ id, failureReason, failureProviderCode, expiresAt, evidenceReceivedAt }: MaybeFailed): boolean =>
    failureReason === 'expired' &&
    failureProviderCode === null &&
    evidenceReceivedAt !== null &&
    evidenceReceivedAt.getTime() + wholeSecondMs > expiresAt.getTime() &&
    !ledger.payments.some((theirs) => theirs.paymentId === id && theirs.captured > 0);
  const isCalledFailed = ({ id }: MaybeFailed): boolean =>
    ledger.payments.some(({ paymentId, hasFailed }) => paymentId === id && hasFailed);
  const hasFailedThere = ({ id, providerRefundId }: Pick<Refund, 'id' | 'providerRefundId'>): boolean =>
    ledger.refunds.some(
      ({ names, ourId, status }) =>
        status === 'FAILED' && (ourId === id || (providerRefundId !== null && names.includes(providerRefundId))),
    );
  return [
    ...payments.filter(
      (payment) =>
        payment.status === 'FAILED' && !isRefused(payment.id) && !isTooLate(payment) && !isCalledFailed(payment),
    ),
    ...refunds.filter(
      (refund) =>
        refund.status === 'FAILED' &&
        refund.approval !== 'REJECTED' &&
        !isRefused(refund.id) &&
        !hasFailedThere(refund),
    ),
  ].map(({ id }) => `${id} is FAILED, and the provider has not said so`);
}

/** Alipay expires a payment at the full second before its deadline. */
const wholeSecondMs = 1000;

/**
 * Invariant 12, checked right after an order has ended. Excludes payments whose start or close was never answered: the provider may still
 * act on those calls, and nobody can close the payment before. Also excludes payments that the provider did not know when asked to close
 * them: the buyer has a link, and can open it at any time.
 */
export function findOpenAtEnd(
  ended: readonly Pick<Order, 'id' | 'status'>[],
  payments: readonly Pick<Payment, 'id' | 'orderId'>[],
  ledger: LedgerView,
  exchanges: readonly Exchange[],
): string[] {
  const wasOutOfReach = (id: string): boolean => {
    const about = exchanges.filter((exchange) => exchange.about?.startsWith(id));
    if (about.some(({ kind, outcome }) => kind === 'change' && outcome === 'unanswered')) return true;
    return about.findLast(({ outcome }) => outcome !== 'unanswered')?.outcome === 'unknownThere';
  };
  const openOf = (id: string): PaymentAtProvider['open'] =>
    ledger.payments.filter(({ paymentId }) => paymentId === id).flatMap(({ open }) => open);
  return ended.flatMap(({ id: orderId, status: orderStatus }) =>
    payments
      .filter((payment) => payment.orderId === orderId && !wasOutOfReach(payment.id))
      .flatMap(({ id }) => openOf(id).map((what) => `${orderId} is ${orderStatus}; of ${id} at the provider, ${what}`)),
  );
}

function countBy(names: readonly string[]): [name: string, count: number][] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts];
}
