import type { NextAction, PaymentFlow, ProviderName } from '../../src/domain/payment.ts';
import type { PaymentReport, RefundReport } from '../../src/domain/report.ts';
import type {
  PaymentOrder,
  PaymentProvider,
  RefundName,
  WebhookDelivery,
  WebhookMessage,
} from '../../src/providers/provider.ts';
import type { BaseRig } from './contract-sandbox.ts';

/** A started payment with the state from its first answer. */
export type Started<R = ProviderRig> = {
  readonly rig: R;
  readonly order: PaymentOrder;
  readonly report: PaymentReport;
};

/** The sandbox's ledger entry of one of our payments. */
export type Truth = {
  /** The number of payable objects with our id. */
  readonly made: number;
  /** The number of times money was captured or authorized. */
  readonly charges: number;
  readonly capturedMinor: bigint;
  /** The refunded and the pending amounts. */
  readonly refundedMinor: bigint;
  readonly refunds: number;
};

/**
 * A provider as seen by its buyers, its console and its ledger. A refused action is visible in the ledger only and
 * throws nothing.
 */
export type ProviderRig = BaseRig & {
  /** The same adapter for another account. Genuine callbacks are foreign to it. */
  readonly stranger: PaymentProvider;
  /** The buyer opens the payment and does nothing yet. */
  visit(payment: Started): Promise<void>;
  pay(payment: Started): Promise<void>;
  truth(order: Pick<PaymentOrder, 'paymentId'>): Truth;
  /** Refunds in the provider's console, without our knowledge. */
  refundInConsole(payment: Started, amountMinor: bigint): Promise<RefundName>;
  /** Completes a pending refund. */
  endRefund(report: RefundReport, outcome: 'succeed' | 'fail'): Promise<void>;
};

/** Options of a rig: a key of ours that the provider does not accept. */
export type RigOptions = { readonly key?: 'another' };

/** Part of a report, with matchers for generated values. */
export type Says = Partial<Record<keyof PaymentReport, unknown>>;

export type FlowPromise = {
  readonly flow: PaymentFlow;
  /** Exactly the buyer fields that the flow requires. */
  readonly needs: Partial<Pick<PaymentOrder, 'returnUrl' | 'openId' | 'buyerIp'>>;
  readonly action: NextAction['kind'];
  /** Who creates the payment at the provider: the start call, or the buyer's visit. */
  readonly madeBy: 'start' | 'buyer';
  readonly started: Says;
  /** The complete next action. */
  readonly nextAction: object;
  /** True when each start renews the action; otherwise it stays the same. */
  readonly isRenewed: boolean;
  /** The names of the requests in the sandbox's fault rules. `start` is null when the start makes no request. */
  readonly operations: { readonly start: string | null; readonly query: string; readonly close: string };
};

/** `payable`: no payment exists, but a buyer can still create it. `gone`: nobody can. */
export type Answer = Says | 'payable' | 'gone';

/** A payment state, how it is reached, and the expected answers to a query and a close. */
export type PaymentState = {
  readonly state: string;
  readonly facts: Partial<PaymentOrder> & Pick<PaymentOrder, 'flow'>;
  readonly bring: (payment: Started) => Promise<unknown>;
  readonly says: Answer;
  readonly whenClosed: Answer;
  /**
   * The result when the buyer tries to pay after the close: no payment, or a payment because the close was not
   * possible.
   */
  readonly paidAfterwards?: 'nothing' | 'all';
};

/** A callback of the provider: its cause and its expected message. */
export type CallbackCase = {
  readonly type: string;
  readonly what: string;
  readonly facts: Partial<PaymentOrder> & Pick<PaymentOrder, 'flow'>;
  readonly bring: (payment: Started) => Promise<unknown>;
  readonly says: (
    payment: Started,
  ) => Partial<
    Record<
      keyof WebhookMessage | 'report' | 'reason' | 'isCreation' | 'paymentId' | 'providerPaymentId' | 'payment',
      unknown
    >
  >;
};

/**
 * The contract of one provider in terms of its protocol. Promises that are the same for all providers are in the kit.
 */
export type ProviderContract = {
  readonly name: ProviderName;
  readonly open: (options?: RigOptions) => Promise<ProviderRig>;
  readonly price: Pick<PaymentOrder, 'amountMinor' | 'currency'>;
  readonly flows: readonly [FlowPromise, ...FlowPromise[]];
  /** Offers that are refused without a call, and a word in the refusal. */
  readonly refusals: readonly [
    what: string,
    offer: Partial<Pick<PaymentOrder, 'amountMinor' | 'currency' | 'captureMode'>>,
    word: string,
  ][];
  /** The smallest and the largest payment, and amounts between them. */
  readonly amounts: readonly bigint[];
  readonly states: readonly PaymentState[];
  /**
   * The state of a failed refund: `PENDING` when it can still be completed manually, `notFound` when it leaves no
   * trace.
   */
  readonly failedRefund: 'FAILED' | 'PENDING' | 'notFound';
  readonly refundOperations: { readonly start: string; readonly query: string };
  /** Further faults of answers, by their names in the sandbox. For providers that sign answers: a wrong signature. */
  readonly spoiledAnswers: readonly string[];
  readonly callbacks: readonly CallbackCase[];
  /** A payment that causes a callback at once. */
  readonly callbackFlow: PaymentFlow;
  /** True when signatures have a timestamp, so that old ones are refused. */
  readonly isDated: boolean;
  /** A delivery without its signature. */
  readonly withoutSignature: (delivery: WebhookDelivery) => WebhookDelivery;
  /** Secrets and buyer data in plain text in callbacks; empty when callbacks are encrypted. */
  readonly withheld: readonly RegExp[];
  /**
   * The signed content and the signature as canonical text; null for a callback that cannot be genuine. The code shares
   * nothing with the adapter.
   */
  readonly signedContentOf: (sent: Pick<WebhookDelivery, 'headers' | 'body'>) => string | null;
};
