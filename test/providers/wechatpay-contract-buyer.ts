import type { Started } from './contract-rig.ts';

/** The buyer opens the payment as its flow has it, and presses a button in WeChat. */
export async function actAtWechat({ rig, order, report }: Started, action: 'pay' | 'decline' | 'leave'): Promise<void> {
  const { nextAction } = report;
  switch (nextAction?.kind) {
    case 'QR_CODE': {
      const page = `/cashier/wechatpay?code=${encodeURIComponent(nextAction.content)}`;
      return rig.press(await rig.follow(page), { action });
    }
    case 'REDIRECT':
      return rig.press(nextAction.url, { action });
    case 'WECHAT_PAY_BRIDGE': {
      const { kind: _kind, expiresAt: _expiresAt, ...call } = nextAction;
      const act = async (path: string, body: object) => rig.sandbox.control(`/control/wechatpay/${path}`, body);
      // Refused when it is over; the ledger tells.
      await act('bridge', call)
        .then(() => act(`buyer/${order.paymentId}`, { action }))
        .catch(() => undefined);
      return;
    }
    default:
      throw new Error('There is no way to WeChat Pay.');
  }
}
