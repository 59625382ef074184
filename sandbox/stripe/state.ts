import type { Table } from '../ledger.ts';
import type { SandboxContext } from '../provider.ts';

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

/** Parameters that the sandbox only keeps to give them back. */
export type Echoed = Readonly<Record<string, unknown>>;

/** The last attempt that failed, as `last_payment_error` says it. */
export type LastError = {
  readonly type: string;
  readonly code: string;
  readonly declineCode: string | null;
  readonly message: string;
  readonly charge: string | null;
  readonly card: string | null;
};

/** Instants are Unix seconds, amounts minor units. `card` names a test card and is all that is kept of one. */
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
  /** The Checkout Session that made it. */
  readonly session: string | null;
};

export type ChargeRow = {
  readonly id: string;
  readonly created: number;
  readonly intent: string;
  readonly amount: number;
  readonly amountCaptured: number;
  /** Refunds on their way and done. */
  readonly amountRefunded: number;
  readonly currency: string;
  readonly status: 'succeeded' | 'failed';
  readonly captured: boolean;
  /** The authorization was given back without having been captured. */
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
  /** Made through the API, or by someone in the provider's console. */
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
  /** Made when the buyer first tries to pay, not before. */
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

/** `body` is the text that is signed and posted, byte for byte; deliveries of one event all carry it. */
export type EventRow = { readonly id: string; readonly created: number; readonly type: string; readonly body: string };

/** Why something happened: the API request, or null for what happened by itself, at the cashier or in the console. */
export type Cause = { readonly requestId: string; readonly idempotencyKey: string | null };

/** Everything the Stripe side works on. */
export type StripeState = SandboxContext & {
  /** Whose books these are. */
  readonly accountId: string;
  readonly intents: Table<IntentRow>;
  readonly charges: Table<ChargeRow>;
  readonly refunds: Table<RefundRow>;
  readonly sessions: Table<SessionRow>;
  readonly balanceTransactions: Table<BalanceTransactionRow>;
  readonly events: Table<EventRow>;
  readonly plans: Table<PlanRow>;
  /** Sends the event to whoever subscribed, once what is being done is kept. */
  readonly deliver: (event: EventRow) => void;
  /** Has something happen by itself after a while; kept, so that it happens also after a restart. */
  readonly plan: (inMs: number, act: PlannedAct, subject: string) => void;
  readonly cause: Cause | null;
};

export type PlannedAct =
  | 'expire_session'
  | 'lapse_authorization'
  | 'finish_succeeded'
  | 'finish_failed'
  | 'succeed_anyway'
  | 'refund_succeeded'
  | 'refund_failed';

/** `subject` is the id of the PaymentIntent, Checkout Session or refund that it happens to. */
export type PlanRow = {
  readonly id: string;
  readonly atMs: number;
  readonly act: PlannedAct;
  readonly subject: string;
};
