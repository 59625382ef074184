import { describe, expect, test } from 'vitest';
import type { PaymentState, ProviderContract, Started } from './contract-rig.ts';
import {
  aRefundOf,
  expectAnswer,
  expectProviderTime,
  lost,
  orderOf,
  paid,
  patient,
  query,
  refundsTakeMs,
  reportIn,
  start,
} from './contract-steps.ts';

/** Q: querying. X: closing. */
export function promiseStates(contract: ProviderContract): void {
  const { open, flows, states } = contract;
  const byFlows = flows.map((promise) => [promise.flow, promise] as const);
  const byStates = states.map((state) => [state.state, state] as const);

  async function bring({ facts, bring }: PaymentState): Promise<Started> {
    const payment = await start(contract, await open(), facts);
    await bring(payment);
    return payment;
  }

  const ask = ({ rig, order }: Started) => rig.provider.queryPayment(order, patient());
  const close = ({ rig, order }: Started) => rig.provider.closePayment(order, patient());

  describe('asking', () => {
    test.each(byStates)('Q01 asked about %s, it says what is so', async (_state, state) => {
      const payment = await bring(state);
      expectAnswer(await ask(payment), state.says, payment);
    });

    test.each(byStates)('Q02 %s is found by our own id alone', async (_state, state) => {
      const payment = await bring(state);
      await start(contract, payment.rig, { flow: payment.order.flow }); // a second payment
      expectAnswer(await ask({ ...payment, order: lost(payment.order) }), state.says, payment);
    });

    test.each(byFlows)(
      'Q03 %s that never arrived is not found, and told whether anybody could pay it',
      async (_flow, promise) => {
        const rig = await open();
        await start(contract, rig, promise);
        const order = orderOf(contract, rig, promise);
        const notFound = { kind: 'notFound', payableUntil: promise.madeBy === 'buyer' ? order.expiresAt : null };
        expect(await rig.provider.queryPayment(order, patient())).toEqual(notFound);
        expect(await rig.provider.closePayment(order, patient())).toEqual(notFound);
      },
    );

    test.each(byFlows)('Q04 %s that never arrived is payable by nobody once its time is up', async (_flow, promise) => {
      const rig = await open();
      const order = orderOf(contract, rig, promise);
      await rig.advance(31 * 60_000);
      const gone = { kind: 'notFound', payableUntil: null };
      expect(await rig.provider.queryPayment(order, patient())).toEqual(gone);
      expect(await rig.provider.closePayment(order, patient())).toEqual(gone);
    });

    test.each(byFlows)(
      'Q05 %s that was given back in part, and then whole, has succeeded all the same',
      async (_flow, { flow }) => {
        const rig = await open();
        const payment = await paid(contract, rig, flow);
        const { amountMinor } = payment.order;
        for (const part of [300n, amountMinor - 300n]) {
          await rig.provider.startRefund(aRefundOf(payment, { amountMinor: part }), patient());
          await rig.advance(refundsTakeMs);
          expect(await query(payment)).toMatchObject({ status: 'SUCCEEDED', amountMinor, capturedMinor: amountMinor });
          expect(reportIn(await close(payment))).toMatchObject({ status: 'SUCCEEDED', capturedMinor: amountMinor });
        }
        expect(rig.truth(payment.order).refundedMinor).toBe(amountMinor);
      },
    );

    test.each(byFlows)('Q06 of %s that was paid, the provider’s time is when that was', async (_flow, { flow }) => {
      const rig = await open();
      const payment = await start(contract, rig, { flow });
      await rig.visit(payment);
      await rig.advance(60_000);
      const before = rig.now();
      await rig.pay(payment);
      await rig.advance(60_000);
      const after = new Date(rig.now().getTime() - 60_000);
      expectProviderTime(await query(payment), before, after);
    });

    test.each(byFlows)(
      'Q08 %s is known by the same names, and told with an action as good as the first',
      async (_flow, promise) => {
        const rig = await open();
        const { order, report } = await start(contract, rig, promise);
        const found = await rig.provider.queryPayment(lost(order), patient());
        if (promise.madeBy === 'buyer') return expect(found.kind).toBe('notFound');
        const { providerPaymentId, providerReference } = report;
        expect(reportIn(found)).toMatchObject({ providerPaymentId, providerReference });
        if (promise.isRenewed) expect([undefined, promise.action]).toContain(reportIn(found).nextAction?.kind);
        else expect(reportIn(found).nextAction).toEqual(report.nextAction);
      },
    );

    test.each(byFlows)('Q07 asking about %s changes nothing', async (_flow, { flow }) => {
      const rig = await open();
      const payment = await start(contract, rig, { flow });
      const before = rig.truth(payment.order);
      await ask(payment);
      await ask(payment);
      expect(rig.truth(payment.order)).toEqual(before);
    });
  });

  describe('closing', () => {
    test.each(byStates)(
      'X01 %s, closed: it says what came of it, and no buyer pays what was closed',
      async (_state, state) => {
        const payment = await bring(state);
        const held = payment.rig.truth(payment.order);
        expectAnswer(await close(payment), state.whenClosed, payment);
        if (state.paidAfterwards === undefined) return;
        await payment.rig.pay(payment);
        const { capturedMinor } = payment.rig.truth(payment.order);
        expect(capturedMinor).toBe(state.paidAfterwards === 'all' ? payment.order.amountMinor : held.capturedMinor);
        const after = await ask(payment);
        if (state.paidAfterwards === 'all') expect(reportIn(after).status).toBe('SUCCEEDED');
        else if (after.kind === 'report') expect(after.report).toMatchObject({ capturedMinor: null, nextAction: null });
      },
    );

    test.each(byStates)(
      'X02 %s, closed twice: the second time is no error and says the same',
      async (_state, state) => {
        const payment = await bring(state);
        await close(payment);
        expectAnswer(await close(payment), state.whenClosed, payment);
      },
    );

    test.each(byStates)('X03 %s is closed by our own id alone', async (_state, state) => {
      const payment = await bring(state);
      expectAnswer(await close({ ...payment, order: lost(payment.order) }), state.whenClosed, payment);
    });

    test.each(byFlows)(
      'X04 %s whose buyer was faster than our closing is paid, and that is what it says',
      async (_flow, promise) => {
        const rig = await open();
        const payment = await start(contract, rig, promise);
        await rig.visit(payment);
        await rig.fault({
          fault: 'delay',
          target: 'request',
          match: { operation: promise.operations.close },
          ms: 1000,
        });
        const closing = close(payment);
        await rig.faultsAreMet(); // our call is in progress
        await rig.pay(payment);
        await rig.advance(1000);
        expect(reportIn(await closing)).toMatchObject({
          status: 'SUCCEEDED',
          capturedMinor: payment.order.amountMinor,
        });
        expect(rig.truth(payment.order).charges).toBe(1);
      },
    );

    test.each(byFlows)('X05 money that came to %s after it was closed is told', async (_flow, { flow }) => {
      const rig = await open();
      const payment = await start(contract, rig, { flow });
      await rig.visit(payment);
      await rig.fault({ fault: 'success_after_close', ms: 1000 });
      await close(payment);
      await rig.advance(1000);
      expect(await query(payment)).toMatchObject({ status: 'SUCCEEDED', capturedMinor: payment.order.amountMinor });
    });
  });
}
