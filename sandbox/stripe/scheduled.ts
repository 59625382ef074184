import { completeIfPaid, expireIfOpen, reportDelayedResult } from './checkout.ts';
import { finishProcessing, lapseAuthorization, succeedAnyway } from './payments.ts';
import { failRefund, finishRefund } from './refunds.ts';
import type { PlannedAct, PlanRow, StripeState } from './state.ts';

/** Keeps a plan and has it carried out when its time comes. */
export function keepPlan(stripe: StripeState, inMs: number, act: PlannedAct, subject: string): void {
  const plan = stripe.plans.put({ id: stripe.newId('plan_'), atMs: stripe.clock.nowMs() + inMs, act, subject });
  stripe.ledger.afterCommit(() => schedulePlan(stripe, plan));
}

/** Takes up again what was planned before a restart. */
export function resumePlans(stripe: StripeState): void {
  for (const plan of stripe.plans.all()) schedulePlan(stripe, plan);
}

/** Does at once what may also be planned. What does not fit the present state does nothing. */
export function carryOut(stripe: StripeState, act: PlannedAct, subject: string): void {
  switch (act) {
    case 'expire_session':
      return expireIfOpen(stripe, subject);
    case 'lapse_authorization':
      return lapseAuthorization(stripe, subject);
    case 'finish_succeeded':
      return finishIntent(stripe, subject, 'succeeded');
    case 'finish_failed':
      return finishIntent(stripe, subject, 'failed');
    case 'succeed_anyway':
      return succeedInSpite(stripe, subject);
    case 'refund_succeeded':
      return finishRefund(stripe, subject);
    case 'refund_failed':
      return failRefund(stripe, subject);
  }
}

function schedulePlan(stripe: StripeState, plan: PlanRow): void {
  stripe.clock.at(plan.atMs, () =>
    stripe.ledger.transact(() => {
      stripe.plans.delete(plan.id);
      carryOut(stripe, plan.act, plan.subject);
    }),
  );
}

function finishIntent(stripe: StripeState, intentId: string, outcome: 'succeeded' | 'failed'): void {
  if (stripe.intents.get(intentId)?.status !== 'processing') return;
  finishProcessing(stripe, intentId, outcome);
  reportDelayedResult(stripe, intentId, outcome);
}

function succeedInSpite(stripe: StripeState, intentId: string): void {
  succeedAnyway(stripe, intentId);
  const intent = stripe.intents.get(intentId);
  if (intent) completeIfPaid(stripe, intent);
}
