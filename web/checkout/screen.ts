import type { CheckoutOrder, CheckoutPayment } from './order.ts';

/** What became of the buyer's money. `late` and `lateAuthorized`: it came after the order was canceled or had expired. */
export type Outcome = 'paid' | 'authorized' | 'refunded' | 'late' | 'lateAuthorized';

/** What the checkout shows of an order. Everything follows from the order as the server tells it, so a reload shows the same. */
export type Screen =
  | { readonly kind: 'choose'; readonly failed: CheckoutPayment | null }
  /** The buyer has to act: see `payment.nextAction`. */
  | { readonly kind: 'act'; readonly payment: CheckoutPayment }
  | { readonly kind: 'starting'; readonly payment: CheckoutPayment }
  | { readonly kind: 'waiting'; readonly payment: CheckoutPayment }
  | {
      readonly kind: 'done';
      readonly outcome: Outcome;
      readonly payment: CheckoutPayment | null;
    }
  | { readonly kind: 'over'; readonly reason: 'canceled' | 'expired' | 'closing' };

/**
 * @param isChoosing the buyer wants another method than that of the payment that waits for them. The payment stays until another one starts.
 * @param isTimeUp the time to pay is over, whether the server has said so already or not.
 */
export function screenOf(order: CheckoutOrder, isChoosing: boolean, isTimeUp: boolean): Screen {
  switch (order.status) {
    case 'CONFIRMED':
      return { kind: 'done', outcome: outcomeOf(order), payment: paidPayment(order) };
    case 'CANCELED':
      return closedScreen(order, 'canceled');
    case 'EXPIRED':
      return closedScreen(order, 'expired');
    case 'CLOSING':
      return { kind: 'over', reason: 'closing' };
    case 'OPEN':
      return openScreen(order, isChoosing, isTimeUp);
  }
}

/** A provider can report money after the order was closed. Then its merchant's policy, or a person, decides what becomes of it. */
function closedScreen(order: CheckoutOrder, reason: 'canceled' | 'expired'): Screen {
  const late = (outcome: Outcome): Screen => ({ kind: 'done', outcome, payment: paidPayment(order) });
  switch (order.paymentStatus) {
    case 'UNPAID':
      return { kind: 'over', reason };
    case 'PENDING':
      return { kind: 'over', reason: 'closing' };
    case 'REFUNDED':
      return late('refunded');
    case 'AUTHORIZED':
      return late('lateAuthorized');
    case 'PAID':
    case 'OVERPAID':
    case 'PARTIALLY_PAID':
    case 'PARTIALLY_REFUNDED':
      return late('late');
  }
}

function openScreen({ payments }: CheckoutOrder, isChoosing: boolean, isTimeUp: boolean): Screen {
  const live = payments.findLast((payment) => stageOf(payment) !== 'over');
  const stage = live === undefined ? 'over' : stageOf(live);
  if (live !== undefined && stage === 'waiting') return { kind: 'waiting', payment: live };
  if (isTimeUp) return { kind: 'over', reason: 'closing' };
  if (live !== undefined && !isChoosing) {
    if (stage === 'acting' && live.nextAction !== null) return { kind: 'act', payment: live };
    if (stage === 'starting' || stage === 'acting') return { kind: 'starting', payment: live };
  }
  const last = payments.at(-1);
  return { kind: 'choose', failed: last?.status === 'FAILED' || last?.status === 'EXPIRED' ? last : null };
}

type Stage = 'starting' | 'acting' | 'waiting' | 'over';

function stageOf({ status }: CheckoutPayment): Stage {
  switch (status) {
    case 'SUBMITTING':
      return 'starting';
    case 'ACTION_REQUIRED':
      return 'acting';
    // The money may be on its way, also when an amount was captured that does not pay the order: nobody may pay again now.
    case 'PROCESSING':
    case 'UNKNOWN':
    case 'AUTHORIZED':
    case 'SUCCEEDED':
      return 'waiting';
    // Closed by a payment with another method, which comes after it.
    case 'CANCELING':
    case 'FAILED':
    case 'CANCELED':
    case 'EXPIRED':
      return 'over';
  }
}

function outcomeOf({ paymentStatus }: CheckoutOrder): Outcome {
  switch (paymentStatus) {
    case 'AUTHORIZED':
      return 'authorized';
    case 'REFUNDED':
      return 'refunded';
    case 'PAID':
    case 'OVERPAID':
    case 'PARTIALLY_PAID':
    case 'PARTIALLY_REFUNDED':
    case 'PENDING':
    case 'UNPAID':
      return 'paid';
  }
}

function paidPayment({ payments }: CheckoutOrder): CheckoutPayment | null {
  return payments.findLast(({ status }) => status === 'SUCCEEDED' || status === 'AUTHORIZED') ?? null;
}
