import type { WechatpayLedger } from '../../sandbox/wechatpay/ledger-report.ts';
import type { NextAction, Payment } from '../../src/domain/payment.ts';
import { type Desk, fillIn, follow, type Gesture, leftToRefund, pathOf, press } from './buyer.ts';
import { shareOf } from './clients.ts';
import { type ConsoleDeed, isDeclined } from './schedule.ts';
import type { World } from './world.ts';

export class WechatpayDesk implements Desk {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async act(paymentId: string, page: NextAction, gesture: Gesture): Promise<boolean> {
    const cashier = await this.#cashierOf(page);
    if (cashier === null) return false;
    // A scan without payment leaves no trace on the page: only WeChat Pay knows of it.
    if (gesture.kind === 'open') return press(this.#world, `/control/wechatpay/buyer/${paymentId}`, { action: 'open' });
    if (gesture.kind === 'leave') return fillIn(this.#world, cashier, { action: 'leave' });
    return fillIn(this.#world, cashier, { action: isDeclined(gesture.card) ? 'decline' : 'pay' });
  }

  async authenticate(): Promise<boolean> {
    return false;
  }

  async manage(payment: Payment, deed: ConsoleDeed, share: number): Promise<boolean> {
    const { transactions, refunds } = this.#ledgerOf(payment.id);
    const state = transactions[0]?.trade_state;
    const onTransaction = (act: string): Promise<boolean> =>
      press(this.#world, `/control/wechatpay/transactions/${payment.id}/${act}`);
    switch (deed) {
      case 'refund': {
        const left = leftToRefund(payment);
        const isPaid = state === 'SUCCESS' || state === 'REFUND';
        if (!isPaid || left <= 0n || !this.#world.tellsByCallback) return false;
        const amount = Number(shareOf(left, share, payment.currency));
        return press(this.#world, '/control/wechatpay/refunds', { out_trade_no: payment.id, amount });
      }
      case 'decideRefund': {
        const refund = refunds.find(({ status }) => status === 'PROCESSING' || status === 'ABNORMAL');
        if (refund === undefined) return false;
        const isFailed = share < 0.5;
        const act = !isFailed ? 'succeed' : refund.status === 'ABNORMAL' ? 'close' : 'fail';
        return press(this.#world, `/control/wechatpay/refunds/${refund.outRefundNo}/${act}`);
      }
      case 'close':
        return (state === 'NOTPAY' || state === 'USERPAYING') && onTransaction('close');
      case 'succeed':
        return state !== undefined && state !== 'SUCCESS' && state !== 'REFUND' && onTransaction('succeed');
      case 'finish':
        return state === 'USERPAYING' && onTransaction('succeed');
      case 'finishFailed':
        if (state !== 'USERPAYING') return false;
        return press(this.#world, `/control/wechatpay/buyer/${payment.id}`, { action: 'decline' });
      case 'refundTwin': // a number identifies one refund there, and refunds are not listed
      case 'failRefund':
      case 'lapse':
      case 'finishTrade':
        return false;
    }
  }

  /** The page of a code, of a link, or of a payment that the shop's page opened inside WeChat. */
  async #cashierOf(page: NextAction): Promise<string | null> {
    switch (page.kind) {
      case 'QR_CODE':
        return follow(this.#world, `/cashier/wechatpay?code=${encodeURIComponent(page.content)}`);
      case 'REDIRECT':
        return pathOf(page.url);
      case 'WECHAT_PAY_BRIDGE': {
        const { kind: _kind, expiresAt: _expiresAt, ...call } = page;
        const cashier = await follow(
          this.#world,
          `/cashier/wechatpay?code=${encodeURIComponent(call.package.replace('prepay_id=', ''))}`,
        );
        if (cashier === null) return null;
        await press(this.#world, '/control/wechatpay/bridge', call);
        return cashier;
      }
      case 'CONFIRM_CARD':
        return null;
    }
  }

  #ledgerOf(paymentId: string): WechatpayLedger {
    return this.#world.sandbox.ledger(paymentId).wechatpay ?? { transactions: [], refunds: [], totals: {} };
  }
}
