import type { NewRule } from '../../sandbox/faults.ts';
import type { EventType } from '../../src/domain/event.ts';
import type { Failpoint } from '../../src/domain/failpoint.ts';
import type { CaptureMode, LatePaymentPolicy } from '../../src/domain/order.ts';
import type { PaymentFlow, PaymentMethod } from '../../src/domain/payment.ts';

/** One schedule: everything that is meant to happen, before any of it has. It follows from its seed alone. */
export type Schedule = {
  readonly seed: number;
  readonly latePaymentPolicy: LatePaymentPolicy;
  readonly orders: readonly OrderPlan[];
  readonly weather: Weather;
  readonly steps: readonly Step[];
};

export type OrderPlan = {
  readonly currency: string;
  /** In Stripe's units and in ours: the currencies are those where the two are the same. */
  readonly amountMinor: bigint;
  readonly captureMode: CaptureMode;
  readonly expiresInSeconds: number;
  /** By what it is paid, unless its story says otherwise. */
  readonly method: PaymentMethod;
};

/** What holds for the whole schedule. */
export type Weather = {
  /** No callback is ever sent, not even when all is quiet: the truth must be reached by asking. */
  readonly dropsEveryCallback: boolean;
  /** No question is answered before all is quiet: the truth must be reached by callbacks until then. */
  readonly failsEveryQuery: boolean;
  /** Notifications between nodes are lost with this probability. */
  readonly losesWakes: number;
  /** With this probability a node pauses at a failpoint, so that others come in between. Only where they can: on PostgreSQL. */
  readonly pauses: number;
  /** Refunds that the provider keeps pending are decided once all is quiet; otherwise never, and a person must look. */
  readonly decidesRefunds: boolean;
  /** Once all is quiet, timers are late by up to hours, as after an outage, or come on time. */
  readonly timersAreLate: boolean;
};

/** Which payment of an order: by when it was started. */
export type PaymentRef = 'last' | 'previous' | 'first';

/** When a client that heard nothing repeats its call: right away, when the lease of whoever died is over, after a day, or never. */
export type Repeat = 'at once' | 'after the lease' | 'after a day' | 'never';

/** The client's call. `key` counts the intents of its kind and order; the same key again is the same intent, unless `spoils` it. */
type Call = {
  readonly order: number;
  readonly node: number;
  readonly key: number;
  /** The same key with other input, which must be refused. */
  readonly spoils: boolean;
  readonly repeat: Repeat;
};

