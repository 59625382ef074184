import type { NextAction, Payment } from '../../src/domain/payment.ts';
import { type Desk, fillIn, type Gesture, leftToRefund, press } from './buyer.ts';
import { shareOf } from './clients.ts';
import { stripeFactorOf } from './ledger-view.ts';
import { stripeKeys } from './provider-keys.ts';
import type { Card, ConsoleDeed } from './schedule.ts';
import type { World } from './world.ts';

const numbers: Readonly<Record<Card, string>> = {
  visa: '4242424242424242',
  chargeDeclined: '4000000000000002',
  authenticationRequired: '4000002500003155',
  threeDSecureRequiredChargeDeclined: '4000008400001629',
  pendingRefund: '4000000000007726',
  refundFail: '4000000000005126',
  chargeDeclinedInsufficientFunds: '4000000000009995',
};

export class StripeDesk implements Desk {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async act(_paymentId: string, page: NextAction, gesture: Gesture): Promise<boolean> {
    if (gesture.kind !== 'pay') return false;
    if (page.kind === 'CONFIRM_CARD') {
      const [intentId] = page.clientSecret.split('_secret_');
      await this.#post(`/v1/payment_intents/${intentId}/confirm`, {
        client_secret: page.clientSecret,
        payment_method: `pm_card_${gesture.card}`,
        return_url: 'https://shop.example/back',
      });
      return true;
    }
    if (page.kind !== 'REDIRECT') return false;
    await this.#post(new URL(page.url).pathname, { action: 'pay', card: numbers[gesture.card] });
    return true;
  }

  async authenticate(paymentId: string, passes: boolean): Promise<boolean> {
    const { paymentIntents } = this.#world.sandbox.ledger(paymentId).stripe;
    const asked = paymentIntents.find(({ status }) => status === 'requires_action');
    if (asked === undefined) return false;
    const path = `/cashier/3ds/${asked.id}?client_secret=${asked.client_secret}`;
    await this.#post(path, { action: passes ? 'complete' : 'fail' });
    return true;
  }

  async manage(payment: Payment, deed: ConsoleDeed, share: number): Promise<boolean> {
    const ledger = this.#world.sandbox.ledger(payment.id).stripe;
    const intent = ledger.paymentIntents.at(-1);
    const onIntent = (act: string, body: object = {}): Promise<boolean> =>
      press(this.#world, `/control/stripe/payment_intents/${intent?.id}/${act}`, body);
    switch (deed) {
      case 'refund': {
        const left = leftToRefund(payment);
        if (intent?.status !== 'succeeded' || left <= 0n) return false;
        const amount = Number(shareOf(left, share, payment.currency)) * stripeFactorOf(payment.currency);
        return press(this.#world, '/control/stripe/refunds', { payment_intent: intent.id, amount });
      }
      case 'refundTwin': {
        const twin = ledger.refunds.find(({ metadata, origin }) => metadata.refund_id && origin === 'API');
        const left = Number(leftToRefund(payment)) * stripeFactorOf(payment.currency);
        if (intent?.status !== 'succeeded' || twin === undefined || twin.amount > left) return false;
        const body = { payment_intent: intent.id, amount: twin.amount, metadata: twin.metadata };
        return press(this.#world, '/control/stripe/refunds', body);
      }
      case 'failRefund':
      case 'decideRefund': {
        const wanted = deed === 'failRefund' ? 'succeeded' : 'pending';
        const refund = ledger.refunds.find(({ status }) => status === wanted);
        if (refund === undefined) return false;
        const act = deed === 'failRefund' || share < 0.5 ? 'fail' : 'succeed';
        return press(this.#world, `/control/stripe/refunds/${refund.id}/${act}`);
      }
      case 'close': {
        const session = ledger.checkoutSessions.find(({ status }) => status === 'open');
        return session === undefined
          ? false
          : press(this.#world, `/control/stripe/checkout/sessions/${session.id}/expire`);
      }
      case 'lapse':
        return intent?.status === 'requires_capture' && onIntent('lapse');
      case 'succeed':
        return intent !== undefined && intent.status !== 'succeeded' && onIntent('succeed');
      case 'finish':
      case 'finishFailed':
        if (intent?.status !== 'processing') return false;
        return onIntent('finish', { outcome: deed === 'finish' ? 'succeeded' : 'failed' });
      case 'finishTrade':
        return false;
    }
  }

  #post(path: string, form: Record<string, string>): Promise<boolean> {
    return fillIn(this.#world, path, form, { authorization: `Bearer ${stripeKeys.publishableKey}` });
  }
}
