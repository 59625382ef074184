import type { NextAction, Payment } from '../../src/domain/payment.ts';
import { AlipayDesk } from './alipay-desk.ts';
import { viewOf } from './ledger-view.ts';
import type { Snapshot } from './rows.ts';
import type { Card, ConsoleDeed, Page } from './schedule.ts';
import { StripeDesk } from './stripe-desk.ts';
import { WechatpayDesk } from './wechatpay-desk.ts';
import type { World } from './world.ts';

/** What the buyer does on a page. With a wallet instead of a card, those that are declined stand for too little money. */
export type Gesture =
  | { readonly kind: 'pay'; readonly card: Card }
  | { readonly kind: 'open' }
  | { readonly kind: 'leave' };

/** A provider as those outside of the product use it: its pages, and its console. Everything is false where there was nothing to do it to. */
export type Desk = {
  act(paymentId: string, page: NextAction, gesture: Gesture): Promise<boolean>;
  /** Passes or fails the bank's own question. */
  authenticate(paymentId: string, passes: boolean): Promise<boolean>;
  /** Somebody at the provider's console, behind the merchant's back. */
  manage(payment: Payment, deed: ConsoleDeed, share: number): Promise<boolean>;
};

/** Whoever pays, in their browser: has every page that was ever open before them, also those that the shop has given up. */
export class Buyer {
  readonly #world: World;
  readonly #pages = new Map<string, NextAction[]>();
  readonly #desks: Readonly<Record<string, Desk>>;

  constructor(world: World) {
    this.#world = world;
    this.#desks = { STRIPE: new StripeDesk(world), ALIPAY: new AlipayDesk(world), WECHATPAY: new WechatpayDesk(world) };
  }

  /** Sees what the shop shows now. */
  look(payments: readonly Pick<Payment, 'id' | 'nextAction'>[]): void {
    for (const { id, nextAction } of payments) {
      const seen = this.#pages.get(id) ?? [];
      const isNew = nextAction !== null && JSON.stringify(seen.at(-1)) !== JSON.stringify(nextAction);
      if (isNew) this.#pages.set(id, [...seen, nextAction]);
    }
  }

  /** False when no page for it was ever shown. */
  async act({ id, provider }: Payment, gesture: Gesture, page: Page): Promise<boolean> {
    const shown = this.#pages.get(id)?.at(page === 'newest' ? -1 : 0);
    return shown === undefined ? false : this.#deskOf(provider).act(id, shown, gesture);
  }

  authenticate({ id, provider }: Payment, passes: boolean): Promise<boolean> {
    return this.#deskOf(provider).authenticate(id, passes);
  }

  manage(payment: Payment, deed: ConsoleDeed, share: number): Promise<boolean> {
    return this.#deskOf(payment.provider).manage(payment, deed, share);
  }

  /** What an operator reads in the consoles about an order, as they would tell it: only what is certain there. */
  factsOf({ payments, refunds }: Snapshot, orderId: string): object {
    const ledger = viewOf(this.#world.sandbox.ledger());
    return {
      payments: payments
        .filter((payment) => payment.orderId === orderId)
        .flatMap(({ id: paymentId }) =>
          ledger.payments
            .filter((theirs) => theirs.paymentId === paymentId && theirs.ends.includes('SUCCEEDED'))
            .map(({ names: [name = null], captured }) => ({
              ...{ paymentId, status: 'SUCCEEDED', providerPaymentId: name, capturedMinor: BigInt(captured) },
            })),
        ),
      refunds: refunds
        .filter((refund) => refund.orderId === orderId)
        .flatMap(({ id: refundId, providerRefundId }) =>
          ledger.refunds
            .filter(({ names, ourId }) => ourId === refundId || names.includes(providerRefundId ?? ''))
            .filter(({ status }) => status === 'SUCCEEDED' || status === 'FAILED')
            .map(({ names: [name = null], status }) => ({
              refundId,
              status,
              providerRefundId: providerRefundId ?? name,
            })),
        ),
    };
  }

  #deskOf(provider: string): Desk {
    const desk = this.#desks[provider];
    if (desk === undefined) throw new RangeError(`Nobody plays the buyers of ${provider}.`);
    return desk;
  }
}

/** How much somebody in the console would give back of a payment: a share of what is left by our books. 0 where nothing is. */
export function leftToRefund({ capturedMinor, refundedMinor, reservedMinor }: Payment): bigint {
  return capturedMinor - refundedMinor - reservedMinor;
}

/** Presses a button of the console. False when it does not fit any more, as a button on an old page does not. */
export async function press({ sandbox }: World, path: string, body: object = {}): Promise<boolean> {
  const answer = await sandbox.request({ method: 'POST', path, body: JSON.stringify(body) });
  return typeof answer !== 'string' && answer.status === 200;
}

/** Fills in a form of a page. False when the page is gone, or says that it is too late. */
export async function fillIn(
  { sandbox }: World,
  path: string,
  form: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const answer = await sandbox.request({
    ...{ method: 'POST', path },
    headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
  return typeof answer !== 'string' && answer.status < 400;
}

/** Where a link leads that only sends on; null when it leads nowhere. */
export async function follow({ sandbox }: World, path: string): Promise<string | null> {
  const answer = await sandbox.request({ method: 'GET', path });
  if (typeof answer === 'string' || answer.headers.location === undefined) return null;
  return pathOf(new URL(answer.headers.location, sandbox.url).href);
}

export function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}
