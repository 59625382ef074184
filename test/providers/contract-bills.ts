import { describe, expect, test } from 'vitest';
import type { BillLine } from '../../src/domain/reconciliation.ts';
import { BillNotAvailableError } from '../../src/providers/bill.ts';
import type { ProviderContract, ProviderRig } from './contract-rig.ts';
import { aRefundOf, paid, patient, refundIn, refundsTakeMs, start } from './contract-steps.ts';

const day = 24 * 3_600_000;

/** B: daily bills. */
export function promiseBills(contract: ProviderContract): void {
  const { open, flows, price } = contract;
  const [{ flow }] = flows;

  async function read({ provider }: ProviderRig, date: string): Promise<BillLine[]> {
    const lines: BillLine[] = [];
    for await (const line of (await provider.readBill(date, patient())).lines) lines.push(line);
    return lines;
  }

  describe('the bill of a day', () => {
    test('B01 a day follows the one before without a gap, and holds its own noon in Greenwich', async () => {
      const { provider } = await open();
      const [one, next] = [provider.billDay('2030-02-28'), provider.billDay('2030-03-01')];
      expect(one.until).toEqual(next.from);
      expect(one.until.getTime() - one.from.getTime()).toBe(day);
      expect(one.from.getTime()).toBeLessThanOrEqual(Date.parse('2030-02-28T12:00:00Z'));
      expect(one.until.getTime()).toBeGreaterThan(Date.parse('2030-02-28T12:00:00Z'));
      for (const date of ['2030-02-30', '2030-2-3', 'yesterday', ''])
        expect(() => provider.billDay(date)).toThrow(RangeError);
    });

    test('B02 it names what was paid and what went back as callbacks and answers do, once each', async () => {
      const rig = await open();
      const payment = await paid(contract, rig, flow);
      const { order } = payment;
      const refund = aRefundOf(payment);
      const report = await rig.provider.startRefund(refund, patient());
      const byHand = await rig.refundInConsole(payment, 200n);
      await rig.visit(await start(contract, rig, { flow })); // an unpaid payment is on no bill
      await rig.advance(refundsTakeMs);
      const { providerRefundId } = refundIn(await rig.provider.queryRefund({ ...refund, ...report }, patient()));
      await rig.advance(day + day / 2);
      const lines = await read(rig, '2030-01-01');
      const common = { currency: price.currency, status: 'SUCCEEDED', providerPaymentId: order.providerPaymentId };
      expect(lines).toHaveLength(3);
      expect(lines).toContainEqual(
        expect.objectContaining({
          ...common,
          kind: 'payment',
          merchantNumber: order.paymentId,
          amountMinor: price.amountMinor,
        }),
      );
      expect(lines).toContainEqual(
        expect.objectContaining({
          ...common,
          kind: 'refund',
          merchantNumber: refund.refundId,
          providerRefundId,
          amountMinor: 300n,
        }),
      );
      expect(lines).toContainEqual(
        expect.objectContaining({
          ...common,
          kind: 'refund',
          providerRefundId: byHand.providerRefundId,
          amountMinor: 200n,
        }),
      );
      const { from, until } = rig.provider.billDay('2030-01-01');
      for (const { at } of lines) {
        expect(at.getTime()).toBeGreaterThanOrEqual(from.getTime());
        expect(at.getTime()).toBeLessThan(until.getTime());
      }
    });

    test('B03 of a day that is not over there is no bill, or one on which nothing stands that has not happened', async () => {
      const rig = await open();
      for (const date of ['2030-01-01', '2030-06-01']) {
        const lines = await read(rig, date).catch((error: unknown) => error);
        if (Array.isArray(lines)) expect(lines).toEqual([]);
        else expect(lines).toBeInstanceOf(BillNotAvailableError);
      }
    });
  });
}
