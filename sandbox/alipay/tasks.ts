import { failRefund, succeedRefund } from './refunds.ts';
import type { AlipayState, TaskAct } from './state.ts';
import { closeTrade, forcePayment } from './trades.ts';

/** Runs a scheduled task. It does nothing when the state of its subject has changed since. */
export function runTask(alipay: AlipayState, act: TaskAct, subject: string): void {
  const trade = alipay.trades.get(subject);
  const refund = alipay.refunds.get(subject);
  switch (act) {
    case 'expire_trade':
      if (trade?.status === 'WAIT_BUYER_PAY') closeTrade(alipay, trade);
      return;
    case 'pay_anyway':
      return forcePayment(alipay, subject);
    case 'refund_succeeded':
      if (refund?.status === 'pending') succeedRefund(alipay, refund);
      return;
    case 'refund_failed':
      if (refund?.status === 'pending') failRefund(alipay, refund);
      return;
  }
}
