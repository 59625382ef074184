import type { Database } from '../database/database.ts';
import { gatherLookups } from '../database/gathered-lookups.ts';
import type { OrderChange } from '../domain/order-change.ts';
import type { Payment } from '../domain/payment.ts';
import { findOrderCustomers, type OrderCustomer } from './order-store.ts';
import { findPayments } from './payment-store.ts';

type Account = Pick<Payment, 'provider' | 'providerAccount'>;
/** Where a payment belongs. An account may have the name of another merchant's, so the merchant is part of it. */
export type PaymentPlace = Account & Pick<Payment, 'id' | 'orderId' | 'merchantId'>;

/** Single reads that many callers make at the same time. Those that wait together share a statement. */
export type Lookups = {
  /** The payment with this id, or null. */
  readonly payment: (paymentId: string) => Promise<Payment | null>;
  /**
   * Where a payment belongs that is expected in this account, or null. A payment of the account that this process wrote lately needs no
   * statement.
   */
  readonly paymentPlace: (paymentId: string, expected: Account) => Promise<PaymentPlace | null>;
  /** The merchant and the customer of an order, or null. They never change, so an order that this process wrote lately needs no statement. */
  readonly orderCustomer: (orderId: string) => Promise<OrderCustomer | null>;
  /** Remembers the places of an order that was committed. */
  readonly remember: (committed: OrderChange) => void;
};

/** So many of the newest orders, and of the newest payments, are remembered: about 10 MB. */
const rememberedMax = 20_000;

export function createLookups({ writes }: Pick<Database, 'writes'>): Lookups {
  const findPayment = gatherLookups((ids: readonly string[]) => findPayments(writes, ids));
  const findCustomer = gatherLookups((ids: readonly string[]) => findOrderCustomers(writes, ids));
  const places = new Newest<PaymentPlace>();
  const customers = new Newest<OrderCustomer>();
  return {
    payment: findPayment,
    async paymentPlace(id, { provider, providerAccount }) {
      const known = places.get(id);
      // An account may have been renamed since.
      const isThere = known?.provider === provider && known.providerAccount === providerAccount;
      return isThere ? known : findPayment(id);
    },
    orderCustomer: async (id) => customers.get(id) ?? (await findCustomer(id)),
    remember({ order: { id: orderId, merchantId, customerId }, payments }) {
      customers.add(orderId, { merchantId, customerId });
      for (const { id, provider, providerAccount } of payments)
        places.add(id, { id, orderId, merchantId, provider, providerAccount });
    },
  };
}

/** The newest facts, by the id of what they are about. */
class Newest<Fact> {
  readonly #facts = new Map<string, Fact>();

  get(id: string): Fact | undefined {
    return this.#facts.get(id);
  }

  add(id: string, fact: Fact): void {
    if (this.#facts.has(id)) return;
    const [oldest] = this.#facts.keys();
    if (this.#facts.size >= rememberedMax && oldest !== undefined) this.#facts.delete(oldest);
    this.#facts.set(id, fact);
  }
}
