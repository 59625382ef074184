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

/** A payment that was started, and held as its first answer told. */
export type Started<R = ProviderRig> = {
  readonly rig: R;
  readonly order: PaymentOrder;
  readonly report: PaymentReport;
};

/** What the sandbox's ledger holds of one payment of ours. */
export type Truth = {
  /** How many things to be paid there are under our id. */
  readonly made: number;
  /** How often money was taken or held. */
  readonly charges: number;
  readonly capturedMinor: bigint;
  /** What went back, and what is on its way back. */
  readonly refundedMinor: bigint;
  readonly refunds: number;
};

/** A provider as its buyers, its console and its ledger see it. What is not taken says so in the ledger alone, and throws nothing. */
export type ProviderRig = BaseRig & {
  /** The same adapter, configured for another account of the provider: genuine callbacks are none of its business. */
  readonly stranger: PaymentProvider;
  /** The buyer comes to where the payment sends them, and does nothing yet. */
  visit(payment: Started): Promise<void>;
  pay(payment: Started): Promise<void>;
  truth(order: Pick<PaymentOrder, 'paymentId'>): Truth;
  /** Gives back in the provider's console, behind our back. */
  refundInConsole(payment: Started, amountMinor: bigint): Promise<RefundName>;
  /** Ends a refund that is pending. */
  endRefund(report: RefundReport, outcome: 'succeed' | 'fail'): Promise<void>;
};

/** How a rig may be opened otherwise: with a key of ours that the provider does not accept. */
export type RigOptions = { readonly key?: 'another' };

/** Part of a report, with matchers for what is made up as it goes. */
export type Says = Partial<Record<keyof PaymentReport, unknown>>;

export type FlowPromise = {
  readonly flow: PaymentFlow;
  /** Exactly what the flow needs of the buyer. */
  readonly needs: Partial<Pick<PaymentOrder, 'returnUrl' | 'openId' | 'buyerIp'>>;
  readonly action: NextAction['kind'];
  /** Who brings the payment into being at the provider: the call that starts it, or the buyer who visits. */
  readonly madeBy: 'start' | 'buyer';
  readonly started: Says;
  /** The action itself, in the whole of its shape. */
  readonly nextAction: object;
  /** The action is renewed by each start; else it is the same. */
  readonly isRenewed: boolean;
  /** What the sandbox's fault rules call the requests. `start` is null where nobody is asked. */
  readonly operations: { readonly start: string | null; readonly query: string; readonly close: string };
};

/** `payable`: nothing exists, and a buyer could still bring it into being; `gone`: nobody can. */
export type Answer = Says | 'payable' | 'gone';

/** A state that a payment can be in, how it comes there, and what is said of it when it is asked about and when it is closed. */
export type PaymentState = {
  readonly state: string;
  readonly facts: Partial<PaymentOrder> & Pick<PaymentOrder, 'flow'>;
  readonly bring: (payment: Started) => Promise<unknown>;
  readonly says: Answer;
  readonly whenClosed: Answer;
  /** After closing, a buyer who tries to pay: pays nothing, or pays all the same because nobody could close it. */
  readonly paidAfterwards?: 'nothing' | 'all';
};

/** A callback that the provider sends: what brings it about, and what the adapter reads in it. */
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

/** What one provider promises, in the words of its own protocol. The promises that are the same for all are in the kit. */
export type ProviderContract = {
  readonly name: ProviderName;
  readonly open: (options?: RigOptions) => Promise<ProviderRig>;
  readonly price: Pick<PaymentOrder, 'amountMinor' | 'currency'>;
  readonly flows: readonly [FlowPromise, ...FlowPromise[]];
  /** Offers that are refused beforehand, and a word that the sentence has. */
  readonly refusals: readonly [
    what: string,
    offer: Partial<Pick<PaymentOrder, 'amountMinor' | 'currency' | 'captureMode'>>,
    word: string,
  ][];
  /** The least and the most that can be paid, and what lies between. */
  readonly amounts: readonly bigint[];
  readonly states: readonly PaymentState[];
  /** What is told of a refund that failed; `PENDING` where somebody may still put it right, `notFound` where it has left nothing behind. */
  readonly failedRefund: 'FAILED' | 'PENDING' | 'notFound';
  readonly refundOperations: { readonly start: string; readonly query: string };
  /** What else than silence can be wrong with an answer, by the names of the sandbox's faults: where the provider signs, its signature. */
  readonly spoiledAnswers: readonly string[];
  readonly callbacks: readonly CallbackCase[];
  /** A payment of which a callback comes at once. */
  readonly callbackFlow: PaymentFlow;
  /** Signatures name their time, so that an old one is refused. */
  readonly isDated: boolean;
  /** A delivery that lost its signature. */
  readonly withoutSignature: (delivery: WebhookDelivery) => WebhookDelivery;
  /** Secrets and buyers' data that its callbacks hold in the clear, by how they are written; none where they are sealed. */
  readonly withheld: readonly RegExp[];
  /**
   * What the signature covers and the signature itself, in one text that is the same for every way to write the same; null for what
   * cannot be genuine. By code that shares nothing with the adapter.
   */
  readonly signedContentOf: (sent: Pick<WebhookDelivery, 'headers' | 'body'>) => string | null;
};
