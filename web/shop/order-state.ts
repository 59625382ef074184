import type { ShopOrder } from './operations.ts';

/** What the customer is told of an order in one word. `LATE`: the money came after the order was canceled or had expired. */
export type OrderState = ShopOrder['paymentStatus'] | 'CANCELED' | 'EXPIRED' | 'LATE';

export function stateOf({ status, paymentStatus }: Pick<ShopOrder, 'status' | 'paymentStatus'>): OrderState {
  if (status !== 'CANCELED' && status !== 'EXPIRED') return paymentStatus;
  switch (paymentStatus) {
    case 'UNPAID':
      return status;
    case 'PENDING':
    case 'REFUNDED':
      return paymentStatus;
    case 'AUTHORIZED':
    case 'PAID':
    case 'OVERPAID':
    case 'PARTIALLY_PAID':
    case 'PARTIALLY_REFUNDED':
      return 'LATE';
  }
}

export function toneOf(state: OrderState): 'good' | 'info' | 'quiet' {
  switch (state) {
    case 'PAID':
    case 'OVERPAID':
    case 'AUTHORIZED':
      return 'good';
    case 'PENDING':
    case 'PARTIALLY_PAID':
    case 'PARTIALLY_REFUNDED':
    case 'REFUNDED':
    case 'LATE':
      return 'info';
    case 'UNPAID':
    case 'CANCELED':
    case 'EXPIRED':
      return 'quiet';
  }
}
