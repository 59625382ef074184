import type { AlipayLedger } from '../../sandbox/alipay/ground-truth.ts';
import type { ProviderLedgers } from '../../sandbox/server.ts';
import type { StripeLedger } from '../../sandbox/stripe/ground-truth.ts';
import type { StripeObject } from '../../sandbox/stripe/objects.ts';
import type { WechatpayLedger } from '../../sandbox/wechatpay/ground-truth.ts';
import type { PaymentStatus } from '../../src/domain/payment.ts';
import type { RefundStatus } from '../../src/domain/refund.ts';

/** What a provider holds of one payment of ours. Amounts are in our units. */
export type PaymentAtProvider = {
  readonly paymentId: string;
  /** The provider's names for it: those that money was taken under. */
  readonly names: readonly string[];
  readonly authorized: number;
  readonly captured: number;
  readonly refunded: number;
  readonly refundPending: number;
  /** Times that money was taken; more than one is a double charge. */
  readonly charges: number;
  /** What must be there once at most. */
  readonly objects: readonly { readonly name: string; readonly count: number }[];
  /** In words. */
  readonly state: string;
  /** What the payment can be with us once all is quiet. Empty: what could still be paid is nothing to end with. */
  readonly ends: readonly PaymentStatus[];
  /** It has failed there, after the page on which it was to be paid was done with, and cannot be tried again. */
  readonly hasFailed: boolean;
  /** What should have been closed once all is quiet, in words. */
  readonly leftOpen: readonly string[];
  /** What can bring money without anybody starting anything new, in words. */
  readonly open: readonly string[];
};

export type RefundAtProvider = {
  /** Every name that it goes by there. */
  readonly names: readonly string[];
  /** Our id; null for one that was made in the provider's console. */
  readonly ourId: string | null;
  /** Made by hand, under a number of ours: a second object beside the one that we asked for. */
  readonly isTwin: boolean;
  readonly paymentId: string;
  readonly amount: number;
  readonly status: RefundStatus;
  /** The provider's own word for its status. */
  readonly state: string;
  /**
   * How we hear of it: because we asked for it or the provider lists it; by a callback alone, where it was made in the console of a provider
   * that lists none; not before it is over; or perhaps by nothing but that all of the payment is gone.
   */
  readonly heardOf: 'surely' | 'by callback' | 'later' | 'as a sum';
};

/** The truth of all providers, in one form. */
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

/** What a payment may be of which its provider holds nothing. */
export const withoutTrace: readonly PaymentStatus[] = ['FAILED', 'CANCELED', 'EXPIRED'];

/** Where Stripe counts in other units than ISO 4217, and so we: by how much more. */
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

/** A Checkout Session's PaymentIntent is paid on the session's page alone. */
function canBringMoney({ status }: StripeObject, isOfSession: boolean): boolean {
  if (status === 'processing' || status === 'requires_capture') return true;
  return status !== 'succeeded' && status !== 'canceled' && !isOfSession;
}

function paymentIds(intents: readonly StripeObject[]): ReadonlyMap<string, string> {
  return new Map(intents.flatMap((intent) => [[String(intent.id), paymentIdOf(intent) ?? '']] as const));
}

/** Which payment of ours a PaymentIntent says it is. */
export function paymentIdOf(intent: StripeObject): string | undefined {
  return (intent.metadata as Readonly<Record<string, string>>).payment_id;
}

/**
 * A link or a code that nobody has opened is no trade: nobody can close it, so it counts as nothing, whoever holds it. A refund that
 * failed has left nothing behind either, and its number is free again.
 */
export function viewOfAlipay({ trades, refunds, totals }: AlipayLedger): LedgerView {
  // That all of it went back is told of payments on a phone only.
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

/** An abnormal refund is not over: its amount stays away from the payment until somebody puts it right, and so it stays set aside by us. */
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
