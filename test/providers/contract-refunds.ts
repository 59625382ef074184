import { describe, expect, test } from 'vitest';
import type { RefundReport } from '../../src/domain/report.ts';
import { OutcomeUnknownError, RejectedError } from '../../src/providers/provider.ts';
import type { ProviderContract, Started } from './contract-rig.ts';
import { aRefundOf, failureOf, paid, patient, query, refundIn, refundsTakeMs, start } from './contract-steps.ts';

/** R: refunds. */
export function promiseRefunds(contract: ProviderContract): void {
  const { open, flows, price } = contract;
  const byFlows = flows.map((promise) => [promise.flow, promise] as const);
  const [{ flow }] = flows;
  const whole = price.amountMinor;

  const bringPaid = async () => paid(contract, await open(), flow);
  const give = ({ rig }: Started, refund: ReturnType<typeof aRefundOf>) => rig.provider.startRefund(refund, patient());
  const ask = async ({ rig }: Started, refund: ReturnType<typeof aRefundOf>, report?: RefundReport) =>
    refundIn(
      await rig.provider.queryRefund({ ...refund, providerRefundId: report?.providerRefundId ?? null }, patient()),
    );

  describe('giving back', () => {
    test.each(byFlows)('R01 %s is given back in parts to the whole, and each part is known', async (_flow, promise) => {
      const rig = await open();
      const payment = await paid(contract, rig, promise.flow);
      for (const amountMinor of [1n, 300n, whole - 301n]) {
        const refund = aRefundOf(payment, { amountMinor });
        const report = await give(payment, refund);
        const told = { refundId: refund.refundId, amountMinor, currency: price.currency, failure: null };
        expect(report).toMatchObject({ ...told, evidence: { source: 'RESPONSE' } });
        expect(['PENDING', 'SUCCEEDED']).toContain(report.status);
        await rig.advance(refundsTakeMs);
        const asked = { ...told, status: 'SUCCEEDED', evidence: { source: 'QUERY' } };
        expect(await ask(payment, refund)).toMatchObject(asked);
        expect(await ask(payment, refund, report)).toMatchObject(asked);
      }
      expect(rig.truth(payment.order)).toMatchObject({ refunds: 3, refundedMinor: whole, charges: 1 });
    });

    test('R02 asked again under the same id, it is one', async () => {
      const payment = await bringPaid();
      const refund = aRefundOf(payment);
      const first = await give(payment, refund);
      const second = await give(payment, refund);
      await payment.rig.advance(refundsTakeMs);
      const third = await give(payment, refund);
      for (const report of [second, third]) {
        expect(report).toMatchObject({ refundId: refund.refundId, amountMinor: refund.amountMinor });
        expect(report.providerRefundId).toBe(first.providerRefundId);
      }
      expect(payment.rig.truth(payment.order)).toMatchObject({ refunds: 1, refundedMinor: refund.amountMinor });
    });

    test.each<[what: string, before: bigint, amountMinor: bigint]>([
      ['than was paid', 0n, whole + 1n],
      ['than is left', 300n, whole - 299n],
      ['when nothing is left', whole, 1n],
    ])('R03 more %s is refused for good', async (_what, before, amountMinor) => {
      const payment = await bringPaid();
      if (before > 0n) await give(payment, aRefundOf(payment, { amountMinor: before }));
      await payment.rig.advance(refundsTakeMs);
      const failure = await failureOf(give(payment, aRefundOf(payment, { amountMinor })));
      expect(failure).toBeInstanceOf(RejectedError);
      expect(failure).toMatchObject({
        failure: { message: expect.stringMatching(/\w/), providerCode: expect.any(String) },
      });
      expect(payment.rig.truth(payment.order).refundedMinor).toBe(before);
    });

    test('R04 another amount under the same id is not taken for done, and moves nothing more', async () => {
      const payment = await bringPaid();
      const refund = aRefundOf(payment);
      await give(payment, refund);
      const failure = await failureOf(give(payment, { ...refund, amountMinor: 301n }));
      expect(failure instanceof OutcomeUnknownError || failure instanceof RejectedError).toBe(true);
      await payment.rig.advance(refundsTakeMs);
      expect(payment.rig.truth(payment.order)).toMatchObject({ refunds: 1, refundedMinor: 300n });
      expect(await ask(payment, refund)).toMatchObject({ status: 'SUCCEEDED', amountMinor: 300n });
    });

    test('R05 a refund that never arrived is not found', async () => {
      const payment = await bringPaid();
      await give(payment, aRefundOf(payment)); // a second refund of the payment
      const { rig } = payment;
      expect(await rig.provider.queryRefund(aRefundOf(payment), patient())).toEqual({ kind: 'notFound' });
    });

    test('R06 what was not paid cannot be given back', async () => {
      const rig = await open();
      const payment = await start(contract, rig, { flow });
      await rig.visit(payment);
      expect(await failureOf(give(payment, aRefundOf(payment)))).toBeInstanceOf(RejectedError);
      expect(rig.truth(payment.order).refunds).toBe(0);
    });

    test.each(['the clock', 'the console'])('R07 a refund is pending until %s lets it succeed', async (by) => {
      const payment = await bringPaid();
      const { rig } = payment;
      await rig.fault({ fault: 'refund_pending_then_succeeded', ...(by === 'the clock' && { ms: 60_000 }) });
      const refund = aRefundOf(payment);
      const report = await give(payment, refund);
      expect(report.status).toBe('PENDING');
      const asked = await rig.provider.queryRefund({ ...refund, providerRefundId: report.providerRefundId }, patient());
      // A provider may not know the refund before it is completed.
      if (asked.kind === 'report') expect(asked.report).toMatchObject({ status: 'PENDING', amountMinor: 300n });
      if (by === 'the clock') await rig.advance(60_000);
      else await rig.endRefund(report, 'succeed');
      expect(await ask(payment, refund, report)).toMatchObject({
        status: 'SUCCEEDED',
        amountMinor: 300n,
        failure: null,
      });
    });

    test.each(['the clock', 'the console'])(
      'R08 a refund is pending until %s lets it fail, and the payment keeps its money',
      async (by) => {
        const payment = await bringPaid();
        const { rig } = payment;
        await rig.fault({ fault: 'refund_pending_then_failed', ...(by === 'the clock' && { ms: 60_000 }) });
        const refund = aRefundOf(payment);
        const report = await give(payment, refund);
        expect(report.status).toBe('PENDING');
        if (by === 'the clock') await rig.advance(60_000);
        else await rig.endRefund(report, 'fail');
        const answer = await rig.provider.queryRefund(
          { ...refund, providerRefundId: report.providerRefundId },
          patient(),
        );
        if (contract.failedRefund === 'notFound') expect(answer).toEqual({ kind: 'notFound' });
        else expect(refundIn(answer)).toMatchObject({ status: contract.failedRefund, failure: expect.any(Object) });
        expect(rig.truth(payment.order).refundedMinor).toBe(0n);
        expect(await query(payment)).toMatchObject({ status: 'SUCCEEDED', capturedMinor: whole });
      },
    );

    test('R09 what was given back in the console is read by the provider’s name for it', async () => {
      const payment = await bringPaid();
      const name = await payment.rig.refundInConsole(payment, 300n);
      await payment.rig.advance(refundsTakeMs);
      expect(name.refundId).toBeNull();
      expect(refundIn(await payment.rig.provider.queryRefund(name, patient()))).toMatchObject({
        ...{ refundId: null, providerRefundId: name.providerRefundId, status: 'SUCCEEDED' },
        ...{ amountMinor: 300n, currency: price.currency },
      });
    });

    test.each<[parts: readonly bigint[], returned: 'SOME' | 'ALL']>([
      [[300n], 'SOME'],
      [[300n, whole - 300n], 'ALL'],
    ])('R10 of what the console gave back in parts of %s, nothing wrong is listed', async (parts, returned) => {
      const payment = await bringPaid();
      const { rig, order } = payment;
      expect((await rig.provider.listRefunds(order, patient())).refunds).toEqual([]);
      for (const part of parts) await rig.refundInConsole(payment, part);
      await rig.advance(refundsTakeMs);
      const list = await rig.provider.listRefunds(order, patient());
      const sum = list.refunds.reduce((total, { amountMinor }) => total + (amountMinor ?? 0n), 0n);
      // A provider that does not list refunds states the refunded share as far as it knows. SOME may mean all.
      if (list.refunds.length > 0) expect(sum).toBe(rig.truth(order).refundedMinor);
      else expect([null, 'SOME', returned]).toContain(list.returned);
      expect(list.returned).not.toBe('NONE');
    });

    test('R11 sixteen at once never give back more than there is', async () => {
      const payment = await bringPaid();
      const { rig } = payment;
      const amountMinor = whole / 8n;
      const calls = Array.from({ length: 16 }, () => give(payment, aRefundOf(payment, { amountMinor })));
      const ended = await Promise.allSettled(calls);
      await rig.advance(refundsTakeMs);
      expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(8);
      for (const end of ended) if (end.status === 'rejected') expect(end.reason).toBeInstanceOf(RejectedError);
      expect(rig.truth(payment.order)).toMatchObject({ refunds: 8, refundedMinor: amountMinor * 8n });
    });

    test('R12 sixteen at once under the same id are one', async () => {
      const payment = await bringPaid();
      const refund = aRefundOf(payment);
      await Promise.allSettled(Array.from({ length: 16 }, () => give(payment, refund)));
      await payment.rig.advance(refundsTakeMs);
      expect(payment.rig.truth(payment.order)).toMatchObject({ refunds: 1, refundedMinor: 300n });
    });
  });
}
