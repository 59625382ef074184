import type { ProviderKey } from '../../sandbox/provider-key.ts';
import type { Order } from '../../src/domain/order.ts';
import type { Payment } from '../../src/domain/payment.ts';
import type { Refund } from '../../src/domain/refund.ts';
import type { Answer } from './node.ts';
import type { DeliveryRow, EventRow, KeyRow } from './rows.ts';
import type { CallbackAttempt } from './world.ts';

/** One call with an idempotency key. The client counts the order of calls and answers. */
export type KeyedCall = {
  readonly operation: 'createOrder' | 'payOrder' | 'capturePayment' | 'requestRefund';
  readonly key: string;
  /** The input as text: calls with equal text are the same intent. */
  readonly input: string;
  readonly beganAt: number;
  readonly endedAt: number;
  readonly answer: Answer;
};

/** Invariant 4: compares the answers under each key with the rows. */
export function findKeysWithTwoMeanings(
  calls: readonly KeyedCall[],
  keys: readonly KeyRow[],
  made: {
    readonly orders: readonly Pick<Order, 'id'>[];
    readonly payments: readonly Pick<Payment, 'id' | 'status'>[];
    readonly refunds: readonly Pick<Refund, 'id' | 'origin'>[];
  },
): string[] {
  return [...answeredTwice(calls, keys), ...acceptedAfterRefusal(calls, made.payments), ...withoutKey(keys, made)];
}

function answeredTwice(calls: readonly KeyedCall[], keys: readonly KeyRow[]): string[] {
  return calls.flatMap((call) => {
    const { operation, key, answer } = call;
    const name = `${operation} ${key}`;
    const kept = keys.find((row) => row.operation === operation && row.key === key);
    const earlier = calls.filter(
      (other) =>
        other.operation === operation &&
        other.key === key &&
        other.endedAt < call.beganAt &&
        other.answer.kind === 'done',
    );
    const isSame = earlier.every(({ input }) => input === call.input);
    if (answer.kind === 'done') {
      if (kept?.resultId !== answer.id)
        return [`${name} was answered ${answer.id}, and stands for ${kept?.resultId ?? 'nothing'}`];
      return isSame ? [] : [`${name} was accepted with other input than before`];
    }
    if (answer.kind !== 'refused') return [];
    const isOnlyInput = calls.every(
      (other) => other.operation !== operation || other.key !== key || other.input === call.input,
    );
    if (answer.code === 'IDEMPOTENCY_KEY_REUSED')
      return isOnlyInput ? [`${name} was refused as reused, and never had other input`] : [];
    if (earlier.length === 0) return [];
    if (!isSame) return [`${name} had other input than before, and was refused as ${answer.code} instead`];
    // The provider's answer to a repetition may differ, as long as the state is the same.
    const isOfProvider =
      answer.code === 'PROVIDER_UNAVAILABLE' || (answer.code === 'PROVIDER_REJECTED' && answer.id === kept?.resultId);
    return isOfProvider ? [] : [`${name} was done before, and is refused now: ${answer.code} ${answer.message}`];
  });
}

/** A refused capture is refused again, unless the money was captured since. */
function acceptedAfterRefusal(
  calls: readonly KeyedCall[],
  payments: readonly Pick<Payment, 'id' | 'status'>[],
): string[] {
  const captures = calls.filter(({ operation }) => operation === 'capturePayment');
  return captures.flatMap(({ key, input, beganAt, answer }) => {
    const wasRefused = captures.some(
      (other) =>
        other.key === key &&
        other.input === input &&
        other.endedAt < beganAt &&
        other.answer.kind === 'refused' &&
        other.answer.code === 'PROVIDER_REJECTED',
    );
    if (!wasRefused || answer.kind !== 'done') return [];
    const isCaptured = payments.some(({ id, status }) => id === answer.id && status === 'SUCCEEDED');
    return isCaptured ? [] : [`capturePayment ${key} was refused, and the same call is accepted now`];
  });
}

