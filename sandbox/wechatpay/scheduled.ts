import { leaveOrder, orderOf, succeed } from './orders.ts';
import { endRefund } from './refunds.ts';
import type { Books, PlannedAct, PlanRow } from './state.ts';

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
  switch (act) {
    case 'pay_succeeded':
      return settlePaying(books, subject, 'succeeded');
    case 'pay_failed':
      return settlePaying(books, subject, 'failed');
    case 'succeed_anyway':
      succeed(books, orderOf(books, subject));
      return;
    case 'refund_succeeded':
      return settleRefund(books, subject, 'SUCCESS');
    case 'refund_failed':
      return settleRefund(books, subject, 'ABNORMAL');
  }
}

function settlePaying(books: Books, outTradeNo: string, outcome: 'succeeded' | 'failed'): void {
  const order = orderOf(books, outTradeNo);
  if (order.state !== 'USERPAYING') return;
  if (outcome === 'succeeded') succeed(books, order);
  else leaveOrder(books, order, 'declined');
}

/** A plan ends only what is under way: what the console decided meanwhile stays. */
function settleRefund(books: Books, outRefundNo: string, status: 'SUCCESS' | 'ABNORMAL'): void {
  if (books.refunds.get(outRefundNo)?.status === 'PROCESSING') endRefund(books, outRefundNo, status);
}
