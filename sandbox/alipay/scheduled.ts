import { failRefund, succeedRefund } from './refunds.ts';
import type { AlipayState, PlannedAct, PlanRow } from './state.ts';
import { closeTrade, payAnyway } from './trades.ts';

/** Keeps a plan and has it carried out when its time comes. */
export function keepPlan(alipay: AlipayState, inMs: number, act: PlannedAct, subject: string): void {
  const plan = alipay.plans.put({ id: alipay.newId('plan_'), atMs: alipay.clock.nowMs() + inMs, act, subject });
  alipay.ledger.afterCommit(() => schedulePlan(alipay, plan));
}

/** Takes up again what was planned before a restart. */
export function resumePlans(alipay: AlipayState): void {
  for (const plan of alipay.plans.all()) schedulePlan(alipay, plan);
}

function schedulePlan(alipay: AlipayState, plan: PlanRow): void {
  alipay.clock.at(plan.atMs, () =>
    alipay.ledger.transact(() => {
      alipay.plans.delete(plan.id);
      carryOut(alipay, plan.act, plan.subject);
    }),
  );
}

/** What does not fit the present state does nothing. */
function carryOut(alipay: AlipayState, act: PlannedAct, subject: string): void {
  const trade = alipay.trades.get(subject);
  const refund = alipay.refunds.get(subject);
  switch (act) {
    case 'expire_trade':
      if (trade?.status === 'WAIT_BUYER_PAY') closeTrade(alipay, trade);
      return;
    case 'pay_anyway':
      return payAnyway(alipay, subject);
    case 'refund_succeeded':
      if (refund?.status === 'pending') succeedRefund(alipay, refund);
      return;
    case 'refund_failed':
      if (refund?.status === 'pending') failRefund(alipay, refund);
      return;
  }
}
