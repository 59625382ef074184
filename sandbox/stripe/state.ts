import type { SandboxContext } from '../context.ts';
import type { Table } from '../ledger.ts';

export type IntentStatus =
  | 'requires_payment_method'
  | 'requires_confirmation'
  | 'requires_action'
  | 'processing'
  | 'requires_capture'
  | 'succeeded'
  | 'canceled';

export type CaptureMethod = 'automatic' | 'automatic_async' | 'manual';

export type Metadata = Readonly<Record<string, string>>;

/** Parameters that the sandbox returns as they were sent and does not use. */
export type Echoed = Readonly<Record<string, unknown>>;

/** The last failed attempt: `last_payment_error`. */
export type LastError = {
  readonly type: string;
  readonly code: string;
  readonly declineCode: string | null;
  readonly message: string;
  readonly charge: string | null;
  readonly card: string | null;
};

/** Times are Unix seconds, amounts minor units. `card` is the name of a test card; no other data of the card is stored. */
export type IntentRow = {
  readonly id: string;
  readonly created: number;
  readonly clientSecret: string;
  readonly amount: number;
  readonly currency: string;
  readonly captureMethod: CaptureMethod;
  readonly status: IntentStatus;
  readonly amountCapturable: number;
  readonly amountReceived: number;
  readonly description: string | null;
  readonly receiptEmail: string | null;
  readonly metadata: Metadata;
  readonly allowedTypes: readonly string[] | null;
  readonly echoed: Echoed;
  readonly card: string | null;
  readonly paymentMethod: string | null;
  readonly latestCharge: string | null;
  readonly lastError: LastError | null;
  readonly returnUrl: string | null;
  readonly canceledAt: number | null;
  readonly cancellationReason: string | null;
  /** The Checkout Session of the intent. */
  readonly session: string | null;
};

export type ChargeRow = {
  readonly id: string;
  readonly created: number;
  readonly intent: string;
  readonly amount: number;
  readonly amountCaptured: number;
  /** The total of pending and succeeded refunds. */
  readonly amountRefunded: number;
  readonly currency: string;
  readonly status: 'succeeded' | 'failed';
  readonly captured: boolean;
  /** The authorization was released without a capture. */
  readonly released: boolean;
  readonly card: string;
  readonly paymentMethod: string;
  readonly failureCode: string | null;
  readonly declineCode: string | null;
  readonly failureMessage: string | null;
  readonly balanceTransaction: string | null;
};

export type RefundRow = {
  readonly id: string;
  readonly created: number;
  readonly intent: string;
  readonly charge: string;
  readonly amount: number;
  readonly currency: string;
  readonly status: 'pending' | 'succeeded' | 'failed' | 'canceled';
  readonly reason: string | null;
  readonly failureReason: string | null;
  readonly metadata: Metadata;
  readonly balanceTransaction: string | null;
  readonly failureBalanceTransaction: string | null;
  /** PROVIDER: made in the console, not through the API. */
  readonly origin: 'API' | 'PROVIDER';
};

export type SessionRow = {
  readonly id: string;
  readonly created: number;
  readonly status: 'open' | 'complete' | 'expired';
  readonly expiresAt: number;
  readonly amount: number;
  readonly currency: string;
  readonly lines: readonly SessionLine[];
  readonly successUrl: string;
  readonly cancelUrl: string | null;
  readonly clientReferenceId: string | null;
  readonly customerEmail: string | null;
  readonly metadata: Metadata;
  readonly allowedTypes: readonly string[] | null;
  readonly captureMethod: CaptureMethod;
  readonly intentDescription: string | null;
  readonly intentMetadata: Metadata;
  readonly intentEchoed: Echoed;
  /** Null until the buyer first tries to pay. */
  readonly intent: string | null;
};

export type SessionLine = {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly unitAmount: number;
  readonly quantity: number;
};

export type BalanceTransactionRow = {
  readonly id: string;
  readonly created: number;
  readonly type: 'charge' | 'refund' | 'refund_failure';
  readonly amount: number;
  readonly fee: number;
  readonly currency: string;
  readonly source: string;
  readonly description: string | null;
};

/** `body` is the text that is signed and posted. All deliveries of an event have the same body. */
export type EventRow = { readonly id: string; readonly created: number; readonly type: string; readonly body: string };

/** The API request that caused an event. Events of tasks, the cashier and the console have none. */
export type Cause = { readonly requestId: string; readonly idempotencyKey: string | null };

/** The state of the simulated Stripe, and the functions that change it. */
export type StripeState = SandboxContext & {
  readonly accountId: string;
  readonly intents: Table<IntentRow>;
  readonly charges: Table<ChargeRow>;
  readonly refunds: Table<RefundRow>;
  readonly sessions: Table<SessionRow>;
  readonly balanceTransactions: Table<BalanceTransactionRow>;
  readonly events: Table<EventRow>;
  /** Delivers an event after the current transaction commits. */
  readonly deliver: (event: EventRow) => void;
  /** Schedules a task on the sandbox's clock. */
  readonly schedule: (delayMs: number, act: TaskAct, subject: string) => void;
  readonly cause: Cause | null;
};

/** The acts of scheduled tasks. Their subject is a PaymentIntent, Checkout Session or refund. */
export type TaskAct =
  | 'expire_session'
  | 'lapse_authorization'
  | 'finish_succeeded'
  | 'finish_failed'
  | 'succeed_anyway'
  | 'refund_succeeded'
  | 'refund_failed';
