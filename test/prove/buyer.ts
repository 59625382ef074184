import type { NextAction, Payment } from '../../src/domain/payment.ts';
import { AlipayDesk } from './alipay-desk.ts';
import { viewOf } from './ledger-view.ts';
import type { Snapshot } from './rows.ts';
import type { Card, ConsoleDeed, Page } from './schedule.ts';
import { StripeDesk } from './stripe-desk.ts';
import { WechatpayDesk } from './wechatpay-desk.ts';
import type { World } from './world.ts';

/** An action of the buyer on a page. With a wallet, a declined card stands for an insufficient balance. */
export type Gesture =
  | { readonly kind: 'pay'; readonly card: Card }
  | { readonly kind: 'open' }
  | { readonly kind: 'leave' };

/** The pages and the console of a provider. Each method returns false when it has nothing to act on. */
export type Desk = {
  act(paymentId: string, page: NextAction, gesture: Gesture): Promise<boolean>;
  /** Passes or fails the bank's authentication. */
  authenticate(paymentId: string, passes: boolean): Promise<boolean>;
  /** Acts in the provider's console, without Paystream. */
  manage(payment: Payment, deed: ConsoleDeed, share: number): Promise<boolean>;
};

/** The buyer's browser. It keeps every page that was ever opened, including those of abandoned payments. */
export class Buyer {
  readonly #world: World;
  readonly #pages = new Map<string, NextAction[]>();
  readonly #desks: Readonly<Record<string, Desk>>;

  constructor(world: World) {
    this.#world = world;
    this.#desks = { STRIPE: new StripeDesk(world), ALIPAY: new AlipayDesk(world), WECHATPAY: new WechatpayDesk(world) };
  }

  /** Opens the page that the shop shows now. */
  look(payments: readonly Pick<Payment, 'id' | 'nextAction'>[]): void {
    for (const { id, nextAction } of payments) {
      const seen = this.#pages.get(id) ?? [];
      const isNew = nextAction !== null && JSON.stringify(seen.at(-1)) !== JSON.stringify(nextAction);
      if (isNew) this.#pages.set(id, [...seen, nextAction]);
    }
  }

  /** False when no page of the payment was ever shown. */
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

  /** The certain facts about an order that an operator can read in the consoles. */
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

/** The amount of a console refund: a share of the refundable amount; 0 if nothing is refundable. */
export function leftToRefund({ capturedMinor, refundedMinor, reservedMinor }: Payment): bigint {
  return capturedMinor - refundedMinor - reservedMinor;
}

/** Presses a button of the console. False when the action is no longer possible. */
export async function press({ sandbox }: World, path: string, body: object = {}): Promise<boolean> {
  const answer = await sandbox.request({ method: 'POST', path, body: JSON.stringify(body) });
  return typeof answer !== 'string' && answer.status === 200;
}

/** Submits the form of a page. False when the page is gone or expired. */
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

/** The target of a redirecting link; null when it does not redirect. */
export async function follow({ sandbox }: World, path: string): Promise<string | null> {
  const answer = await sandbox.request({ method: 'GET', path });
  if (typeof answer === 'string' || answer.headers.location === undefined) return null;
  return pathOf(new URL(answer.headers.location, sandbox.url).href);
}

export function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}
