import type { AlipayLedger } from '../../sandbox/alipay/ledger-report.ts';
import type { ProviderLedgers } from '../../sandbox/server.ts';
import type { StripeLedger } from '../../sandbox/stripe/ledger-report.ts';
import type { StripeObject } from '../../sandbox/stripe/objects.ts';
import type { WechatpayLedger } from '../../sandbox/wechatpay/ledger-report.ts';
import type { PaymentStatus } from '../../src/domain/payment.ts';
import type { RefundStatus } from '../../src/domain/refund.ts';

/** The provider's record of one payment of ours. Amounts are in our units. */
export type PaymentAtProvider = {
  readonly paymentId: string;
  /** The provider's ids under which money was captured. */
  readonly names: readonly string[];
  readonly authorized: number;
  readonly captured: number;
  readonly refunded: number;
  readonly refundPending: number;
  /** The number of charges; more than one is a double charge. */
  readonly charges: number;
  /** The objects of which at most one may exist. */
  readonly objects: readonly { readonly name: string; readonly count: number }[];
  /** In words. */
  readonly state: string;
  /** The allowed final states of our payment. Empty when the payment could still be paid, which is not an allowed end. */
  readonly ends: readonly PaymentStatus[];
  /** True when it failed after its page was completed, so that no further attempt is possible. */
  readonly hasFailed: boolean;
  /** Objects that should have been closed at the end, for messages. */
  readonly leftOpen: readonly string[];
  /** Objects that can still bring money without a new action, for messages. */
  readonly open: readonly string[];
};

export type RefundAtProvider = {
  /** All ids of the refund at the provider. */
  readonly names: readonly string[];
  /** Our id; null for a refund that was made in the provider's console. */
  readonly ourId: string | null;
  /** True for a refund made by hand under one of our numbers: a second object beside ours. */
  readonly isTwin: boolean;
  readonly paymentId: string;
  readonly amount: number;
  readonly status: RefundStatus;
  /** The provider's name of its status. */
  readonly state: string;
  /**
   * How Paystream learns of the refund: because it made the refund or the provider lists it; only by a callback, for a console refund at a
   * provider that lists none; not before the refund is final; or only by a query that shows a full refund.
   */
  readonly heardOf: 'surely' | 'by callback' | 'later' | 'as a sum';
};

/** The ledgers of all providers in one form. */
export type LedgerView = {
  readonly payments: readonly PaymentAtProvider[];
  readonly refunds: readonly RefundAtProvider[];
};

export function viewOf({ stripe, alipay, wechatpay }: ProviderLedgers): LedgerView {
  const views = [
    viewOfStripe(stripe),
    ...(alipay === undefined ? [] : [viewOfAlipay(alipay)]),
    ...(wechatpay === undefined ? [] : [viewOfWechatpay(wechatpay)]),
  ];
  return { payments: views.flatMap(({ payments }) => payments), refunds: views.flatMap(({ refunds }) => refunds) };
}

/** The allowed states of a payment that its provider does not know. */
export const withoutTrace: readonly PaymentStatus[] = ['FAILED', 'CANCELED', 'EXPIRED'];

/** The factor between Stripe's units and those of ISO 4217, where they differ. */
export function stripeFactorOf(currency: string): number {
  return currency.toUpperCase() === 'ISK' ? 100 : 1;
}

const endsByIntent: Readonly<Record<string, readonly PaymentStatus[]>> = {
  requires_payment_method: [],
  requires_confirmation: [],
  requires_action: [],
  processing: ['PROCESSING'],
  requires_capture: ['AUTHORIZED'],
  succeeded: ['SUCCEEDED'],
  canceled: ['CANCELED', 'EXPIRED'],
};

const endsByStripeRefund: Readonly<Record<string, RefundStatus>> = {
  pending: 'PENDING',
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
  canceled: 'FAILED',
};

type StripeTruth = Pick<StripeLedger, 'paymentIntents' | 'checkoutSessions' | 'refunds' | 'totals'>;

