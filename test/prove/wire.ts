import type { CallbackRequest, CallbackResponse } from '../../sandbox/callback-post.ts';
import type { InProcessRequest, InProcessResponse } from '../../sandbox/in-process.ts';
import type { Actor } from '../../src/commands/actor.ts';
import type { Failpoint } from '../../src/domain/failpoint.ts';
import type { PaymentMethod } from '../../src/domain/payment.ts';
import type { LogPosition } from '../../src/events/cursor.ts';
import type { LoggedEvent } from '../../src/events/log.ts';
import type { Notification } from '../../src/events/notifications.ts';
import type { Answer, CommandName, Scope } from './node.ts';

/** Requests to a node in another process, and their answers. */
export type Requests = {
  start: {
    readonly ask: { readonly seed: number; readonly pauses: number; readonly retired: readonly PaymentMethod[] };
    readonly answer: null;
  };
  call: {
    readonly ask: { readonly command: CommandName; readonly actor: Actor; readonly input: unknown };
    readonly answer: Answer;
  };
  /** Null when the node died before it answered. */
  receive: { readonly ask: CallbackRequest; readonly answer: CallbackResponse | null };
  sweep: { readonly ask: null; readonly answer: number | null };
  watchTail: { readonly ask: null; readonly answer: null };
  idle: { readonly ask: null; readonly answer: null };
};

/** Notifications to a node, which have no answer. */
export type Orders = {
  follow: { readonly subscription: number; readonly scope: Scope; readonly after: LogPosition };
  unfollow: { readonly subscription: number };
  notify: Notification;
  crashAt: { readonly failpoint: Failpoint; readonly nth: number };
  spoil: { readonly what: 'statement' | 'commit'; readonly nth: number };
  kill: null;
};

type Tagged<T> = { readonly [K in keyof T]: { readonly kind: K; readonly body: T[K] } }[keyof T];
export type Asked = {
  readonly [K in keyof Requests]: { readonly kind: K; readonly body: Requests[K]['ask'] };
}[keyof Requests];
export type Told = Tagged<Orders>;

/** Every message to a node contains the virtual time. `node` numbers the nodes that a process has hosted. */
export type ToNode = { readonly nowMs: number; readonly node: number } & (
  | { readonly type: 'ask'; readonly id: number; readonly asked: Asked }
  | { readonly type: 'tell'; readonly told: Told }
  | { readonly type: 'door'; readonly id: number; readonly outcome: InProcessResponse | 'unanswered' | 'reset' }
);

export type Observed = Tagged<{
  passed: Failpoint;
  died: Failpoint | null;
  spoiled: 'statement' | 'commit';
  complained: string;
  heard: { readonly subscription: number; readonly event: LoggedEvent };
  notified: Notification;
}>;

export type FromNode =
  | { readonly type: 'ready' }
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly message: string }
  | { readonly type: 'door'; readonly node: number; readonly id: number; readonly request: InProcessRequest }
  | { readonly type: 'observed'; readonly node: number; readonly observed: Observed };