export type Step =
  | ({ readonly kind: 'create' } & Call)
  | ({ readonly kind: 'pay'; readonly method: PaymentMethod; readonly flow: PaymentFlow } & Call)
  | ({ readonly kind: 'capture'; readonly payment: PaymentRef; readonly share: number } & Call)
  | ({ readonly kind: 'refund'; readonly payment: PaymentRef; readonly share: number } & Call)
  | { readonly kind: 'cancelOrder'; readonly order: number; readonly node: number }
  | { readonly kind: 'cancelPayment'; readonly order: number; readonly payment: PaymentRef; readonly node: number }
  | { readonly kind: 'refresh'; readonly order: number; readonly payment: PaymentRef; readonly node: number }
  | {
      readonly kind: 'resolve';
      readonly order: number;
      readonly node: number;
      readonly latePayment: 'ACCEPT' | 'REFUND' | null;
      /** The operator says as well what they read in the provider's console. */
      readonly tellsFacts: boolean;
    }
  /** The buyer presses Pay on a page of this payment. */
  | {
      readonly kind: 'buy';
      readonly order: number;
      readonly payment: PaymentRef;
      readonly card: Card;
      readonly page: Page;
    }
  /** The buyer scans the code, or comes to the cashier; and goes away again. Cards know no such thing. */
  | { readonly kind: 'open' | 'leave'; readonly order: number; readonly payment: PaymentRef }
  /** The buyer comes back from their bank's page. */
  | { readonly kind: 'authenticate'; readonly order: number; readonly payment: PaymentRef; readonly passes: boolean }
  | {
      readonly kind: 'console';
      readonly order: number;
      readonly payment: PaymentRef;
      readonly deed: ConsoleDeed;
      readonly share: number;
    }
  /** Time goes on: callbacks that are due go out, and whatever the provider has planned happens. */
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'sweep'; readonly node: number }
  | { readonly kind: 'redeliver'; readonly nth: number }
  | { readonly kind: 'fault'; readonly rules: readonly FaultRule[] }
  | { readonly kind: 'clearFaults' }
  /** From now on the node dies when it passes the failpoint for the nth time. */
  | { readonly kind: 'crash'; readonly node: number; readonly failpoint: Failpoint; readonly nth: number }
  | { readonly kind: 'kill'; readonly node: number }
  /** An operator takes a provider out of the configuration, or puts back what was taken out, and restarts the nodes. */
  | { readonly kind: 'retire'; readonly method: PaymentMethod }
  | { readonly kind: 'restore' }
  /** From now on the node's nth statement fails, or the answer to its nth commit is lost. */
  | { readonly kind: 'spoil'; readonly node: number; readonly what: 'statement' | 'commit'; readonly nth: number }
  | {
      readonly kind: 'follow';
      readonly subscriber: number;
      readonly node: number;
      /** An order, or null for all of the merchant's. */
      readonly order: number | null;
      /** How far back, as a share of the events so far; 1 is now. */
      readonly from: number;
      readonly types: readonly EventType[] | null;
    }
  | { readonly kind: 'hangUp'; readonly subscriber: number }
  | { readonly kind: 'comeBack'; readonly subscriber: number; readonly node: number }
  /** All at once. */
  | { readonly kind: 'together'; readonly steps: readonly Step[] };

export type StepKind = Step['kind'];

/** A call under an idempotency key. */
export type KeyedStep = Extract<Step, Call>;

export function isKeyed(step: Step): step is KeyedStep {
  return 'key' in step;
}

/** How the names of failpoints begin that a step, or what follows it, is likely to pass. */
export const failpointsOf: Readonly<Partial<Record<StepKind, string>>> = {
  create: 'create.',
  pay: 'pay.',
  capture: 'capture.',
  refund: 'refund.',
  cancelOrder: 'close.',
  cancelPayment: 'close.',
  refresh: 'check.',
  sweep: 'check.',
  resolve: 'review.',
  buy: 'callback.',
  open: 'check.',
  console: 'callback.',
  pass: 'callback.',
};

export const cards = [
  ...(['visa', 'chargeDeclined', 'authenticationRequired', 'threeDSecureRequiredChargeDeclined'] as const),
  ...(['pendingRefund', 'refundFail', 'chargeDeclinedInsufficientFunds'] as const),
] as const;
export type Card = (typeof cards)[number];

/** The cards that are no use. */
export function isDeclined(card: Card): boolean {
  return card.includes('Declined');
}

/** Of the pages of a payment, when it has had several: those that were renewed may still be open. */
export type Page = 'newest' | 'oldest';

export const consoleDeeds = [
  ...(['refund', 'failRefund', 'decideRefund', 'lapse', 'succeed', 'finish', 'finishFailed', 'close'] as const),
  ...(['finishTrade', 'refundTwin'] as const),
] as const;
export type ConsoleDeed = (typeof consoleDeeds)[number];

/** A rule as the sandbox's control API takes it. */
export type FaultRule = {
  readonly fault: NewRule['fault'];
  readonly target?: NewRule['target'];
  readonly match?: NewRule['match'];
  readonly times?: number;
  readonly probability?: number;
  readonly ms?: number;
  readonly count?: number;
};

/** The instant at which every schedule begins. */
export const startsAt = new Date('2030-01-01T00:00:00.000Z');
