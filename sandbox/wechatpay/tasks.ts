import { completePayment, leaveOrder, orderOf } from './orders.ts';
import { endRefund } from './refunds.ts';
import type { TaskAct, WechatpayState } from './state.ts';

/** Runs a scheduled task. It does nothing when the state of its subject has changed since. */
export function runTask(wechatpay: WechatpayState, act: TaskAct, subject: string): void {
  switch (act) {
    case 'pay_succeeded':
      return finishPaying(wechatpay, subject, 'succeeded');
    case 'pay_failed':
      return finishPaying(wechatpay, subject, 'failed');
    case 'succeed_anyway':
      completePayment(wechatpay, orderOf(wechatpay, subject));
      return;
    case 'refund_succeeded':
      return finishRefund(wechatpay, subject, 'SUCCESS');
    case 'refund_failed':
      return finishRefund(wechatpay, subject, 'ABNORMAL');
  }
}

function finishPaying(wechatpay: WechatpayState, outTradeNo: string, outcome: 'succeeded' | 'failed'): void {
  const order = orderOf(wechatpay, outTradeNo);
  if (order.state !== 'USERPAYING') return;
  if (outcome === 'succeeded') completePayment(wechatpay, order);
  else leaveOrder(wechatpay, order, 'declined');
}

/** Ends only a refund that is still processing: a decision of the console stands. */
function finishRefund(wechatpay: WechatpayState, outRefundNo: string, status: 'SUCCESS' | 'ABNORMAL'): void {
  if (wechatpay.refunds.get(outRefundNo)?.status === 'PROCESSING') endRefund(wechatpay, outRefundNo, status);
}