function withoutKey(
  keys: readonly KeyRow[],
  { orders, payments, refunds }: Parameters<typeof findKeysWithTwoMeanings>[2],
): string[] {
  const effects: readonly (readonly [operation: string, ids: readonly string[]])[] = [
    ['createOrder', orders.map(({ id }) => id)],
    ['payOrder', payments.map(({ id }) => id)],
    ['requestRefund', refunds.filter(({ origin }) => origin === 'REQUESTED').map(({ id }) => id)],
  ];
  return effects.flatMap(([operation, ids]) => {
    const results = keys.filter((row) => row.operation === operation).map(({ resultId }) => resultId);
    return [
      ...ids
        .filter((id) => results.filter((result) => result === id).length !== 1)
        .map((id) => `${id} was made without one key of its own`),
      ...results
        .filter((result) => !ids.includes(result))
        .map((result) => `a key of ${operation} stands for ${result}, which is not there`),
    ];
  });
}

/** Invariant 5: holds when all work has ended; before, a callback may wait in the inbox. */
export function findLostCallbacks(
  attempts: readonly CallbackAttempt[],
  deliveries: readonly Omit<DeliveryRow, 'body'>[],
): string[] {
  const acknowledged = new Set(
    attempts.filter(({ status }) => status !== null && status < 300).map(({ eventId }) => eventId),
  );
  return [...acknowledged].flatMap((eventId) => {
    const kept = deliveries.filter((delivery) => delivery.eventId === eventId);
    const [delivery] = kept;
    if (delivery === undefined) return [`${eventId} was acknowledged and is not in the inbox`];
    const name = `${eventId} (${delivery.eventType})`;
    if (kept.length > 1) return [`${name} is in the inbox ${kept.length} times`];
    if (delivery.status === 'PENDING')
      return [`${name} still waits to be applied: ${delivery.reason ?? 'never tried'}`];
    if (delivery.status !== 'APPLIED' && delivery.reason === null)
      return [`${name} is ${delivery.status} without a reason`];
    return [];
  });
}

/** The sandbox's record of a delivery that it manipulated. */
export type SpoiledDelivery = {
  readonly provider: ProviderKey;
  readonly eventId: string;
  readonly type: string;
  readonly state: string;
  readonly spoiled:
    | 'forge'
    | 'alter'
    | 'stale'
    | 'probe'
    | 'wrong_amount'
    | 'unknown_status'
    | 'unreadable'
    | 'gbk'
    | 'another_account'
    | null;
  readonly attempts: readonly { readonly status: number | null }[];
};

/** Some Stripe callbacks have no amount, so it cannot have been manipulated; those of the other providers always have one. */
const tellsAmount = /"amount(?:_received|_capturable|_captured|_total|_subtotal)?": ?[1-9]/;

/**
 * Invariant 5: callbacks with an invalid signature are not acknowledged. Callbacks with a wrong amount, or of another account, are not
 * applied.
 */
export function findBelievedForgeries(
  spoiled: readonly SpoiledDelivery[],
  deliveries: readonly DeliveryRow[],
): string[] {
  return spoiled.flatMap((delivery) => {
    const kept = deliveries.find(({ eventId }) => eventId === delivery.eventId);
    const fault = beliefIn(delivery, kept);
    return fault === null ? [] : [`${delivery.eventId} (${delivery.type}) ${fault}`];
  });
}

function beliefIn({ provider, spoiled, attempts }: SpoiledDelivery, kept: DeliveryRow | undefined): string | null {
  const isAcknowledged = (attempt: { readonly status: number | null } | undefined): boolean =>
    attempt !== undefined && attempt.status !== null && attempt.status < 300;
  const isToldAmount = provider !== 'stripe' || tellsAmount.test(kept?.body.toString('utf8') ?? '');
  switch (spoiled) {
    case null:
    case 'gbk': // genuine, in another charset
      return null;
    case 'forge':
      return attempts.some(isAcknowledged) ? 'was forged, and acknowledged' : null;
    case 'stale': // Alipay's own retries are equally old, so the age is no evidence
      return isAcknowledged(attempts[0]) && provider !== 'alipay'
        ? 'was signed ten minutes ago, and acknowledged'
        : null;
    case 'probe':
      return isAcknowledged(attempts[0]) ? 'was signed wrongly to see who checks, and acknowledged' : null;
    case 'alter':
      return isAcknowledged(attempts[0]) && isToldAmount ? 'was altered after signing, and acknowledged' : null;
    case 'wrong_amount':
      return kept?.status === 'APPLIED' && isToldAmount ? 'told a wrong amount, and was applied' : null;
    case 'unknown_status':
    case 'unreadable':
      return kept?.status === 'APPLIED' ? 'could not be understood, and was applied' : null;
    case 'another_account':
      return kept?.status === 'APPLIED' ? 'came from another account, and was applied' : null;
  }
}

