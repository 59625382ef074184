import { describe, expect, test } from 'vitest';
import { RejectedError } from '../../src/providers/provider.ts';
import { providerDefinitions } from '../../src/providers/registry.ts';
import type { ProviderContract } from './contract-rig.ts';
import { failureOf, flowOf, knowing, lost, orderOf, patient, query, start } from './contract-steps.ts';

/** C: starting a payment. */
export function promiseStarting(contract: ProviderContract): void {
  const { name, open, price, flows } = contract;
  const byFlows = flows.map((promise) => [promise.flow, promise] as const);

  describe('starting', () => {
    test.each(byFlows)('C01 %s asks the buyer to act, in the way that the flow promises', async (_flow, promise) => {
      const { flow, needs, started, nextAction } = promise;
      const rig = await open();
      const { order, report } = await start(contract, rig, { flow });
      expect(report).toMatchObject({
        ...{ paymentId: order.paymentId, status: 'ACTION_REQUIRED', capturedMinor: null, failure: null },
        ...started,
        evidence: { source: 'RESPONSE', receivedAt: rig.now() },
      });
      expect(report.nextAction).toEqual({ kind: promise.action, ...nextAction });
      expect(Object.keys(needs).sort()).toEqual([...(rig.provider.needs[flow] ?? [])].sort());
    });

    test.each(byFlows)('C02 %s says of amount and currency what was frozen, or nothing', async (_flow, { flow }) => {
      const { report } = await start(contract, await open(), { flow });
      if (report.amountMinor !== null) expect(report).toMatchObject(price);
      else expect(report.currency).toBeNull();
    });

    test.each(byFlows)(
      'C03 %s started again is the same payment, and its newest action pays it once',
      async (_flow, promise) => {
        const rig = await open();
        const { order, report } = await start(contract, rig, promise);
        const again = await rig.provider.startPayment(lost(order), patient());
        const same = promise.isRenewed ? { evidence: null, nextAction: null } : { evidence: null };
        expect({ ...again, ...same }).toEqual({ ...report, ...same });
        expect(again.nextAction?.kind).toBe(promise.action);
        expect(rig.truth(order).made).toBe(promise.madeBy === 'start' ? 1 : 0);
        await rig.pay({ rig, order: knowing(order, again), report: again });
        expect(rig.truth(order)).toMatchObject({ made: 1, charges: 1 });
        await rig.pay({ rig, order, report });
        expect(rig.truth(order)).toMatchObject({ made: 1, charges: 1, capturedMinor: price.amountMinor });
      },
    );

    test.each(byFlows)('C04 sixteen that start the same %s at once make one', async (_flow, { flow }) => {
      const rig = await open();
      const order = orderOf(contract, rig, { flow });
      const calls = Array.from({ length: 16 }, () => rig.provider.startPayment(order, patient()));
      const made = (await Promise.allSettled(calls)).flatMap((call) =>
        call.status === 'fulfilled' ? [call.value] : [],
      );
      expect(made.length).toBeGreaterThan(0);
      for (const report of made) await rig.pay({ rig, order: knowing(order, report), report });
      expect(rig.truth(order)).toMatchObject({ made: 1, charges: 1 });
    });

    test('C05 two payments are two', async () => {
      const rig = await open();
      const [first, second] = [await start(contract, rig, flows[0]), await start(contract, rig, flows[0])];
      await rig.pay(first);
      expect(rig.truth(first.order)).toMatchObject({ made: 1, charges: 1 });
      expect(rig.truth(second.order).charges).toBe(0);
    });

    test.each<[what: string, description: string | null]>([
      ['no description', null],
      ['an empty description', ''],
      ['a blank description', ' '],
      ['a description in any script', '門票 × 2 🙂'],
      ['a description of markup', '<b>"A&amp;B" = 50% + / \\ \' `</b>'],
      ['the longest description', 'x'.repeat(127)],
      ['the longest description of wide letters', '票'.repeat(127)],
    ])('C06 a payment with %s starts in every flow, and can be paid', async (_what, description) => {
      const rig = await open();
      for (const { flow } of flows) {
        const payment = await start(contract, rig, { flow, description });
        expect(payment.report.status).toBe('ACTION_REQUIRED');
        await rig.pay(payment);
        expect(rig.truth(payment.order).charges).toBe(1);
      }
    });

    test.each([60, 1800, 86_400, 604_800])(
      'C07 an order that lives %i seconds starts in every flow',
      async (seconds) => {
        const rig = await open();
        const expiresAt = new Date(rig.now().getTime() + seconds * 1000);
        for (const { flow } of flows) {
          const { report } = await start(contract, rig, { flow, expiresAt });
          expect(report.status).toBe('ACTION_REQUIRED');
          expect(report.nextAction).not.toBeNull();
          const ends =
            report.nextAction !== null && 'expiresAt' in report.nextAction ? report.nextAction.expiresAt : null;
          if (ends !== null) expect(new Date(ends).getTime()).toBeGreaterThan(rig.now().getTime());
        }
      },
    );

    test.each(contract.amounts)('C08 %i minor units come back as they were', async (amountMinor) => {
      const rig = await open();
      const { flow } = flows[0];
      const payment = await start(contract, rig, { flow, amountMinor });
      await rig.visit(payment);
      await rig.pay(payment);
      expect(await query(payment)).toMatchObject({ amountMinor, capturedMinor: amountMinor, currency: price.currency });
      expect(rig.truth(payment.order).capturedMinor).toBe(amountMinor);
    });

    test.each(contract.refusals)('C09 %s is refused beforehand, in words', async (_what, offer, word) => {
      const { provider } = await open();
      const offered = { ...price, captureMode: 'AUTOMATIC', ...offer } as const;
      expect(provider.refusalOf(offered)).toContain(word);
    });

    test('C10 what it takes is not refused beforehand', async () => {
      const { provider } = await open();
      for (const amountMinor of [price.amountMinor, ...contract.amounts]) {
        expect(provider.refusalOf({ ...price, amountMinor, captureMode: 'AUTOMATIC' })).toBeNull();
      }
    });

    test('C12 what may be held can be taken in part, once; and where nothing is held there is nothing to take', async () => {
      const rig = await open();
      const { provider } = rig;
      const [{ flow }] = flows;
      const part = { amountMinor: 600n, attempt: 1 };
      if (provider.refusalOf({ ...price, captureMode: 'MANUAL' }) !== null) {
        const order = orderOf(contract, rig, { flow });
        return expect(await failureOf(provider.capturePayment(order, part, patient()))).toBeInstanceOf(RejectedError);
      }
      const { order, report } = await start(contract, rig, { flow, captureMode: 'MANUAL' });
      await rig.pay({ rig, order, report });
      expect(await query({ rig, order })).toMatchObject({ status: 'AUTHORIZED', capturedMinor: null });
      for (const _time of ['once', 'and again']) {
        const taken = await provider.capturePayment(order, part, patient());
        expect(taken).toMatchObject({ status: 'SUCCEEDED', capturedMinor: 600n });
      }
      expect(rig.truth(order)).toMatchObject({ charges: 1, capturedMinor: 600n });
    });

    test('C11 it says who it is, and each of its flows is promised here', async () => {
      const { provider } = await open();
      expect(provider).toMatchObject({ name, account: expect.stringMatching(/^[\w.@-]{1,64}$/) });
      expect(provider.name.toLowerCase()).toMatch(/^[a-z]{1,20}$/); // as in the webhook route
      expect(providerDefinitions.map((kind) => kind.name)).toContain(name);
      expect([...provider.flows].sort()).toEqual(flows.map(({ flow }) => flow).sort());
      for (const flow of Object.keys(provider.needs)) expect(provider.flows).toContain(flow);
      for (const { flow } of flows) expect(flowOf(contract, flow).flow).toBe(flow);
    });
  });
}
