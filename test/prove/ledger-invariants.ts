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

/** Invariant 2: holds once all is quiet. `wasAsked`: a person was told that something is wrong with a refund of the order. */
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
 * A refund of somebody's in the console of Alipay or WeChat Pay, which list none, is known by its callback alone. While it is under way
 * there is none yet. Of what Alipay never tells, the rest of a payment on its page or by its code, it says at most that all went back: then
 * a person is asked, and the bill tells the rest.
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

/** One that a person has told of may have no name there, and goes by our own. */
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

/** Invariant 4, as far as the provider’s side goes: one payment is one object and one charge there, one refund one refund. */
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
 * Invariant 11. A provider’s refusal of our own call is such a word, and a payment or refund that it calls failed. A payment of which it holds nothing
 * when the time to pay is over needs none: nothing can come of it, and it is not even sent any more.
 */
export function findFailuresWithoutWord(
  payments: readonly MaybeFailed[],
  refunds: readonly Pick<Refund, 'id' | 'status' | 'providerRefundId'>[],
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
    ...refunds.filter((refund) => refund.status === 'FAILED' && !isRefused(refund.id) && !hasFailedThere(refund)),
  ].map(({ id }) => `${id} is FAILED, and the provider has not said so`);
}

/** Alipay ends a payment at the whole second before its time is over. */
const wholeSecondMs = 1000;

/**
 * Invariant 12, to be asked right after an order has ended. Not of payments whose start was never answered, or whose close: what the
 * provider makes of it later on nobody can close before. Nor of what the provider called unknown when it was asked to close it: the buyer
 * holds a link, and can open it at any time.
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
