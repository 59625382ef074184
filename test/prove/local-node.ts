import { setTimeout as delay } from 'node:timers/promises';
import type { CallbackRequest, CallbackResponse } from '../../sandbox/callback-post.ts';
import { onlyAccounts } from '../../src/accounts/provider-accounts.ts';
import type { Actor } from '../../src/commands/actor.ts';
import { approveRefund } from '../../src/commands/approve-refund.ts';
import { cancelOrder } from '../../src/commands/cancel-order.ts';
import { cancelPayment } from '../../src/commands/cancel-payment.ts';
import { capturePayment } from '../../src/commands/capture-payment.ts';
import { createOrder } from '../../src/commands/create-order.ts';
import { payOrder } from '../../src/commands/pay-order.ts';
import { refreshPayment } from '../../src/commands/refresh-payment.ts';
import { rejectRefund } from '../../src/commands/reject-refund.ts';
import { requestRefund } from '../../src/commands/request-refund.ts';
import { resolveReview } from '../../src/commands/resolve-review.ts';
import type { Database } from '../../src/database/database.ts';
import { DomainError } from '../../src/domain/errors.ts';
import type { Failpoint } from '../../src/domain/failpoint.ts';
import type { Log } from '../../src/domain/log.ts';
import type { PaymentMethod } from '../../src/domain/payment.ts';
import type { LogPosition } from '../../src/events/cursor.ts';
import { createFeeds } from '../../src/events/feeds.ts';
import { createNotifier } from '../../src/events/notifications.ts';
import { openTailWatch } from '../../src/events/tail-watch.ts';
import { createEventRenderer } from '../../src/graphql/event-payload.ts';
import { schema } from '../../src/graphql/schema.ts';
import type { WebhookParts } from '../../src/http/webhooks.ts';
import { createOutgoing } from '../../src/outgoing/outgoing-lane.ts';
import { NoWebhookAnswerError, type SendWebhook } from '../../src/outgoing/transport.ts';
import type { CommandContext } from '../../src/provider-calls/context.ts';
import { alipaySetup } from '../../src/providers/alipay/setup.ts';
import type { PaymentProvider } from '../../src/providers/provider.ts';
import { createStripeProvider } from '../../src/providers/stripe/adapter.ts';
import { wechatpaySetup } from '../../src/providers/wechatpay/setup.ts';
import { createLookups } from '../../src/store/lookups.ts';
import { createOrderWriter } from '../../src/store/order-writer.ts';
import { foldSales } from '../../src/store/sales-store.ts';
import { createCallbackIntake } from '../../src/worker/callback-intake.ts';
import { sweep } from '../../src/worker/sweep.ts';

import { doorDispatcher } from './alipay-dispatcher.ts';
import { receiveCallback } from './callback-entrance.ts';
import { Dice } from './dice.ts';
import { BrokenConnectionError, forever, Life } from './life.ts';
import { hookMasterKeys, hookRules } from './merchant-hooks.ts';
import { mortalDatabase } from './mortal-database.ts';
import type { Answer, CommandName, Node, NodeObserver, Scope } from './node.ts';
import { type Door, DoorClient } from './provider-client.ts';
import { alipayConfig, alipayWebhookUrl, stripeKeys, wechatpayConfig, wechatpayWebhookUrl } from './provider-keys.ts';
import { sendThrough } from './wechatpay-send.ts';

export type LocalNodeParts = {
  readonly database: Database;
  readonly now: () => Date;
  readonly door: Door;
  readonly observer: NodeObserver;
  /** Pauses at failpoints. */
  readonly pauses: number;
  readonly dice: Dice;
  /** The providers that are not configured. */
  readonly retired: readonly PaymentMethod[];
};

type Command = (context: CommandContext, actor: Actor, input: never) => Promise<string>;

const commands: Readonly<Record<CommandName, Command>> = {
  createOrder,
  payOrder,
  capturePayment,
  requestRefund,
  cancelOrder,
  cancelPayment,
  refreshPayment,
  resolveReview,
  approveRefund,
  rejectRefund,
};

const pauseMsMax = 6;
/** A small ring, so that subscribers fall behind it. */
const ringEvents = 2;
/** How often a subscriber does not take an event at once, and for how long. */
const reluctance = 0.15;
const reluctanceMsMax = 20;

