import { invalid, type StripeErrorBody } from './errors.ts';

/** A decline of the bank, in Stripe's words. */
export type Decline = { readonly code: string; readonly declineCode?: string; readonly message: string };

/** The outcome of a refund to a card. */
export type RefundOutcome = 'succeeds' | 'pending_then_succeeds' | 'succeeds_then_fails';

/** One of Stripe's test cards and its behaviour. */
export type TestCard = {
  readonly name: string;
  readonly number: string;
  readonly brand: string;
  /** The behaviour for the cashier's list: at most 22 characters, or a phone truncates it. */
  readonly label: string;
  readonly requiresAuthentication: boolean;
  readonly decline: Decline | null;
  readonly refundOutcome: RefundOutcome;
};

const declines = {
  generic_decline: { code: 'card_declined', declineCode: 'generic_decline', message: 'Your card was declined.' },
  insufficient_funds: {
    code: 'card_declined',
    declineCode: 'insufficient_funds',
    message: 'Your card has insufficient funds.',
  },
  lost_card: { code: 'card_declined', declineCode: 'lost_card', message: 'Your card was declined.' },
  stolen_card: { code: 'card_declined', declineCode: 'stolen_card', message: 'Your card was declined.' },
  fraudulent: { code: 'card_declined', declineCode: 'fraudulent', message: 'Your card was declined.' },
  velocity: {
    code: 'card_declined',
    declineCode: 'card_velocity_exceeded',
    message: 'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
  },
  live_card: {
    code: 'card_declined',
    declineCode: 'test_mode_live_card',
    message: 'Your card was declined. Your request was in test mode, but used a non test card.',
  },
  expired_card: { code: 'expired_card', message: 'Your card has expired.' },
  incorrect_cvc: { code: 'incorrect_cvc', message: "Your card's security code is incorrect." },
  processing_error: {
    code: 'processing_error',
    message: 'An error occurred while processing your card. Try again in a little bit.',
  },
  incorrect_number: { code: 'incorrect_number', message: 'Your card number is incorrect.' },
  authentication_required: {
    code: 'authentication_required',
    declineCode: 'authentication_required',
    message: 'Your card was declined. This transaction requires authentication.',
  },
} as const satisfies Record<string, Decline>;

/** The bank requires authentication, but the buyer is off-session. */
export const authenticationRequired: Decline = declines.authentication_required;

function card(name: string, number: string, label: string, behaviour: Partial<TestCard> = {}): TestCard {
  return {
    name,
    number,
    label,
    brand: 'visa',
    requiresAuthentication: false,
    decline: null,
    refundOutcome: 'succeeds',
    ...behaviour,
  };
}

const threeDSecure = { requiresAuthentication: true } as const;

/** The PaymentMethod of each card is `pm_card_<name>`. The cashier offers the first ten. */
export const testCards: readonly TestCard[] = [
  card('visa', '4242424242424242', 'Succeeds'),
  card('chargeDeclined', '4000000000000002', 'Declined by the bank', { decline: declines.generic_decline }),
  card('chargeDeclinedInsufficientFunds', '4000000000009995', 'Insufficient funds', {
    decline: declines.insufficient_funds,
  }),
  card('authenticationRequired', '4000002500003155', '3-D Secure, succeeds', threeDSecure),
  card('threeDSecureRequiredChargeDeclined', '4000008400001629', '3-D Secure, declined', {
    ...threeDSecure,
    decline: declines.generic_decline,
  }),
  card('chargeDeclinedExpiredCard', '4000000000000069', 'Expired card', { decline: declines.expired_card }),
  card('chargeDeclinedIncorrectCvc', '4000000000000127', 'Wrong security code', {
    decline: declines.incorrect_cvc,
  }),
  card('chargeDeclinedProcessingError', '4000000000000119', 'Processing error', {
    decline: declines.processing_error,
  }),
  card('pendingRefund', '4000000000007726', 'Refunds pending first', {
    refundOutcome: 'pending_then_succeeds',
  }),
  card('refundFail', '4000000000005126', 'Refunds fail later', { refundOutcome: 'succeeds_then_fails' }),
  card('threeDSecure2Required', '4000000000003220', '3-D Secure 2, succeeds', threeDSecure),
  card('threeDSecureRequired', '4000000000003063', '3-D Secure, succeeds', threeDSecure),
  card('authenticationRequiredChargeDeclinedInsufficientFunds', '4000008260003178', '3-D Secure, no funds', {
    ...threeDSecure,
    decline: declines.insufficient_funds,
  }),
  card('chargeDeclinedLostCard', '4000000000009987', 'Declined: lost', { decline: declines.lost_card }),
  card('chargeDeclinedStolenCard', '4000000000009979', 'Declined: stolen', { decline: declines.stolen_card }),
  card('chargeDeclinedFraudulent', '4100000000000019', 'Declined: fraud', { decline: declines.fraudulent }),
  card('chargeDeclinedVelocityLimitExceeded', '4000000000006975', 'Declined: too often', {
    decline: declines.velocity,
  }),
  card('visa_debit', '4000056655665556', 'Succeeds'),
  card('mastercard', '5555555555554444', 'Succeeds', { brand: 'mastercard' }),
  card('mastercard_debit', '5200828282828210', 'Succeeds', { brand: 'mastercard' }),
  card('amex', '378282246310005', 'Succeeds', { brand: 'amex' }),
  card('discover', '6011111111111117', 'Succeeds', { brand: 'discover' }),
  card('jcb', '3566002020360505', 'Succeeds', { brand: 'jcb' }),
  card('unionpay', '6200000000000005', 'Succeeds', { brand: 'unionpay' }),
];

/** The cards in the cashier's list. */
export const offeredCards = testCards.slice(0, 10);

const byName = new Map(testCards.map((known) => [known.name, known]));
const byNumber = new Map(testCards.map((known) => [known.number, known]));

/** These stand for all other numbers: the charge is declined, and no digit of the number is stored. */
const liveCard = card('liveCard', '0000', 'Not a test card', { decline: declines.live_card });
const invalidCard = card('misspeltCard', '0000', 'Not a card', { decline: declines.incorrect_number });

/** @throws {StripeRefusal} `resource_missing` for a PaymentMethod that does not belong to a test card. */
export function cardOfPaymentMethod(id: string, param: string): TestCard {
  const name = id.replace(/^pm_card_(visa_(?=chargeDeclined))?/, '');
  const found = id.startsWith('pm_card_') ? byName.get(name) : undefined;
  if (!found) throw invalid(`No such PaymentMethod: '${id.slice(0, 100)}'`, param, 'resource_missing');
  return found;
}

export function cardOfNumber(number: string): TestCard {
  const digits = number.replace(/[ -]/g, '');
  return byNumber.get(digits) ?? (isLuhn(digits) ? liveCard : invalidCard);
}

/** The card of a row of the ledger. */
export function cardNamed(name: string): TestCard {
  return name === invalidCard.name ? invalidCard : (byName.get(name) ?? liveCard);
}

export function declineError(decline: Decline): StripeErrorBody {
  return { type: 'card_error', code: decline.code, decline_code: decline.declineCode, message: decline.message };
}

function isLuhn(digits: string): boolean {
  if (!/^\d{12,19}$/.test(digits)) return false;
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}