export function viewOfStripe(ledger: StripeTruth): LedgerView {
  const { paymentIntents, checkoutSessions, refunds } = ledger;
  const ids = new Set([
    ...paymentIntents.flatMap((intent) => paymentIdOf(intent) ?? []),
    ...checkoutSessions.map((session) => String(session.client_reference_id)),
  ]);
  return {
    payments: [...ids].map((paymentId) => paymentAtStripe(ledger, paymentId)),
    refunds: refunds.map((refund) => ({
      names: [refund.id],
      ourId: refund.metadata.refund_id ?? null,
      isTwin: refund.origin === 'PROVIDER' && refund.metadata.refund_id !== undefined,
      paymentId: paymentIds(paymentIntents).get(String(refund.payment_intent)) ?? '',
      amount: refund.amount / stripeFactorOf(refund.currency),
      status: endsByStripeRefund[refund.status] ?? 'UNKNOWN',
      state: refund.status,
      heardOf: 'surely',
    })),
  };
}

function paymentAtStripe({ paymentIntents, checkoutSessions, totals }: StripeTruth, paymentId: string) {
  const intents = paymentIntents.filter((intent) => paymentIdOf(intent) === paymentId);
  const sessions = checkoutSessions.filter((session) => session.client_reference_id === paymentId);
  const openSessions = sessions.filter(({ status }) => status === 'open');
  const total = totals[paymentId];
  const factor = stripeFactorOf(total?.currency ?? '');
  const isOfSession = (intent: StripeObject): boolean =>
    sessions.some((session) => session.payment_intent === intent.id);
  const hasFailed = sessions.some(
    ({ status, payment_intent: intentId }) =>
      status === 'complete' &&
      intents.some(({ id, status }) => id === intentId && status === 'requires_payment_method'),
  );
  const ends = hasFailed ? ['FAILED' as const] : intents.flatMap(({ status }) => endsByIntent[String(status)] ?? []);
  return {
    paymentId,
    names: intents.filter(({ status }) => status === 'succeeded').map(({ id }) => String(id)),
    authorized: (total?.authorized ?? 0) / factor,
    captured: (total?.captured ?? 0) / factor,
    refunded: (total?.refunded ?? 0) / factor,
    refundPending: (total?.refundPending ?? 0) / factor,
    charges: total?.charges ?? 0,
    objects: [
      { name: 'PaymentIntents', count: intents.length },
      { name: 'Checkout Sessions', count: sessions.length },
    ],
    state: intents.length === 0 ? 'unknown' : intents.map(({ id, status }) => `${id} ${status}`).join(', '),
    ends: intents.length === 0 ? withoutTrace : ends,
    hasFailed,
    leftOpen: openSessions.map(({ id }) => `its session ${id} is still open`),
    open: [
      ...intents
        .filter((intent) => canBringMoney(intent, isOfSession(intent)))
        .map(({ id, status }) => `${id} is ${status}`),
      ...openSessions.map(({ id }) => `the session ${id} is open`),
    ],
  };
}

/** The PaymentIntent of a Checkout Session can only be paid on the session's page. */
function canBringMoney({ status }: StripeObject, isOfSession: boolean): boolean {
  if (status === 'processing' || status === 'requires_capture') return true;
  return status !== 'succeeded' && status !== 'canceled' && !isOfSession;
}

function paymentIds(intents: readonly StripeObject[]): ReadonlyMap<string, string> {
  return new Map(intents.flatMap((intent) => [[String(intent.id), paymentIdOf(intent) ?? '']] as const));
}

/** The payment id in the metadata of a PaymentIntent. */
export function paymentIdOf(intent: StripeObject): string | undefined {
  return (intent.metadata as Readonly<Record<string, string>>).payment_id;
}

/**
 * A link or code that nobody has opened is not a trade: it cannot be closed, so it does not count, whoever has it. A failed refund leaves no
 * object either, and its number can be used again.
 */