/** Wires a node as `app.ts` does, with a database and a life that can end at any failpoint. */
export async function startLocalNode(parts: LocalNodeParts): Promise<Node> {
  const { observer, now, door } = parts;
  const life = new Life();
  const crashes = new Map<Failpoint, number>();
  const spoilings = { statement: 0, commit: 0 };

  const die = (at: Failpoint | null): void => {
    life.end();
    observer.died(at);
  };
  const failpoint = async (name: Failpoint): Promise<void> => {
    if (life.isOver) return forever();
    observer.passed(name);
    const left = crashes.get(name);
    if (left === 1) {
      die(name);
      return forever();
    }
    if (left !== undefined) crashes.set(name, left - 1);
    if (parts.pauses > 0 && parts.dice.hit(parts.pauses)) await life.within(delay(parts.dice.int(1, pauseMsMax)));
  };
  const isSpoiled = (what: 'statement' | 'commit') => (): boolean => {
    if (spoilings[what] === 0) return false;
    spoilings[what] -= 1;
    if (spoilings[what] > 0) return false;
    observer.spoiled(what);
    return true;
  };

  const db = mortalDatabase(parts.database, life, {
    spoilsStatement: isSpoiled('statement'),
    spoilsCommit: isSpoiled('commit'),
  });
  // Subscribers read without injected faults: after a failed read they would wait a second of real time.
  const { pool: readingPool } = mortalDatabase(parts.database, life, {
    spoilsStatement: () => false,
    spoilsCommit: () => false,
  });
  const log = complaintsTo(observer, life);
  const notifier = createNotifier();
  const opened = await openProviders(now, (request) => (life.isOver ? forever() : life.within(door(request))));
  const providers = opened.filter(({ method }) => !parts.retired.includes(method));
  const context: CommandContext = {
    ...{ db, log, failpoint, clock: { now }, accounts: onlyAccounts(db, providers) },
    writer: createOrderWriter({ db, failpoint, clock: { now } }),
    lookups: createLookups(db),
    notifier: {
      notify(notification) {
        if (life.isOver) return;
        notifier.notify(notification);
        observer.notified(notification);
      },
    },
  };
  const intake = createCallbackIntake(context);
  const webhook: WebhookParts = { accounts: context.accounts, now, log, failpoint, intake };
  /** Callbacks that are on their way to the intake, some of them acknowledged already. */
  const handling = new Set<Promise<unknown>>();
  const subscriptions = new Map<number, () => void>();
  const reluctanceDice = new Dice(parts.dice.int(0, 0x7fff_ffff), 'subscribers');
  const feeds = createFeeds({ pool: readingPool, notifier, log, readsMax: 2, ringEvents });
  const tail = await openTailWatch({ pool: readingPool, notifier });
  const administration = {
    ...{ masterKeys: hookMasterKeys, isProduction: false, publicUrl: 'http://nodes.invalid', webhookRules: hookRules },
  };
  const server = {
    ...{ commands: context, feeds, logId: 'prove', clientTokens: null, administration },
    replayDelivery: () => Promise.reject(new Error('An event replays nothing.')),
  };
  const outgoing = createOutgoing({
    ...{ db, clock: { now }, failpoint, masterKeys: hookMasterKeys },
    log: withoutAlerts(log),
    send: sendHooks((request) => (life.isOver ? forever() : life.within(door(request)))),
    render: createEventRenderer(server, schema),
    chance: () => 0.5,
  });

  return {
    get isDead() {
      return life.isOver;
    },
    call: (command, actor, input) => answerOf(life, () => commands[command](context, actor, input as never)),
    receive: (callback: CallbackRequest): Promise<CallbackResponse> =>
      life.heard(() => receiveCallback(webhook, callback, handling)),
    async sweep() {
      try {
        const { deliveries, payments, refunds, orders } = await life.heard(() => sweep(context));
        await life.heard(() => foldSales(db.pool));
        return deliveries + payments + refunds + orders + (await life.heard(() => outgoing.runOnce()));
      } catch (error) {
        if (!(error instanceof BrokenConnectionError)) log.error({ err: error }, 'a background round failed');
        return null;
      }
    },
    async watchTail() {
      await life.heard(() => tail.runOnce()).catch(unlessBroken);
    },
    follow(subscription: number, scope: Scope, after: LogPosition) {
      const follower = feeds.follow(scope, after, {
        take(event) {
          if (life.isOver) return 'no room';
          if (reluctanceDice.hit(reluctance)) {
            setTimeout(() => follower.proceed(), reluctanceDice.int(0, reluctanceMsMax));
            return reluctanceDice.hit(0.5) ? 'no room' : 'not yet';
          }
          observer.heard(subscription, event);
          return 'taken';
        },
        end: () => observer.complained(`subscription ${subscription} has been ended`),
      });
      subscriptions.set(subscription, () => follower.end());
    },
    unfollow(subscription: number) {
      subscriptions.get(subscription)?.();
      subscriptions.delete(subscription);
    },
    notify(notification) {
      if (!life.isOver) notifier.notify(notification);
    },
    crashAt(name, nth) {
      crashes.set(name, nth);
    },
    spoil(what, nth) {
      spoilings[what] = nth;
    },
    async idle() {
      const settle = async () => {
        await Promise.all(handling);
        await intake.idle();
      };
      if (!life.isOver) await life.heard(settle).catch(unlessBroken);
    },
    async kill() {
      if (!life.isOver) die(null);
    },
  };
}