/** Invariant 5: a callback that cannot be read has put its order into review. */
export function findUnreviewed(
  deliveries: readonly Pick<DeliveryRow, 'eventId' | 'eventType' | 'status' | 'reason' | 'paymentId'>[],
  payments: readonly Pick<Payment, 'id' | 'orderId'>[],
  events: readonly Pick<EventRow, 'orderId' | 'changes'>[],
): string[] {
  const reviewed = new Set(
    events
      .filter(({ changes }) => changes.order?.reviewReasons?.includes('UNREADABLE_CALLBACK'))
      .map(({ orderId }) => orderId),
  );
  return deliveries
    .filter(({ status, reason }) => status === 'REVIEW' && reason === 'unreadable')
    .filter(({ paymentId }) => !reviewed.has(payments.find(({ id }) => id === paymentId)?.orderId ?? ''))
    .map(({ eventId, eventType }) => `${eventId} (${eventType}) could not be read, and its order is in no review`);
}

/**
 * Invariant 5: a callback that is marked as applied has a trace in the log, as evidence of its change. A console refund is queried before it is
 * applied: its trace is the response, which is later than the callback.
 */
export function findAppliedWithoutTrace(
  deliveries: readonly Pick<DeliveryRow, 'eventId' | 'eventType' | 'status' | 'receivedAt' | 'paymentId'>[],
  events: readonly Pick<EventRow, 'changes'>[],
): string[] {
  const traces = events
    .flatMap(({ changes: { payment, refund } }) => [payment, refund])
    .flatMap((facts) => (facts?.evidenceSource === 'CALLBACK' ? [String(facts.evidenceReceivedAt)] : []));
  const isAnswered = ({ paymentId, receivedAt }: Pick<DeliveryRow, 'receivedAt' | 'paymentId'>): boolean =>
    events.some(
      ({ changes: { payment, refund } }) =>
        payment?.id === paymentId &&
        refund?.evidenceSource === 'QUERY' &&
        String(refund.evidenceReceivedAt) >= receivedAt.toISOString(),
    );
  return deliveries
    .filter(({ status }) => status === 'APPLIED')
    .filter((delivery) => !traces.includes(delivery.receivedAt.toISOString()) && !isAnswered(delivery))
    .map(({ eventId, eventType }) => `${eventId} (${eventType}) is APPLIED, and no event says what it changed`);
}

type Timed = { readonly id: string; readonly checkAt: Date | null };

/** Invariant 8, also for requested captures. */
export function findForgotten(
  orders: readonly Pick<Order, 'id' | 'status' | 'dueAt' | 'reviewReasons'>[],
  payments: readonly (Timed & Pick<Payment, 'orderId' | 'status'>)[],
  refunds: readonly (Timed & Pick<Refund, 'orderId' | 'status'> & Partial<Pick<Refund, 'approval'>>)[],
): string[] {
  const isInReview = ({ orderId }: { readonly orderId: string }): boolean =>
    orders.some(({ id, reviewReasons }) => id === orderId && reviewReasons.length > 0);
  const live: readonly Payment['status'][] = [
    ...(['SUBMITTING', 'ACTION_REQUIRED', 'PROCESSING', 'UNKNOWN', 'AUTHORIZED', 'CANCELING'] as const),
  ];
  return [
    ...[
      ...payments.filter(({ status }) => live.includes(status)),
      // A refund that waits for approval waits for a person, who sees it.
      ...refunds.filter(
        ({ status, approval }) => status === 'UNKNOWN' || (status === 'PENDING' && approval !== 'NEEDED'),
      ),
    ]
      .filter((row) => row.checkAt === null && !isInReview(row))
      .map(({ id, status }) => `${id} is ${status}, and nobody will ask about it`),
    ...orders
      .filter(({ status, dueAt }) => status === 'OPEN' && dueAt === null)
      .map(({ id }) => `${id} is OPEN, and no time is set at which it ends`),
    ...orders
      .filter(
        ({ id, status }) =>
          status === 'CLOSING' && !payments.some((row) => row.orderId === id && live.includes(row.status)),
      )
      .map(({ id }) => `${id} is CLOSING, and nothing is left to wait for`),
  ];
}
