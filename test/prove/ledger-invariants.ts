import type { StripeLedger } from '../../sandbox/stripe-oracle.ts';
import type { Order } from '../../src/domain/order.ts';
import type { Payment, PaymentStatus } from '../../src/domain/payment.ts';
import type { Refund, RefundStatus } from '../../src/domain/refund.ts';
import type { Exchange } from './world.ts';

export type Ledger = Pick<StripeLedger, 'paymentIntents' | 'checkoutSessions' | 'refunds' | 'totals'>;
type PaymentTruth = Pick<
  Payment,
  'id' | 'orderId' | 'status' | 'currency' | 'authorizedMinor' | 'capturedMinor' | 'refundedMinor' | 'reservedMinor'
>;
type RefundTruth = Pick<Refund, 'id' | 'paymentId' | 'status' | 'currency' | 'amountMinor' | 'providerRefundId'>;

/** Where Stripe counts in other units than ISO 4217, and so we: by how much more. */
const stripeFactors: Readonly<Record<string, bigint>> = { ISK: 100n };

/** What a PaymentIntent in this state makes of a payment once all is quiet. What could still be paid is nothing to end with. */
const statusesBy: Readonly<Record<string, readonly PaymentStatus[]>> = {
  requires_payment_method: [],
  requires_confirmation: [],
  requires_action: [],
  processing: ['PROCESSING'],
  requires_capture: ['AUTHORIZED'],
  succeeded: ['SUCCEEDED'],
  canceled: ['CANCELED', 'EXPIRED'],
};
const withoutIntent: readonly PaymentStatus[] = ['FAILED', 'CANCELED', 'EXPIRED'];

const refundStatusBy: Readonly<Record<string, RefundStatus>> = {
  pending: 'PENDING',
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
  canceled: 'FAILED',
};

/** Invariant 2: holds once all is quiet. */
export function findDifferencesFromLedger(
  payments: readonly PaymentTruth[],
  refunds: readonly RefundTruth[],
  ledger: Ledger,
): string[] {
  return [
    ...payments.flatMap((payment) => differencesOfPayment(payment, ledger)),
    ...differencesOfRefunds(refunds, ledger),
  ];
}

function differencesOfPayment(payment: PaymentTruth, ledger: Ledger): string[] {
  const { id, status, currency } = payment;
  const total = ledger.totals[id];
  const intents = ledger.paymentIntents.filter((intent) => paymentIdOf(intent) === id);
  const inStripe = (amountMinor: bigint): number => Number(amountMinor * (stripeFactors[currency] ?? 1n));
  const held = status === 'AUTHORIZED' ? inStripe(payment.authorizedMinor) : 0;
  const rules: readonly (readonly [name: string, ours: number, theirs: number])[] = [
    ['authorized', held, total?.authorized ?? 0],
    ['captured', inStripe(payment.capturedMinor), total?.captured ?? 0],
    ['refunded', inStripe(payment.refundedMinor), total?.refunded ?? 0],
    ['refunds under way', inStripe(payment.reservedMinor), total?.refundPending ?? 0],
  ];
  const expected =
    intents.length === 0 ? withoutIntent : intents.flatMap((intent) => statusesBy[String(intent.status)] ?? []);
  const open = ledger.checkoutSessions.filter(
    (session) => session.client_reference_id === id && session.status === 'open',
  );
  return [
    ...rules
      .filter(([, ours, theirs]) => ours !== theirs)
      .map(([name, ours, theirs]) => `${id} (${status}): ${name} is ${ours} by us, ${theirs} at the provider`),
    ...(expected.includes(status) ? [] : [`${id} is ${status}; at the provider it is ${statesOf(intents)}`]),
    ...open.map((session) => `${id} is ${status}; its session ${session.id} is still open`),
  ];
}

function differencesOfRefunds(refunds: readonly RefundTruth[], ledger: Ledger): string[] {
  const problems = ledger.refunds.flatMap((theirs) => {
    const ours = refunds.filter(({ providerRefundId }) => providerRefundId === theirs.id);
    const [refund] = ours;
    if (refund === undefined) return [`the provider’s refund ${theirs.id} of ${theirs.amount} is not among ours`];
    if (ours.length > 1) return [`the provider’s refund ${theirs.id} is ${ours.map(({ id }) => id).join(' and ')}`];
    const amount = Number(refund.amountMinor * (stripeFactors[refund.currency] ?? 1n));
    return [
      ...(amount === theirs.amount ? [] : [`${refund.id} is of ${amount}, ${theirs.id} of ${theirs.amount}`]),
      ...(refund.status === refundStatusBy[theirs.status]
        ? []
        : [`${refund.id} is ${refund.status}, ${theirs.id} is ${theirs.status}`]),
    ];
  });
  const strangers = refunds.filter(
    ({ status, providerRefundId }) => status !== 'FAILED' && !ledger.refunds.some(({ id }) => id === providerRefundId),
  );
  return [...problems, ...strangers.map(({ id, status }) => `${id} is ${status}, and the provider has no such refund`)];
}

