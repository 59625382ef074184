import { describe, expect, test } from 'vitest';
import {
  MisconfiguredError,
  NotExecutedError,
  OutcomeUnknownError,
  type PaymentOrder,
  type RefundOrder,
} from '../../src/providers/provider.ts';
import type { ProviderContract, ProviderRig, Started } from './contract-rig.ts';
import {
  aRefundOf,
  endOf,
  failureOf,
  knowing,
  orderOf,
  paid,
  patient,
  query,
  refundIn,
  refundsTakeMs,
  reportIn,
  start,
} from './contract-steps.ts';

/** Not executed, or unknown: in both cases the payment is neither refused nor lost. */
const isNoRefusal = (error: unknown) => error instanceof NotExecutedError || error instanceof OutcomeUnknownError;

/** Faults of an answer, and whether the call was executed nevertheless. */
const lostAnswers: readonly [fault: string, isExecuted: boolean][] = [
  ['timeout_before', false],
  ['timeout_after', true],
  ['reset_before', false],
  ['reset_after', true],
  ['error_500_before', false],
  ['error_500_after', true],
  ['malformed', true],
];

/** U: unknown outcomes, and how the truth is found afterwards. */
export function promiseUnknowns(contract: ProviderContract): void {
  const { open, flows, price, refundOperations } = contract;
  const answers = [...lostAnswers, ...contract.spoiledAnswers.map((fault) => [fault, true] as const)];
  const called = flows.flatMap((promise) => {
    const { start: operation } = promise.operations;
    return operation === null ? [] : [{ ...promise, operation }];
  });
  const startings = called.flatMap((promise) =>
    answers.map(([fault, isExecuted]) => ({ ...promise, fault, isExecuted })),
  );
  const questions = flows.flatMap((promise) => answers.map(([fault]) => ({ ...promise, fault })));
  const [{ flow }] = flows;
  const byFlows = flows.map((promise) => [promise.flow, promise] as const);
  const byCalled = called.map((row) => [row.flow, row] as const);
  const byStartings = startings.map((row) => [row.flow, row.fault, row] as const);
  const byQuestions = questions.map((row) => [row.flow, row.fault, row] as const);

  /** A reset occurs several times, because clients retry it themselves. */
  async function spoil(rig: ProviderRig, fault: string, operation: string): Promise<void> {
    await rig.fault({ fault, match: { operation }, ...(fault.startsWith('reset') && { times: 9 }) });
  }

  async function spoiled<T>(
    rig: ProviderRig,
    fault: string,
    operation: string,
    call: (signal: AbortSignal) => Promise<T>,
  ) {
    await spoil(rig, fault, operation);
    const end = await endOf(rig, fault, call);
    await rig.clearFaults();
    return end;
  }

  /** Continues like a caller without knowledge: queries, and repeats the start when nothing is found. */
  async function goOn(rig: ProviderRig, order: PaymentOrder): Promise<Started> {
    const asked = await rig.provider.queryPayment(order, patient());
    const isAnswer = asked.kind === 'report' && asked.report.nextAction !== null;
    const report = isAnswer ? asked.report : await rig.provider.startPayment(order, patient());
    expect(report.status).toBe('ACTION_REQUIRED');
    return { rig, order: knowing(order, report), report };
  }

  describe('no clear answer', () => {
    test.each(byStartings)(
      'U01 %s started, %s: nobody knows, and going on makes one payment',
      async (_flow, _fault, row) => {
        const rig = await open();
        const order = orderOf(contract, rig, row);
        const end = await spoiled(rig, row.fault, row.operation, (signal) => rig.provider.startPayment(order, signal));
        expect(end).toBeInstanceOf(OutcomeUnknownError);
        expect(rig.truth(order).made).toBe(row.isExecuted && row.madeBy === 'start' ? 1 : 0);
        const payment = await goOn(rig, order);
        await rig.visit(payment);
        await rig.pay(payment);
        expect(await query(payment)).toMatchObject({ status: 'SUCCEEDED', capturedMinor: price.amountMinor });
        expect(rig.truth(order)).toMatchObject({ made: 1, charges: 1, capturedMinor: price.amountMinor });
      },
    );

    test.each(byQuestions)(
      'U02 %s asked about, %s: there is no answer, and none that nothing was found',
      async (_flow, _fault, row) => {
        const rig = await open();
        const payment = await start(contract, rig, row);
        await rig.visit(payment);
        const { order } = payment;
        const ask = (signal: AbortSignal) => rig.provider.queryPayment(order, signal);
        expect(await spoiled(rig, row.fault, row.operations.query, ask)).toBeInstanceOf(OutcomeUnknownError);
        expect((await query(payment)).status).toBe('ACTION_REQUIRED');
      },
    );

    test.each(byQuestions)(
      'U03 %s closed, %s: nobody says that it was closed, and it is closed in the end',
      async (_flow, _fault, row) => {
        const rig = await open();
        const payment = await start(contract, rig, row);
        await rig.visit(payment);
        const close = (signal: AbortSignal) => rig.provider.closePayment(payment.order, signal);
        expect(await spoiled(rig, row.fault, row.operations.close, close)).toBeInstanceOf(OutcomeUnknownError);
        expect(['CANCELED', 'EXPIRED']).toContain(reportIn(await close(patient())).status);
        await rig.pay(payment);
        expect(rig.truth(payment.order).charges).toBe(0);
      },
    );

    test.each(answers)(
      'U04 a refund started, %s: nobody knows, and asking for the same again makes one',
      async (fault, isExecuted) => {
        const rig = await open();
        const payment = await paid(contract, rig, flow);
        const refund = aRefundOf(payment);
        const give = (signal: AbortSignal) => rig.provider.startRefund(refund, signal);
        expect(await spoiled(rig, fault, refundOperations.start, give)).toBeInstanceOf(OutcomeUnknownError);
        expect(rig.truth(payment.order).refunds).toBe(isExecuted ? 1 : 0);
        await settleRefund(rig, refund);
        await rig.advance(refundsTakeMs);
        const asked = refundIn(await rig.provider.queryRefund(refund, patient()));
        expect(asked).toMatchObject({ status: 'SUCCEEDED', amountMinor: refund.amountMinor });
        expect(rig.truth(payment.order)).toMatchObject({ refunds: 1, refundedMinor: refund.amountMinor });
      },
    );

    async function settleRefund(rig: ProviderRig, refund: RefundOrder): Promise<void> {
      const asked = await rig.provider.queryRefund(refund, patient());
      if (asked.kind === 'notFound') await rig.provider.startRefund(refund, patient());
    }

    test.each(answers)(
      'U05 a refund asked about, %s: there is no answer, and none that nothing was found',
      async (fault) => {
        const rig = await open();
        const payment = await paid(contract, rig, flow);
        const refund = aRefundOf(payment);
        await rig.provider.startRefund(refund, patient());
        const ask = (signal: AbortSignal) => rig.provider.queryRefund(refund, signal);
        expect(await spoiled(rig, fault, refundOperations.query, ask)).toBeInstanceOf(OutcomeUnknownError);
      },
    );

    test.each(byCalled)(
      'U06 %s whose first call is still under way: the deadline of each is kept, and there is one payment',
      async (_flow, row) => {
        const rig = await open();
        const order = orderOf(contract, rig, row);
        await rig.fault({ fault: 'delay', target: 'request', match: { operation: row.operation }, ms: 60_000 });
        const first = new AbortController();
        const waiting = failureOf(rig.provider.startPayment(order, first.signal));
        await rig.faultsAreMet();
        first.abort();
        expect(await waiting).toBeInstanceOf(OutcomeUnknownError);
        const second = await endOf(rig, 'none', (signal) => rig.provider.startPayment(order, signal));
        if (second !== null) expect(second).toBeInstanceOf(OutcomeUnknownError);
        await rig.advance(60_000); // now the first request arrives
        const payment = await goOn(rig, order);
        await rig.pay(payment);
        expect(rig.truth(order)).toMatchObject({ made: 1, charges: 1 });
      },
    );

    test('U07 a call whose time is up before it begins ends at once', async () => {
      const rig = await open();
      const payment = await paid(contract, rig, flow);
      const { provider } = rig;
      const up = AbortSignal.abort();
      const refund = aRefundOf(payment);
      for (const call of [
        () => provider.queryPayment(payment.order, up),
        () => provider.closePayment(payment.order, up),
        () => provider.startRefund(refund, up),
        () => provider.queryRefund(refund, up),
        () => provider.listRefunds(payment.order, up),
      ]) {
        expect(await failureOf(call())).toBeInstanceOf(OutcomeUnknownError);
      }
    });

    test('U08 a provider that is not there has refused nothing, and what was not sent is told as not done', async () => {
      const rig = await open();
      const payment = await paid(contract, rig, flow);
      const orders = called.map((promise) => orderOf(contract, rig, promise));
      await rig.sandbox.close();
      const { provider } = rig;
      for (const call of [
        ...orders.map((order) => () => provider.startPayment(order, patient())),
        () => provider.queryPayment(payment.order, patient()),
        () => provider.closePayment(payment.order, patient()),
        () => provider.startRefund(aRefundOf(payment), patient()),
        () => provider.queryRefund(aRefundOf(payment), patient()),
      ]) {
        const failure = await failureOf(call());
        // An older connection may break only when it is written to, so the outcome is open.
        expect(failure).toSatisfy(isNoRefusal);
        expect(failure).not.toBeInstanceOf(MisconfiguredError);
        expect(String(failure)).not.toContain('127.0.0.1');
      }
    });
  });

  describe('a clear no', () => {
    test.each(byCalled)(
      'U10 %s started too fast was not done, and works later under the same id',
      async (_flow, row) => {
        const rig = await open();
        const order = orderOf(contract, rig, row);
        await rig.fault({ fault: 'rate_limit', match: { operation: row.operation } });
        const failure = await failureOf(rig.provider.startPayment(order, patient()));
        expect(failure).toBeInstanceOf(NotExecutedError);
        expect(failure).toMatchObject({ retryAfterMs: expect.any(Number) });
        expect(rig.truth(order).made).toBe(0);
        expect((await rig.provider.startPayment(order, patient())).status).toBe('ACTION_REQUIRED');
      },
    );

    test.each(byFlows)('U11 %s asked about or closed too fast was not done', async (_flow, row) => {
      const rig = await open();
      const payment = await start(contract, rig, row);
      await rig.visit(payment);
      await rig.fault({ fault: 'rate_limit', match: { operation: row.operations.query } });
      expect(await failureOf(rig.provider.queryPayment(payment.order, patient()))).toBeInstanceOf(NotExecutedError);
      await rig.fault({ fault: 'rate_limit', match: { operation: row.operations.close } });
      expect(await failureOf(rig.provider.closePayment(payment.order, patient()))).toBeInstanceOf(NotExecutedError);
      expect((await query(payment)).status).toBe('ACTION_REQUIRED');
    });

    test('U12 a refund that was asked for too fast was not done, and works later under the same id', async () => {
      const rig = await open();
      const payment = await paid(contract, rig, flow);
      const refund = aRefundOf(payment);
      await rig.fault({ fault: 'rate_limit', match: { operation: refundOperations.start } });
      expect(await failureOf(rig.provider.startRefund(refund, patient()))).toBeInstanceOf(NotExecutedError);
      expect(rig.truth(payment.order).refunds).toBe(0);
      await rig.provider.startRefund(refund, patient());
      expect(rig.truth(payment.order).refunds).toBe(1);
    });

    test('U13 a key of ours that is not accepted did nothing, and refuses no payment', async () => {
      const rig = await open({ key: 'another' });
      const payments = [
        ...called.map((row) => () => rig.provider.startPayment(orderOf(contract, rig, row), patient())),
        ...flows.map((row) => () => rig.provider.queryPayment(orderOf(contract, rig, row), patient())),
        ...flows.map((row) => () => rig.provider.closePayment(orderOf(contract, rig, row), patient())),
      ];
      for (const call of payments) expect(await failureOf(call())).toBeInstanceOf(NotExecutedError);
    });

    test('U14 what goes wrong names no key and no address', async () => {
      const rig = await open({ key: 'another' });
      const order = orderOf(contract, rig, flows[0]);
      const failure = await failureOf(rig.provider.queryPayment(order, patient()));
      expect(String(failure)).not.toMatch(/sk_test|127\.0\.0\.1|PRIVATE(?!_KEY)|BEGIN|MII|sign=/);
    });
  });
}
