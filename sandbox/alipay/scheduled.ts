import { failRefund, succeedRefund } from './refunds.ts';
import type { Books, PlannedAct, PlanRow } from './state.ts';
import { closeTrade, payAnyway } from './trades.ts';

/** Keeps a plan and has it carried out when its time comes. */
export function keepPlan(books: Books, inMs: number, act: PlannedAct, subject: string): void {
  const plan = books.plans.put({ id: books.newId('plan_'), atMs: books.clock.nowMs() + inMs, act, subject });
  books.ledger.afterCommit(() => schedulePlan(books, plan));
}

/** Takes up again what was planned before a restart. */
export function resumePlans(books: Books): void {
  for (const plan of books.plans.all()) schedulePlan(books, plan);
}

function schedulePlan(books: Books, plan: PlanRow): void {
  books.clock.at(plan.atMs, () =>
    books.ledger.transact(() => {
      books.plans.delete(plan.id);
      carryOut(books, plan.act, plan.subject);
    }),
  );
}

/** What does not fit the present state does nothing. */
function carryOut(books: Books, act: PlannedAct, subject: string): void {
  const trade = books.trades.get(subject);
  const refund = books.refunds.get(subject);
  switch (act) {
    case 'expire_trade':
      if (trade?.status === 'WAIT_BUYER_PAY') closeTrade(books, trade);
      return;
    case 'pay_anyway':
      return payAnyway(books, subject);
    case 'refund_succeeded':
      if (refund?.status === 'pending') succeedRefund(books, refund);
      return;
    case 'refund_failed':
      if (refund?.status === 'pending') failRefund(books, refund);
      return;
  }
}