/** One client per provider, all through the same door. */
async function openProviders(now: () => Date, door: Door): Promise<PaymentProvider[]> {
  const alipay = alipaySetup({ ...alipayConfig, httpDispatcher: doorDispatcher(door) });
  const wechatpay = wechatpaySetup({ ...wechatpayConfig, send: sendThrough(door) });
  return [
    createStripeProvider({
      ...{ secretKey: stripeKeys.secretKey, publishableKey: stripeKeys.publishableKey, apiBase: stripeKeys.apiBase },
      ...{ webhookSecrets: [stripeKeys.webhookSecret], account: 'acct_prove.test', now },
      httpClient: new DoorClient(door),
    }),
    await alipay.open({ now, webhookUrl: alipayWebhookUrl }, alipayConfig.appId),
    await wechatpay.open({ now, webhookUrl: wechatpayWebhookUrl }, wechatpayConfig.mchId),
  ];
}

async function answerOf(life: Life, command: () => Promise<string>): Promise<Answer> {
  try {
    return { kind: 'done', id: await life.heard(command) };
  } catch (error) {
    if (error instanceof BrokenConnectionError) return { kind: 'broken' };
    if (!(error instanceof DomainError)) return { kind: 'failed', message: wordsOf(error) };
    const named = 'paymentId' in error ? error.paymentId : 'orderId' in error ? error.orderId : null;
    return {
      ...{ kind: 'refused', code: error.code, message: error.message },
      id: typeof named === 'string' ? named : null,
    };
  }
}

/** Collects errors only: warnings are normal behaviour of providers. */
/** Sends to the merchant's endpoints through the door that leads out of the node. */
function sendHooks(door: Door): SendWebhook {
  return async ({ url, headers, body }) => {
    const outcome = await door({ method: 'POST', path: new URL(url).pathname, headers, body });
    if (typeof outcome === 'string') throw new NoWebhookAnswerError('There was no answer within 15 s.');
    return { status: outcome.status, body: outcome.body, retryAfterMs: 0 };
  };
}

/** An endpoint that is paused is an alert to people, and no failure of the product. */
function withoutAlerts(log: Log): Log {
  return {
    ...log,
    error: (fields, message) => {
      if (!/^a webhook endpoint was paused|^an event could not be delivered/.test(message)) log.error(fields, message);
    },
  };
}

function complaintsTo(observer: NodeObserver, life: Life): Log {
  return {
    info: () => {},
    warn: () => {},
    error: (fields, message) => {
      if (life.isOver) return;
      const { err, ...names } = fields as { err?: unknown };
      observer.complained(`${message} ${JSON.stringify(names)}${err === undefined ? '' : `: ${wordsOf(err)}`}`);
    },
  };
}

function unlessBroken(error: unknown): void {
  if (!(error instanceof BrokenConnectionError)) throw error;
}

/** Formats an error for the report of a failing schedule, with its first stack frames. */
function wordsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 5).join(' ') : String(error);
}
