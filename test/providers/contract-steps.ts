import { expect } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import type { PaymentFlow } from '../../src/domain/payment.ts';
import type { PaymentReport, RefundReport } from '../../src/domain/report.ts';
import type { PaymentOrder, QueryAnswer, RefundAnswer, RefundOrder } from '../../src/providers/provider.ts';
import type { Answer, FlowPromise, ProviderContract, ProviderRig, Started } from './contract-rig.ts';
import { anOrderAt } from './contract-sandbox.ts';

/** A signal for calls that are expected to be answered. */
export const patient = (): AbortSignal => new AbortController().signal;

export function flowOf({ flows, name }: ProviderContract, flow: PaymentFlow): FlowPromise {
  const found = flows.find((promise) => promise.flow === flow);
  if (found === undefined) throw new Error(`${name} promises nothing of the flow ${flow}.`);
  return found;
}

/** An order with the contract's price and exactly the required buyer fields. */
export function orderOf(
  contract: ProviderContract,
  rig: ProviderRig,
  facts: Partial<PaymentOrder> & Pick<PaymentOrder, 'flow'>,
): PaymentOrder {
  return anOrderAt(rig.now(), { ...contract.price, ...flowOf(contract, facts.flow).needs, ...facts });
}

/** A started payment with its first answer. */
export async function start(
  contract: ProviderContract,
  rig: ProviderRig,
  facts: Partial<PaymentOrder> & Pick<PaymentOrder, 'flow'>,
): Promise<Started> {
  const order = orderOf(contract, rig, facts);
  const report = await rig.provider.startPayment(order, patient());
  return { rig, order: knowing(order, report), report };
}

/** A paid payment with the provider's id. */
export async function paid(contract: ProviderContract, rig: ProviderRig, flow: PaymentFlow): Promise<Started> {
  const payment = await start(contract, rig, { flow });
  await rig.visit(payment);
  await rig.pay(payment);
  const report = await query(payment);
  expect(report).toMatchObject({ status: 'SUCCEEDED', capturedMinor: contract.price.amountMinor });
  return { rig, order: knowing(payment.order, report), report };
}

/** The order after the report is applied. */
export function knowing(order: PaymentOrder, { providerPaymentId, providerReference }: PaymentReport): PaymentOrder {
  return {
    ...order,
    providerPaymentId: providerPaymentId ?? order.providerPaymentId,
    providerReference: providerReference ?? order.providerReference,
  };
}

/** The order when every answer was lost. */
export function lost(order: PaymentOrder): PaymentOrder {
  return { ...order, providerPaymentId: null, providerReference: null };
}

export async function query({ rig, order }: Pick<Started, 'rig' | 'order'>): Promise<PaymentReport> {
  return reportIn(await rig.provider.queryPayment(order, patient()));
}

export function reportIn(answer: QueryAnswer): PaymentReport {
  if (answer.kind === 'report') return answer.report;
  throw new Error('The provider was expected to know the payment.');
}

export function refundIn(answer: RefundAnswer): RefundReport {
  if (answer.kind === 'report') return answer.report;
  throw new Error('The provider was expected to know the refund.');
}

/** A refund of a succeeded payment. */
export function aRefundOf({ rig, order, report }: Started, facts: Partial<RefundOrder> = {}): RefundOrder {
  return {
    refundId: newId('refund'),
    paymentId: order.paymentId,
    amountMinor: 300n,
    currency: order.currency,
    capturedMinor: report.capturedMinor ?? order.amountMinor,
    reason: 'One ticket too many',
    createdAt: rig.now(),
    providerPaymentId: order.providerPaymentId,
    providerRefundId: null,
    ...facts,
  };
}

/** Long enough for a running refund to complete normally. */
export const refundsTakeMs = 15_000;

/** Checks an answer against its expectation, and each report against its order. */
export function expectAnswer(answer: QueryAnswer, promised: Answer, { rig, order }: Started): void {
  if (typeof promised === 'string') {
    expect(answer).toEqual({ kind: 'notFound', payableUntil: promised === 'payable' ? order.expiresAt : null });
    return;
  }
  const report = reportIn(answer);
  expect(report).toMatchObject({
    ...{ paymentId: order.paymentId, amountMinor: order.amountMinor, currency: order.currency },
    ...promised,
    evidence: { source: 'QUERY', receivedAt: rig.now() },
  });
  expectProviderTime(report, order.createdAt, rig.now());
}

/** Checks that the provider's time, if any, lies within the payment's lifetime. Protocols use whole seconds. */
export function expectProviderTime({ evidence }: Pick<PaymentReport, 'evidence'>, from: Date, until: Date): void {
  const { providerTime } = evidence;
  if (providerTime === null) return;
  expect(providerTime.getTime()).toBeGreaterThanOrEqual(Math.floor(from.getTime() / 1000) * 1000);
  expect(providerTime.getTime()).toBeLessThanOrEqual(until.getTime());
}

/** The error with which a call ended. */
export async function failureOf(call: Promise<unknown>): Promise<unknown> {
  const nothing = Symbol('nothing');
  const failure = await call.then(
    () => nothing,
    (error: unknown) => error,
  );
  if (failure === nothing) throw new Error('The call was expected to fail.');
  return failure;
}

/**
 * The error with which a call ended; null for an answer. Without an answer, the call is aborted after the sandbox has
 * applied the fault.
 */
export async function endOf<T>(
  rig: ProviderRig,
  fault: string,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<unknown> {
  const deadline = new AbortController();
  const ended = call(deadline.signal).then(
    () => null,
    (error: unknown) => error,
  );
  if (fault.startsWith('timeout')) {
    await rig.faultsAreMet();
    deadline.abort(new Error('out of patience'));
  }
  return ended;
}
