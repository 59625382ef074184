import type { OrderAggregate } from './order-change.ts';
import type { Payment, PaymentMethod, PaymentStatus } from './payment.ts';
import type { Refund } from './refund.ts';

/** Sums are kept for each quarter of an hour: hours and days of every time zone consist of quarters. */
export const quarterMs = 15 * 60_000;

export function quarterOf(at: Date): Date {
  return new Date(Math.floor(at.getTime() / quarterMs) * quarterMs);
}

/**
 * What payments and refunds add to the sums of their merchant. `started`, `succeeded` and `failed` count payments that were started in the
 * quarter; the amounts are those that moved in it.
 */
export type SalesChange = {
  readonly merchantId: string;
  readonly quarter: Date;
  readonly method: PaymentMethod;
  readonly currency: string;
  readonly started: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
};

type Held = Pick<OrderAggregate, 'payments' | 'refunds'>;

/**
 * What a change of an order adds to the sums: what its rows add afterwards without what they added before. So the sums are at all times those
 * of the rows, whatever is corrected later, such as a refund that comes back.
 */
export function salesChangesOf(before: Held, after: Held): SalesChange[] {
  return summed([...partsOf(after), ...partsOf(before).map(negated)]);
}

/** Adds up changes of the same sums. Those that cancel out are left out. */
export function summed(changes: readonly SalesChange[]): SalesChange[] {
  const sums = new Map<string, SalesChange>();
  for (const change of changes) {
    const key = `${change.merchantId} ${change.quarter.getTime()} ${change.method} ${change.currency}`;
    const sum = sums.get(key);
    sums.set(key, sum === undefined ? change : added(sum, change));
  }
  return [...sums.values()].filter(
    ({ started, succeeded, failed, capturedMinor, refundedMinor }) =>
      started !== 0 || succeeded !== 0 || failed !== 0 || capturedMinor !== 0n || refundedMinor !== 0n,
  );
}

function partsOf({ payments, refunds }: Held): SalesChange[] {
  const methods = new Map(payments.map(({ id, method }) => [id, method]));
  return [
    ...payments.flatMap(partsOfPayment),
    ...refunds.flatMap((refund) => partsOfRefund(refund, methods.get(refund.paymentId))),
  ];
}

const endedWithoutMoney: ReadonlySet<PaymentStatus> = new Set(['FAILED', 'CANCELED', 'EXPIRED']);

function partsOfPayment(payment: Payment): SalesChange[] {
  const { createdAt, succeededAt, status, capturedMinor } = payment;
  const counts = {
    ...{ ...nothingOf(payment, payment.method, createdAt), started: 1 },
    succeeded: succeededAt === null ? 0 : 1,
    failed: succeededAt === null && endedWithoutMoney.has(status) ? 1 : 0,
  };
  if (succeededAt === null) return [counts];
  return [counts, { ...nothingOf(payment, payment.method, succeededAt), capturedMinor }];
}

function partsOfRefund(refund: Refund, method: PaymentMethod | undefined): SalesChange[] {
  const { status, succeededAt, amountMinor } = refund;
  if (status !== 'SUCCEEDED' || succeededAt === null || method === undefined) return [];
  return [{ ...nothingOf(refund, method, succeededAt), refundedMinor: amountMinor }];
}

function nothingOf(
  { merchantId, currency }: { readonly merchantId: string; readonly currency: string },
  method: PaymentMethod,
  at: Date,
): SalesChange {
  const counts = { started: 0, succeeded: 0, failed: 0, capturedMinor: 0n, refundedMinor: 0n };
  return { merchantId, quarter: quarterOf(at), method, currency, ...counts };
}

function negated(change: SalesChange): SalesChange {
  return {
    ...change,
    ...{ started: -change.started, succeeded: -change.succeeded, failed: -change.failed },
    ...{ capturedMinor: -change.capturedMinor, refundedMinor: -change.refundedMinor },
  };
}

function added(one: SalesChange, other: SalesChange): SalesChange {
  return {
    ...one,
    started: one.started + other.started,
    succeeded: one.succeeded + other.succeeded,
    failed: one.failed + other.failed,
    capturedMinor: one.capturedMinor + other.capturedMinor,
    refundedMinor: one.refundedMinor + other.refundedMinor,
  };
}
