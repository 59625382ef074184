import { completeIfPaid, expireIfOpen, reportDelayedResult } from './checkout.ts';
import { finishProcessing, lapseAuthorization, succeedAnyway } from './payments.ts';
import { failRefund, finishRefund } from './refunds.ts';
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

/** Does at once what may also be planned. What does not fit the present state does nothing. */
export function carryOut(books: Books, act: PlannedAct, subject: string): void {
  switch (act) {
    case 'expire_session':
      return expireIfOpen(books, subject);
    case 'lapse_authorization':
      return lapseAuthorization(books, subject);
    case 'finish_succeeded':
      return finishIntent(books, subject, 'succeeded');
    case 'finish_failed':
      return finishIntent(books, subject, 'failed');
    case 'succeed_anyway':
      return succeedInSpite(books, subject);
    case 'refund_succeeded':
      return finishRefund(books, subject);
    case 'refund_failed':
      return failRefund(books, subject);
  }
}

function schedulePlan(books: Books, plan: PlanRow): void {
  books.clock.at(plan.atMs, () =>
    books.ledger.transact(() => {
      books.plans.delete(plan.id);
      carryOut(books, plan.act, plan.subject);
    }),
  );
}

function finishIntent(books: Books, intentId: string, outcome: 'succeeded' | 'failed'): void {
  if (books.intents.get(intentId)?.status !== 'processing') return;
  finishProcessing(books, intentId, outcome);
  reportDelayedResult(books, intentId, outcome);
}

function succeedInSpite(books: Books, intentId: string): void {
  succeedAnyway(books, intentId);
  const intent = books.intents.get(intentId);
  if (intent) completeIfPaid(books, intent);
}
