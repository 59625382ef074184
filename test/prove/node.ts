import type { CallbackRequest, CallbackResponse } from '../../sandbox/callback-post.ts';
import type { Actor } from '../../src/commands/actor.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import type { EventType } from '../../src/domain/event.ts';
import type { Failpoint } from '../../src/domain/failpoint.ts';
import type { LogPosition } from '../../src/events/cursor.ts';
import type { LoggedEvent } from '../../src/events/log.ts';
import type { Notification } from '../../src/events/notifications.ts';

export type CommandName =
  | ('createOrder' | 'payOrder' | 'capturePayment' | 'requestRefund' | 'cancelOrder' | 'cancelPayment')
  | ('refreshPayment' | 'resolveReview' | 'approveRefund' | 'rejectRefund');

/** The result of a client's call. */
export type Answer =
  | { readonly kind: 'done'; readonly id: string }
  /** An expected failure. `id` is the object that it names, such as the payment of PROVIDER_REJECTED. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly id: string | null; readonly message: string }
  /** An internal error: masked to the client, and a bug unless the schedule broke a statement. */
  | { readonly kind: 'failed'; readonly message: string }
  /** The node died during the call. */
  | { readonly kind: 'broken' };

export type Scope = {
  readonly merchantId: string;
  readonly orderId: string | null;
  readonly types: readonly EventType[] | null;
};

/** Notifications of a node, in addition to its answers. */
export type NodeObserver = {
  passed(failpoint: Failpoint): void;
  /** `at` is null when it was killed between two steps. */
  died(at: Failpoint | null): void;
  spoiled(what: 'statement' | 'commit'): void;
  complained(message: string): void;
  heard(subscription: number, event: LoggedEvent): void;
  notified(notification: Notification): void;
};

/** One node of the product, in this process or in another: a command context, a webhook entrance, its subscribers, its timers. */
export interface Node {
  readonly isDead: boolean;
  call(command: CommandName, actor: Actor, input: unknown): Promise<Answer>;
  /** @throws {BrokenConnectionError} when the node dies before it has answered. */
  receive(callback: CallbackRequest): Promise<CallbackResponse>;
  /** Runs one round of timers. Returns the number of tasks; null when the node died. */
  sweep(): Promise<number | null>;
  watchTail(): Promise<void>;
  follow(subscription: number, scope: Scope, after: LogPosition): void;
  unfollow(subscription: number): void;
  /** A notification from another node. */
  notify(notification: Notification): void;
  crashAt(failpoint: Failpoint, nth: number): void;
  spoil(what: 'statement' | 'commit', nth: number): void;
  /** Resolves when all work that callbacks started has ended. */
  idle(): Promise<void>;
  kill(): Promise<void>;
}
