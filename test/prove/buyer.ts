import type { DoorAnswer } from '../../sandbox/door.ts';
import type { Wire } from '../../sandbox/stripe-objects.ts';
import type { NextAction, Payment } from '../../src/domain/payment.ts';
import { shareOf } from './clients.ts';
import { paymentIdOf } from './ledger-invariants.ts';
import type { Snapshot } from './rows.ts';
import type { Card, ConsoleDeed } from './schedule.ts';
import { stripeKeys } from './stripe-keys.ts';
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

/** Whoever pays, in their browser: has every page that was ever open before them, also those that the shop has given up. */
export class Buyer {
  readonly #world: World;
  readonly #pages = new Map<string, NextAction>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Sees what the shop shows now. */
  look(payments: readonly Pick<Payment, 'id' | 'nextAction'>[]): void {
    for (const { id, nextAction } of payments) if (nextAction !== null) this.#pages.set(id, nextAction);
  }

  /** Presses Pay. False when no page for it was ever shown. */
  async pay(paymentId: string, card: Card): Promise<boolean> {
    const page = this.#pages.get(paymentId);
    if (page?.kind === 'CONFIRM_CARD') {
      const [intentId] = page.clientSecret.split('_secret_');
      await this.#post(`/v1/payment_intents/${intentId}/confirm`, {
        client_secret: page.clientSecret,
        payment_method: `pm_card_${card}`,
        return_url: 'https://shop.example/back',
      });
      return true;
    }
    if (page?.kind !== 'REDIRECT') return false;
    await this.#post(new URL(page.url).pathname, { action: 'pay', card: numbers[card] });
    return true;
  }

  /** Passes or fails the bank's own question. False when no bank has asked. */
  async authenticate(paymentId: string, passes: boolean): Promise<boolean> {
    const asked = this.#intentsOf(paymentId).find(({ status }) => status === 'requires_action');
    if (asked === undefined) return false;
    const path = `/cashier/3ds/${asked.id}?client_secret=${asked.client_secret}`;
    await this.#post(path, { action: passes ? 'complete' : 'fail' });
    return true;
  }

  /** Somebody at the provider's console, behind the merchant's back. False when there is nothing to do it to. */
  async manage(payment: Payment, deed: ConsoleDeed, share: number): Promise<boolean> {
    const { sandbox } = this.#world;
    const ledger = sandbox.ledger(payment.id).stripe;
    const intent = ledger.paymentIntents.at(-1);
    switch (deed) {
      case 'refund': {
        const left = Number(payment.capturedMinor - payment.refundedMinor - payment.reservedMinor);
        if (intent?.status !== 'succeeded' || left <= 0) return false;
        const amount = Number(shareOf(BigInt(left), share, payment.currency) * unitsOf(payment.currency));
        return this.#act('/control/stripe/refunds', { payment_intent: intent.id, amount });
      }
      case 'failRefund':
      case 'decideRefund': {
        const wanted = deed === 'failRefund' ? 'succeeded' : 'pending';
        const refund = ledger.refunds.find(({ status }) => status === wanted);
        if (refund === undefined) return false;
        return this.#act(
          `/control/stripe/refunds/${refund.id}/${deed === 'failRefund' || share < 0.5 ? 'fail' : 'succeed'}`,
        );
      }
      case 'expireSession': {
        const session = ledger.checkoutSessions.find(({ status }) => status === 'open');
        return session === undefined ? false : this.#act(`/control/stripe/checkout/sessions/${session.id}/expire`);
      }
      case 'lapse':
        if (intent?.status !== 'requires_capture') return false;
        return this.#act(`/control/stripe/payment_intents/${intent.id}/lapse`);
      case 'succeed':
        if (intent === undefined || intent.status === 'succeeded') return false;
        return this.#act(`/control/stripe/payment_intents/${intent.id}/succeed`);
      case 'finish':
      case 'finishFailed':
        if (intent?.status !== 'processing') return false;
        return this.#act(`/control/stripe/payment_intents/${intent.id}/finish`, {
          outcome: deed === 'finish' ? 'succeeded' : 'failed',
        });
    }
  }

  /** What an operator reads in the console about an order, as they would tell it: only what is certain there. */
  factsOf({ payments, refunds }: Snapshot, orderId: string): object {
    const ledger = this.#world.sandbox.ledger().stripe;
    return {
      payments: payments
        .filter((payment) => payment.orderId === orderId)
        .flatMap(({ id: paymentId, currency }) =>
          ledger.paymentIntents
            .filter((intent) => intent.status === 'succeeded' && paymentIdOf(intent) === paymentId)
            .map((intent) => ({
              ...{ paymentId, status: 'SUCCEEDED', providerPaymentId: intent.id },
              capturedMinor: BigInt(Number(intent.amount_received)) / unitsOf(currency),
            })),
        ),
      refunds: refunds
        .filter((refund) => refund.orderId === orderId)
        .flatMap(({ id: refundId, providerRefundId }) =>
          ledger.refunds
            .filter(({ id, metadata }) => id === providerRefundId || metadata.refund_id === refundId)
            .filter(({ status }) => status === 'succeeded' || status === 'failed')
            .map(({ id, status }) => ({ refundId, status: status.toUpperCase(), providerRefundId: id })),
        ),
    };
  }

  #intentsOf(paymentId: string): readonly Wire[] {
    return this.#world.sandbox.ledger(paymentId).stripe.paymentIntents;
  }

  /** Refused when it does not fit any more, as a button on an old page is. */
  async #act(path: string, body: object = {}): Promise<boolean> {
    const answer = await this.#world.sandbox.request({ method: 'POST', path, body: JSON.stringify(body) });
    return typeof answer !== 'string' && answer.status === 200;
  }

  async #post(path: string, form: Record<string, string>): Promise<DoorAnswer | 'unanswered' | 'reset'> {
    return this.#world.sandbox.request({
      ...{ method: 'POST', path },
      headers: {
        authorization: `Bearer ${stripeKeys.publishableKey}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams(form).toString(),
    });
  }
}

/** How many of Stripe's units one of ours is. */
function unitsOf(currency: string): bigint {
  return currency === 'ISK' ? 100n : 1n;
}
