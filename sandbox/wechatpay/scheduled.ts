import { leaveOrder, orderOf, succeed } from './orders.ts';
import { endRefund } from './refunds.ts';
import type { PlannedAct, PlanRow, WechatpayState } from './state.ts';

/** Keeps a plan and has it carried out when its time comes. */
export function keepPlan(wechatpay: WechatpayState, inMs: number, act: PlannedAct, subject: string): void {
  const plan = wechatpay.plans.put({
    id: wechatpay.newId('plan_'),
    atMs: wechatpay.clock.nowMs() + inMs,
    act,
    subject,
  });
  wechatpay.ledger.afterCommit(() => schedulePlan(wechatpay, plan));
}

/** Takes up again what was planned before a restart. */
export function resumePlans(wechatpay: WechatpayState): void {
  for (const plan of wechatpay.plans.all()) schedulePlan(wechatpay, plan);
}

function schedulePlan(wechatpay: WechatpayState, plan: PlanRow): void {
  wechatpay.clock.at(plan.atMs, () =>
    wechatpay.ledger.transact(() => {
      wechatpay.plans.delete(plan.id);
      carryOut(wechatpay, plan.act, plan.subject);
    }),
  );
}

/** What does not fit the present state does nothing. */
function carryOut(wechatpay: WechatpayState, act: PlannedAct, subject: string): void {
  switch (act) {
    case 'pay_succeeded':
      return settlePaying(wechatpay, subject, 'succeeded');
    case 'pay_failed':
      return settlePaying(wechatpay, subject, 'failed');
    case 'succeed_anyway':
      succeed(wechatpay, orderOf(wechatpay, subject));
      return;
    case 'refund_succeeded':
      return settleRefund(wechatpay, subject, 'SUCCESS');
    case 'refund_failed':
      return settleRefund(wechatpay, subject, 'ABNORMAL');
  }
}

function settlePaying(wechatpay: WechatpayState, outTradeNo: string, outcome: 'succeeded' | 'failed'): void {
  const order = orderOf(wechatpay, outTradeNo);
  if (order.state !== 'USERPAYING') return;
  if (outcome === 'succeeded') succeed(wechatpay, order);
  else leaveOrder(wechatpay, order, 'declined');
}

/** A plan ends only what is under way: what the console decided meanwhile stays. */
function settleRefund(wechatpay: WechatpayState, outRefundNo: string, status: 'SUCCESS' | 'ABNORMAL'): void {
  if (wechatpay.refunds.get(outRefundNo)?.status === 'PROCESSING') endRefund(wechatpay, outRefundNo, status);
}
