import type { NewRule } from '../../sandbox/faults.ts';
import type { EventType } from '../../src/domain/event.ts';
import type { Failpoint } from '../../src/domain/failpoint.ts';
import type { CaptureMode, LatePaymentPolicy } from '../../src/domain/order.ts';
import type { PaymentFlow, PaymentMethod } from '../../src/domain/payment.ts';

/** A complete plan of one run. It is determined by its seed alone. */
export type Schedule = {
  readonly seed: number;
  readonly latePaymentPolicy: LatePaymentPolicy;
  readonly orders: readonly OrderPlan[];
  readonly weather: Weather;
  readonly steps: readonly Step[];
};

export type OrderPlan = {
  readonly currency: string;
  /** In minor units. Only currencies are used in which Stripe's units equal ours. */
  readonly amountMinor: bigint;
  readonly captureMode: CaptureMode;
  readonly expiresInSeconds: number;
  /** The payment method, unless a step of the story names another. */
  readonly method: PaymentMethod;
};

/** Conditions for the whole schedule. */
export type Weather = {
  /** No callback is ever sent: the correct state must be reached by queries. */
  readonly dropsEveryCallback: boolean;
  /** No query is answered until all steps have ended: the correct state must be reached by callbacks until then. */
  readonly failsEveryQuery: boolean;
  /** The probability that a notification between nodes is lost. */
  readonly losesNotifications: number;
  /** The probability that a node pauses at a failpoint, so that others interleave. Only on PostgreSQL. */
  readonly pauses: number;
  /** True: pending refunds at the provider are decided at the end. False: never, and their orders go into review. */
  readonly decidesRefunds: boolean;
  /** Whether timers at the end are late by up to hours, as after an outage, or punctual. */
  readonly timersAreLate: boolean;
};

/** A payment of an order, by its position in the order of start. */
export type PaymentRef = 'last' | 'previous' | 'first';

/** When a client without an answer repeats its call: at once, when the lease of the dead node has expired, after a day, or never. */
export type Repeat = 'at once' | 'after the lease' | 'after a day' | 'never';

/** A client's call. `key` numbers the intents of its kind and order. The same key is the same intent, except with `spoils`. */
type Call = {
  readonly order: number;
  readonly node: number;
  readonly key: number;
  /** True: the same key with different input, which must be refused. */
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
      /** True: the operator also reports the facts from the provider's console. */
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
  /** The buyer scans the code or opens the cashier, and leaves. Does not exist for cards. */
  | { readonly kind: 'open' | 'leave'; readonly order: number; readonly payment: PaymentRef }
  /** The buyer returns from the bank's page. */
  | { readonly kind: 'authenticate'; readonly order: number; readonly payment: PaymentRef; readonly passes: boolean }
  | {
      readonly kind: 'console';
      readonly order: number;
      readonly payment: PaymentRef;
      readonly deed: ConsoleDeed;
      readonly share: number;
    }
  /** Time passes: due callbacks are sent, and scheduled steps of the provider happen. */
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'sweep'; readonly node: number }
  | { readonly kind: 'redeliver'; readonly nth: number }
  | { readonly kind: 'fault'; readonly rules: readonly FaultRule[] }
  | { readonly kind: 'clearFaults' }
  /** The node will die when it passes the failpoint for the nth time from now. */
  | { readonly kind: 'crash'; readonly node: number; readonly failpoint: Failpoint; readonly nth: number }
  | { readonly kind: 'kill'; readonly node: number }
  /** An operator removes a provider from the configuration, or restores it, and restarts the nodes. */
  | { readonly kind: 'retire'; readonly method: PaymentMethod }
  | { readonly kind: 'restore' }
  /** The node's nth statement from now fails, or the answer to its nth commit is lost. */
  | { readonly kind: 'spoil'; readonly node: number; readonly what: 'statement' | 'commit'; readonly nth: number }
  | {
      readonly kind: 'follow';
      readonly subscriber: number;
      readonly node: number;
      /** The order; null for all orders of the merchant. */
      readonly order: number | null;
      /** The starting position, as a share of the events so far; 1 is now. */
      readonly from: number;
      readonly types: readonly EventType[] | null;
    }
  | { readonly kind: 'hangUp'; readonly subscriber: number }
  | { readonly kind: 'comeBack'; readonly subscriber: number; readonly node: number }
  /** Steps that run concurrently. */
  | { readonly kind: 'together'; readonly steps: readonly Step[] };

export type StepKind = Step['kind'];

/** A call under an idempotency key. */
export type KeyedStep = Extract<Step, Call>;

export function isKeyed(step: Step): step is KeyedStep {
  return 'key' in step;
}

/** Prefixes of the failpoints that a step or its consequences are likely to pass. */
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

/** The cards that are declined. */
export function isDeclined(card: Card): boolean {
  return card.includes('Declined');
}

/** Which page of a payment with several: pages before a renewal may still be open. */
export type Page = 'newest' | 'oldest';

export const consoleDeeds = [
  ...(['refund', 'failRefund', 'decideRefund', 'lapse', 'succeed', 'finish', 'finishFailed', 'close'] as const),
  ...(['finishTrade', 'refundTwin'] as const),
] as const;
export type ConsoleDeed = (typeof consoleDeeds)[number];

/** A fault rule in the form of the sandbox's control API. */
export type FaultRule = {
  readonly fault: NewRule['fault'];
  readonly target?: NewRule['target'];
  readonly match?: NewRule['match'];
  readonly times?: number;
  readonly probability?: number;
  readonly ms?: number;
  readonly count?: number;
};

/** The virtual time at which every schedule starts. */
export const startsAt = new Date('2030-01-01T00:00:00.000Z');
