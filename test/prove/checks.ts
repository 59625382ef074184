import type { Folded } from './history.ts';
import { findLostWebhooks, findWebhooksOutOfSequence } from './hook-invariants.ts';
import { type Violation, violationsOf } from './invariants.ts';
import { findDifferencesFromLedger, findDoubles, findFailuresWithoutWord, findOpenAtEnd } from './ledger-invariants.ts';
import { viewOf } from './ledger-view.ts';
import { findRowsThatEventsDoNotTell } from './log-invariants.ts';
import {
  findAmountsOutOfBounds,
  findClosedOrdersWithMoney,
  findForgottenLateMoney,
  findMoneyWithoutPlace,
  findSurplusKept,
  findWrongSums,
  type PaymentMoney,
  type RefundMoney,
} from './money-invariants.ts';
import { type EventRow, readDeliveries, readEvents, readSnapshot } from './rows.ts';
import { findWrongSales } from './sales-invariants.ts';
import type { Scene } from './scene.ts';
import {
  findAppliedWithoutTrace,
  findBelievedForgeries,
  findForgotten,
  findKeysWithTwoMeanings,
  findLostCallbacks,
  findUnreviewed,
} from './traffic-invariants.ts';

/** Checks that hold after every step. */
export async function checkNow(scene: Scene): Promise<Violation[]> {
  const { world, names, history, pool, merchantId, buyer, subscribers, tally, trace } = scene;
  const failures = [...world.complaints, ...scene.failedAnswers];
  const isToBlame = !world.isSpoiled;
  world.complaints = [];
  scene.failedAnswers = [];
  world.isSpoiled = false;

  const snapshot = await readSnapshot(pool, merchantId, history.known);
  names.snapshot = snapshot;
  buyer.look(snapshot.payments);
  const { orders, payments, refunds, keys } = snapshot;
  const onTheWay: Violation[] = [];
  const ended = new Set<string>();
  history.append(snapshot.events, (event, _before, folded) => {
    tally.count('events', event.type);
    trace(`event ${event.orderId} ${event.sequence} ${event.type} ${JSON.stringify(event.changes)}`);
    onTheWay.push(...checkFolded(event, folded));
    if (event.type === 'ORDER_CANCELED' || event.type === 'ORDER_EXPIRED') ended.add(event.orderId);
  });
  const ledger = viewOf(world.sandbox.ledger());
  return [
    ...onTheWay,
    ...violationsOf(1, findAmountsOutOfBounds(orders, payments, refunds)),
    ...violationsOf(1, findWrongSums(orders, payments)),
    ...violationsOf(14, findWrongSales(snapshot.sales, payments, refunds)),
    ...violationsOf(3, findMoneyWithoutPlace(payments)),
    ...violationsOf(4, findKeysWithTwoMeanings(scene.clients.calls, keys, snapshot)),
    ...violationsOf(4, findDoubles(ledger)),
    ...violationsOf(6, findRowsThatEventsDoNotTell(history, snapshot)),
    ...violationsOf(
      7,
      findClosedOrdersWithMoney(orders, payments, (id) => isResolved(history.events, id)),
    ),
    ...violationsOf(7, findForgottenLateMoney(orders, payments)),
    ...violationsOf(8, findForgotten(orders, payments, refunds)),
    ...violationsOf(
      13,
      findSurplusKept(orders, payments, refunds, (id) => isResolved(history.events, id)),
    ),
    ...violationsOf(9, await subscribers.misheard(history.events)),
    ...violationsOf(15, findWebhooksOutOfSequence(scene.hooks.endpoints, history.events)),
    ...violationsOf(10, isToBlame ? failures : []),
    ...violationsOf(11, findFailuresWithoutWord(payments, refunds, ledger, world.exchanges)),
    ...violationsOf(
      12,
      findOpenAtEnd(
        orders.filter(({ id, status }) => ended.has(id) && (status === 'CANCELED' || status === 'EXPIRED')),
        payments,
        ledger,
        world.exchanges,
      ),
    ),
  ];
}

/** Checks that hold when all work has ended. */
export async function checkQuiet(scene: Scene): Promise<Violation[]> {
  const { world, names, history, pool, tally, merchantId } = scene;
  const { orders, payments, refunds } = names.snapshot;
  const spoiled = await world.callbacksAtSandbox();
  const deliveries = await readDeliveries(
    pool,
    spoiled.map(({ eventId }) => eventId),
  );
  for (const { status, paymentStatus } of orders) tally.count('orders ended', `${status} ${paymentStatus}`);
  for (const { status, late, provider } of payments)
    tally.count(`payments ended at ${provider}`, late ? `${status} late` : status);
  for (const { status, origin } of refunds) tally.count('refunds ended', `${origin} ${status}`);
  for (const { status, reason } of deliveries)
    tally.count('callbacks ended', reason === null ? status : `${status} ${reason}`);
  for (const { reviewReasons } of orders) for (const reason of reviewReasons) tally.count('reviews left', reason);
  const everything = await readEvents(pool, merchantId, new Map());
  const isSame = JSON.stringify(everything, withoutBigInts) === JSON.stringify(history.events, withoutBigInts);
  return [
    ...violationsOf(
      2,
      findDifferencesFromLedger(payments, refunds, viewOf(world.sandbox.ledger()), (id) =>
        wasAsked(history.events, id),
      ),
    ),
    ...violationsOf(5, findLostCallbacks(world.callbacks, deliveries)),
    ...violationsOf(5, findBelievedForgeries(spoiled, deliveries)),
    ...violationsOf(5, findAppliedWithoutTrace(deliveries, history.events)),
    ...violationsOf(5, findUnreviewed(deliveries, payments, history.events)),
    ...violationsOf(15, findLostWebhooks(scene.hooks.endpoints, history.events)),
    ...violationsOf(6, isSame ? [] : ['the log is not what it was when it was read event by event']),
  ];
}

/** Checks the intermediate states too: after every event, the amounts of the order are within their limits and accounted for. */
function checkFolded({ type, id, sequence, orderId }: EventRow, { order, payments, refunds }: Folded): Violation[] {
  const where = `after ${type} ${id} (number ${sequence} of ${orderId}), `;
  const moneyOf = (facts: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(
      Object.entries(facts).map(([name, value]) => [name, name.endsWith('Minor') ? BigInt(String(value)) : value]),
    );
  const held = [...payments.values()].map((facts) => moneyOf(facts) as PaymentMoney);
  const back = [...refunds.values()].map((facts) => moneyOf(facts) as RefundMoney);
  const orders = [{ id: String(order.id), currency: String(order.currency) }];
  return [
    ...violationsOf(
      1,
      findAmountsOutOfBounds(orders, held, back).map((problem) => where + problem),
    ),
    ...violationsOf(
      3,
      findMoneyWithoutPlace(held).map((problem) => where + problem),
    ),
  ];
}

/** True when an operator has decided about the order's money. */
function isResolved(events: readonly EventRow[], orderId: string): boolean {
  return events.some(
    (event) => event.orderId === orderId && event.type === 'ORDER_REVIEW_RESOLVED' && event.actorKind === 'MERCHANT',
  );
}

/** True when the order was ever in review because of a refund. */
function wasAsked(events: readonly EventRow[], orderId: string): boolean {
  return events.some(
    (event) => event.orderId === orderId && event.changes.order?.reviewReasons?.includes('REFUND_ABNORMAL') === true,
  );
}

function withoutBigInts(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
