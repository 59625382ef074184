import { completeSessionIfPaid, expireSessionIfOpen, reportDelayedResult } from './checkout.ts';
import { finishProcessing } from './payment-attempts.ts';
import { forceSuccess, lapseAuthorization } from './payment-intents.ts';
import { failRefund, finishRefund } from './refunds.ts';
import type { StripeState, TaskAct } from './state.ts';

/** Runs a scheduled task, or an action of the console. It does nothing when it does not fit the state of its subject. */
export function runTask(stripe: StripeState, act: TaskAct, subject: string): void {
  switch (act) {
    case 'expire_session':
      return expireSessionIfOpen(stripe, subject);
    case 'lapse_authorization':
      return lapseAuthorization(stripe, subject);
    case 'finish_succeeded':
      return finishIntent(stripe, subject, 'succeeded');
    case 'finish_failed':
      return finishIntent(stripe, subject, 'failed');
    case 'succeed_anyway':
      return forceSuccessAndComplete(stripe, subject);
    case 'refund_succeeded':
      return finishRefund(stripe, subject);
    case 'refund_failed':
      return failRefund(stripe, subject);
  }
}

function finishIntent(stripe: StripeState, intentId: string, outcome: 'succeeded' | 'failed'): void {
  if (stripe.intents.get(intentId)?.status !== 'processing') return;
  finishProcessing(stripe, intentId, outcome);
  reportDelayedResult(stripe, intentId, outcome);
}

function forceSuccessAndComplete(stripe: StripeState, intentId: string): void {
  forceSuccess(stripe, intentId);
  const intent = stripe.intents.get(intentId);
  if (intent) completeSessionIfPaid(stripe, intent);
}
