import { cardNamed } from './cards.ts';
import type {
  BalanceTransactionRow,
  ChargeRow,
  EventRow,
  IntentRow,
  LastError,
  RefundRow,
  StripeState,
} from './state.ts';

/** A JSON object of the API. */
export type StripeObject = Readonly<Record<string, unknown>>;

/** The only API version that the sandbox supports. */
export const apiVersion = '2026-10-28.endive';

export function intentObject(stripe: StripeState, row: IntentRow): StripeObject {
  return {
    id: row.id,
    object: 'payment_intent',
    allowed_payment_method_types: row.allowedTypes,
    amount: row.amount,
    amount_capturable: row.amountCapturable,
    amount_received: row.amountReceived,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: row.allowedTypes === null ? { allow_redirects: 'always', enabled: true } : null,
    canceled_at: row.canceledAt,
    cancellation_reason: row.cancellationReason,
    capture_method: row.captureMethod,
    client_secret: row.clientSecret,
    confirmation_method: 'automatic',
    created: row.created,
    currency: row.currency,
    customer: null,
    customer_account: null,
    description: row.description,
    excluded_payment_method_types: null,
    last_payment_error: row.lastError ? lastErrorObject(row.lastError, row) : null,
    latest_charge: row.latestCharge,
    livemode: false,
    managed_payments: null,
    metadata: row.metadata,
    next_action: nextAction(stripe, row),
    on_behalf_of: null,
    payment_method: row.paymentMethod,
    payment_method_configuration_details: null,
    payment_method_options: { card: { installments: null, network: null, request_three_d_secure: 'automatic' } },
    payment_method_types: row.allowedTypes ?? ['card'],
    payment_record: null,
    processing: null,
    receipt_email: row.receiptEmail,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: row.status,
    transfer_data: null,
    transfer_group: null,
    ...row.echoed,
  };
}

const publicFields = [
  'id',
  'object',
  'amount',
  'automatic_payment_methods',
  'canceled_at',
  'cancellation_reason',
  'capture_method',
  'client_secret',
  'confirmation_method',
  'created',
  'currency',
  'description',
  'last_payment_error',
  'livemode',
  'next_action',
  'payment_method',
  'payment_method_types',
  'processing',
  'receipt_email',
  'setup_future_usage',
  'shipping',
  'source',
  'status',
] as const;

/** The intent for the holder of its client secret: without metadata and charge. */
export function publicIntentObject(stripe: StripeState, row: IntentRow): StripeObject {
  const whole = intentObject(stripe, row);
  return Object.fromEntries(publicFields.map((field) => [field, whole[field]]));
}

export function authenticationUrl(stripe: StripeState, row: IntentRow): string {
  return `${stripe.baseUrl()}/cashier/3ds/${row.id}?client_secret=${encodeURIComponent(row.clientSecret)}`;
}

export function chargeObject(stripe: StripeState, row: ChargeRow): StripeObject {
  const intent = stripe.intents.get(row.intent);
  const failed = row.status === 'failed';
  return {
    id: row.id,
    object: 'charge',
    amount: row.amount,
    amount_captured: row.amountCaptured,
    amount_refunded: row.released ? row.amount : row.amountRefunded,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: row.balanceTransaction,
    billing_details: emptyBilling,
    calculated_statement_descriptor: 'PAYSTREAM SANDBOX',
    captured: row.captured,
    created: row.created,
    currency: row.currency,
    customer: null,
    description: intent?.description ?? null,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: row.failureCode,
    failure_message: row.failureMessage,
    fraud_details: {},
    livemode: false,
    metadata: intent?.metadata ?? {},
    on_behalf_of: null,
    outcome: {
      network_status: failed ? 'declined_by_network' : 'approved_by_network',
      reason: row.declineCode,
      risk_level: 'normal',
      risk_score: 12,
      seller_message: failed ? 'The bank did not return any further details with this decline.' : 'Payment complete.',
      type: failed ? 'issuer_declined' : 'authorized',
    },
    paid: !failed,
    payment_intent: row.intent,
    payment_method: row.paymentMethod,
    payment_method_details: { card: cardObject(row.card), type: 'card' },
    receipt_email: intent?.receiptEmail ?? null,
    receipt_number: null,
    receipt_url: null,
    refunded: row.released || (row.captured && row.amountRefunded === row.amountCaptured),
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: row.status,
    transfer_data: null,
    transfer_group: null,
  };
}

export function refundObject(row: RefundRow): StripeObject {
  return {
    id: row.id,
    object: 'refund',
    amount: row.amount,
    balance_transaction: row.balanceTransaction,
    charge: row.charge,
    created: row.created,
    currency: row.currency,
    customer: null,
    customer_account: null,
    destination_details: {
      card: { reference_status: 'pending', reference_type: 'acquirer_reference_number', type: 'refund' },
      type: 'card',
    },
    ...(row.status === 'failed' && {
      failure_balance_transaction: row.failureBalanceTransaction,
      failure_reason: row.failureReason ?? 'unknown',
    }),
    metadata: row.metadata,
    payment_intent: row.intent,
    payment_method: null,
    ...(row.status === 'pending' && { pending_reason: 'processing' }),
    reason: row.reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status: row.status,
    transfer_reversal: null,
  };
}

export function balanceTransactionObject(row: BalanceTransactionRow): StripeObject {
  return {
    id: row.id,
    object: 'balance_transaction',
    amount: row.amount,
    available_on: row.created,
    balance_type: 'payments',
    created: row.created,
    currency: row.currency,
    description: row.description,
    exchange_rate: null,
    fee: row.fee,
    fee_details:
      row.fee === 0
        ? []
        : [
            {
              amount: row.fee,
              application: null,
              currency: row.currency,
              description: 'Stripe processing fees',
              type: 'stripe_fee',
            },
          ],
    net: row.amount - row.fee,
    reporting_category: row.type,
    source: row.source,
    status: 'available',
    type: row.type,
  };
}

export function eventObject(row: EventRow): StripeObject {
  return JSON.parse(row.body) as StripeObject; // recordEvent wrote it from a StripeObject
}

export function paymentMethodObject(id: string, cardName: string, created: number): StripeObject {
  return {
    id,
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: emptyBilling,
    card: cardObject(cardName),
    created,
    customer: null,
    livemode: false,
    metadata: {},
    type: 'card',
  };
}

const emptyAddress = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };
export const emptyBilling = { address: emptyAddress, email: null, name: null, phone: null, tax_id: null };

function cardObject(name: string): StripeObject {
  const card = cardNamed(name);
  return {
    brand: card.brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
    country: 'US',
    exp_month: 12,
    exp_year: 2034,
    funding: 'credit',
    last4: card.number.slice(-4),
    network: card.brand,
    three_d_secure: null,
    wallet: null,
  };
}

function lastErrorObject(error: LastError, row: IntentRow): StripeObject {
  return {
    ...(error.charge !== null && { charge: error.charge }),
    code: error.code,
    ...(error.declineCode !== null && { decline_code: error.declineCode }),
    doc_url: `https://stripe.com/docs/error-codes/${error.code.replaceAll('_', '-')}`,
    message: error.message,
    ...(error.card !== null && {
      payment_method: paymentMethodObject(`pm_of_${error.charge ?? row.id}`, error.card, row.created),
    }),
    type: error.type,
  };
}

function nextAction(stripe: StripeState, row: IntentRow): StripeObject | null {
  if (row.status !== 'requires_action') return null;
  return {
    redirect_to_url: { return_url: row.returnUrl, url: authenticationUrl(stripe, row) },
    type: 'redirect_to_url',
  };
}