/** Invariant 4, as far as the provider’s side goes: one payment is one PaymentIntent and one charge, one refund one refund. */
export function findDoubles(ledger: Ledger): string[] {
  const sessions = countBy(ledger.checkoutSessions.map((session) => String(session.client_reference_id)));
  const refunds = countBy(ledger.refunds.flatMap(({ metadata }) => metadata.refund_id ?? []));
  return [
    ...Object.entries(ledger.totals).flatMap(([id, { paymentIntents, charges }]) => [
      ...(paymentIntents > 1 ? [`${id} has ${paymentIntents} PaymentIntents`] : []),
      ...(charges > 1 ? [`${id} was charged ${charges} times`] : []),
    ]),
    ...sessions.filter(([, count]) => count > 1).map(([id, count]) => `${id} has ${count} Checkout Sessions`),
    ...refunds.filter(([, count]) => count > 1).map(([id, count]) => `${id} was refunded ${count} times`),
  ];
}

/** Invariant 11. Stripe never calls a PaymentIntent failed, so only its refusal of our own call is such a word. */
export function findFailuresWithoutWord(
  payments: readonly Pick<Payment, 'id' | 'status'>[],
  refunds: readonly Pick<Refund, 'id' | 'status' | 'providerRefundId'>[],
  ledger: Ledger,
  exchanges: readonly Exchange[],
): string[] {
  const isRefused = (id: string): boolean =>
    exchanges.some(
      ({ idempotencyKey, status }) =>
        idempotencyKey?.startsWith(id) &&
        status !== null &&
        status >= 400 &&
        status < 500 &&
        status !== 409 &&
        status !== 429,
    );
  const hasFailedThere = ({ id, providerRefundId }: Pick<Refund, 'id' | 'providerRefundId'>): boolean =>
    ledger.refunds.some(
      (theirs) =>
        (theirs.id === providerRefundId || theirs.metadata.refund_id === id) &&
        refundStatusBy[theirs.status] === 'FAILED',
    );
  return [
    ...payments.filter(({ id, status }) => status === 'FAILED' && !isRefused(id)),
    ...refunds.filter((refund) => refund.status === 'FAILED' && !isRefused(refund.id) && !hasFailedThere(refund)),
  ].map(({ id }) => `${id} is FAILED, and the provider has not said so`);
}

/**
 * Invariant 12, to be asked right after an order has ended. Not of payments whose start was never answered: what the provider makes of it
 * later on nobody can close before. A Checkout Session's PaymentIntent is paid on the session's page alone.
 */
export function findOpenAtEnd(
  ended: readonly Pick<Order, 'id' | 'status'>[],
  payments: readonly Pick<Payment, 'id' | 'orderId'>[],
  ledger: Ledger,
  exchanges: readonly Exchange[],
): string[] {
  return ended.flatMap(({ id: orderId, status: orderStatus }) =>
    payments
      .filter((payment) => payment.orderId === orderId)
      .filter(
        ({ id }) => !exchanges.some(({ idempotencyKey, status }) => idempotencyKey?.startsWith(id) && status === null),
      )
      .flatMap(({ id }) => [
        ...ledger.paymentIntents
          .filter((intent) => paymentIdOf(intent) === id && canBringMoney(intent, ledger))
          .map((intent) => `${orderId} is ${orderStatus}; ${id} is ${intent.status} at the provider`),
        ...ledger.checkoutSessions
          .filter((session) => session.client_reference_id === id && session.status === 'open')
          .map((session) => `${orderId} is ${orderStatus}; the session ${session.id} of ${id} is open`),
      ]),
  );
}

function canBringMoney({ id, status }: Ledger['paymentIntents'][number], ledger: Ledger): boolean {
  if (status === 'processing' || status === 'requires_capture') return true;
  if (status === 'succeeded' || status === 'canceled') return false;
  return !ledger.checkoutSessions.some((session) => session.payment_intent === id);
}

/** Which payment of ours a PaymentIntent says it is. */
export function paymentIdOf(intent: Ledger['paymentIntents'][number]): string | undefined {
  return (intent.metadata as Readonly<Record<string, string>>).payment_id;
}

function statesOf(intents: Ledger['paymentIntents']): string {
  return intents.length === 0 ? 'unknown' : intents.map(({ id, status }) => `${id} ${status}`).join(', ');
}

function countBy(names: readonly string[]): [name: string, count: number][] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts];
}