export function viewOfAlipay({ trades, refunds, totals }: AlipayLedger): LedgerView {
  // Alipay reports a full refund only for mobile payments.
  const isToldByStatusAlone = (paymentId: string): boolean =>
    trades.some(
      ({ outTradeNo, status, product }) => outTradeNo === paymentId && status === 'TRADE_CLOSED' && product !== 'wap',
    );
  return {
    payments: trades.map(({ outTradeNo: paymentId, tradeNo, status, paidAt }) => {
      const { captured = 0, refunded = 0, refundPending = 0, charges = 0 } = totals[paymentId] ?? {};
      const waits = status === 'WAIT_BUYER_PAY';
      return {
        ...{
          paymentId,
          names: paidAt === null ? [] : [tradeNo],
          authorized: 0,
          captured,
          refunded,
          refundPending,
          charges,
        },
        objects: [{ name: 'trades', count: totals[paymentId]?.trades ?? 0 }],
        state: status,
        hasFailed: false,
        ends: waits ? [] : paidAt === null ? ['CANCELED', 'EXPIRED'] : ['SUCCEEDED'],
        leftOpen: [],
        open: waits ? [`the trade ${tradeNo} is ${status}`] : [],
      };
    }),
    refunds: refunds
      .filter(({ status }) => status !== 'failed')
      .map(({ outTradeNo: paymentId, outRequestNo, amount, status, origin }) => ({
        ...{ names: [outRequestNo], ourId: origin === 'API' ? outRequestNo : null, isTwin: false, paymentId, amount },
        status: status === 'pending' ? 'PENDING' : 'SUCCEEDED',
        state: status,
        heardOf:
          origin === 'API'
            ? 'surely'
            : status === 'pending'
              ? 'later'
              : isToldByStatusAlone(paymentId)
                ? 'as a sum'
                : 'by callback',
      })),
  };
}

/** An abnormal refund is not final: the provider keeps its amount until someone resolves it, so our side keeps it reserved. */
const endsByWechatRefund: Readonly<Record<WechatpayLedger['refunds'][number]['status'], RefundStatus>> = {
  PROCESSING: 'PENDING',
  ABNORMAL: 'PENDING',
  SUCCESS: 'SUCCEEDED',
  CLOSED: 'FAILED',
};

const endsByWechatState: Readonly<
  Record<WechatpayLedger['transactions'][number]['trade_state'], readonly PaymentStatus[]>
> = {
  NOTPAY: [],
  USERPAYING: ['PROCESSING'],
  SUCCESS: ['SUCCEEDED'],
  REFUND: ['SUCCEEDED'],
  CLOSED: ['CANCELED', 'EXPIRED'],
};

export function viewOfWechatpay({ transactions, refunds, totals }: WechatpayLedger): LedgerView {
  const abnormalOf = (paymentId: string): number =>
    refunds
      .filter(({ outTradeNo, status }) => outTradeNo === paymentId && status === 'ABNORMAL')
      .reduce((sum, { amount }) => sum + amount, 0);
  return {
    payments: transactions.map((transaction) => {
      const { out_trade_no: paymentId, trade_state: state } = transaction;
      const { captured = 0, refunded = 0, refundPending = 0, charges = 0 } = totals[paymentId] ?? {};
      const isOpen = state === 'NOTPAY' || state === 'USERPAYING';
      const name = 'transaction_id' in transaction ? [String(transaction.transaction_id)] : [];
      return {
        ...{ paymentId, names: name, authorized: 0, captured, refunded, charges },
        refundPending: refundPending + abnormalOf(paymentId),
        objects: [{ name: 'transactions', count: totals[paymentId]?.transactions ?? 0 }],
        state,
        hasFailed: false,
        ends: endsByWechatState[state],
        leftOpen: [],
        open: isOpen ? [`it is ${state}`] : [],
      };
    }),
    refunds: refunds.map(({ id, outRefundNo, outTradeNo: paymentId, amount, status, origin }) => ({
      ...{ names: [id, outRefundNo], ourId: origin === 'API' ? outRefundNo : null, isTwin: false, paymentId, amount },
      status: endsByWechatRefund[status],
      state: status,
      heardOf: origin === 'API' ? 'surely' : status === 'PROCESSING' ? 'later' : 'by callback',
    })),
  };
}
