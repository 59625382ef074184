import type { AlipayLedger } from '../../sandbox/alipay/ledger-report.ts';
import type { NextAction, Payment } from '../../src/domain/payment.ts';
import { type Desk, fillIn, follow, type Gesture, leftToRefund, pathOf, press } from './buyer.ts';
import { shareOf } from './clients.ts';
import { type ConsoleDeed, isDeclined } from './schedule.ts';
import type { World } from './world.ts';

export class AlipayDesk implements Desk {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** A link redirects the buyer to the cashier; a code is the cashier's address. */
  async act(_paymentId: string, page: NextAction, gesture: Gesture): Promise<boolean> {
    const cashier =
      page.kind === 'REDIRECT'
        ? await follow(this.#world, pathOf(page.url))
        : page.kind === 'QR_CODE'
          ? pathOf(page.content)
          : null;
    return cashier === null ? false : fillIn(this.#world, cashier, { action: actionOf(gesture) });
  }

  async authenticate(): Promise<boolean> {
    return false;
  }

  async manage(payment: Payment, deed: ConsoleDeed, share: number): Promise<boolean> {
    const { trades, refunds } = this.#ledgerOf(payment.id);
    const [trade] = trades;
    const onTrade = (act: string): Promise<boolean> =>
      press(this.#world, `/control/alipay/trades/${payment.id}/${act}`);
    switch (deed) {
      case 'refund': {
        const left = leftToRefund(payment);
        if (trade?.status !== 'TRADE_SUCCESS' || left <= 0n || !this.#world.tellsByCallback) return false;
        const amount = Number(shareOf(left, share, payment.currency));
        return press(this.#world, '/control/alipay/refunds', { out_trade_no: payment.id, amount });
      }
      case 'decideRefund': {
        const refund = refunds.find(({ status }) => status === 'pending');
        if (refund === undefined) return false;
        return press(this.#world, `/control/alipay/refunds/${refund.outRequestNo}/${share < 0.5 ? 'fail' : 'succeed'}`);
      }
      case 'close':
        return trade?.status === 'WAIT_BUYER_PAY' && onTrade('close');
      case 'succeed':
        return trade?.paidAt == null && onTrade('succeed');
      case 'finishTrade':
        return trade?.status === 'TRADE_SUCCESS' && onTrade('finish');
      case 'refundTwin': // a number identifies one refund there, and refunds are not listed
      case 'failRefund':
      case 'lapse':
      case 'finish':
      case 'finishFailed':
        return false;
    }
  }

  #ledgerOf(paymentId: string): AlipayLedger {
    return this.#world.sandbox.ledger(paymentId).alipay ?? { trades: [], refunds: [], totals: {} };
  }
}

function actionOf(gesture: Gesture): string {
  if (gesture.kind === 'open') return 'scan';
  if (gesture.kind === 'leave') return 'leave';
  return isDeclined(gesture.card) ? 'decline' : 'pay';
}
