import { isInfoLogged } from '../domain/log.ts';
import { type Delivery, type DeliveryOutcome, writeVerdict } from '../events/inbox.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { changeOrderByDelivery } from '../store/change-order.ts';
import { note } from '../telemetry/observe.ts';
import { type Judging, judge, tryLater } from './judge-delivery.ts';
import { runIsolated } from './run-isolated.ts';

/** Writes to the database. */
function withEffects(context: CommandContext): Judging {
  const { db, clock } = context;
  return {
    ...context,
    effects: {
      change: (orderId, delivery, decide) => changeOrderByDelivery(context, orderId, delivery, decide),
      store: ({ id }, verdict) => writeVerdict(db.pool, id, verdict, clock.now()),
    },
  };
}

/** Applies a callback that the caller has claimed. A failure is logged, and the callback is scheduled for a retry. */
export async function applyDelivery(given: CommandContext, delivery: Delivery): Promise<void> {
  await runIsolated(given, { deliveryId: delivery.id }, (context) => applyAndLog(context, delivery));
}

/** As `applyDelivery`, and throws a failure after the retry has been scheduled. */
export async function applyAndLog(given: CommandContext, delivery: Delivery): Promise<DeliveryOutcome> {
  const startedAt = performance.now();
  const context = withEffects(given);
  const log = (outcome: DeliveryOutcome) => logDelivery(context, delivery, outcome, performance.now() - startedAt);
  try {
    const outcome = await judge(context, delivery);
    log(outcome);
    return outcome;
  } catch (error) {
    log(await tryLater(context, delivery, 'failed'));
    throw error;
  }
}

const messages = {
  APPLIED: 'callback applied',
  IGNORED: 'callback ignored',
  REVIEW: 'callback needs a person',
  POSTPONED: 'callback postponed',
} as const;

/** Logs the outcome of one try. `ageMs` is the time since the callback was received, including earlier tries. */
function logDelivery(
  { log, clock }: CommandContext,
  { id: deliveryId, ...delivery }: Delivery,
  { status, reason, paymentId }: DeliveryOutcome,
  tookMs: number,
): void {
  note({ kind: 'callback', provider: delivery.provider, outcome: status.toLowerCase() });
  if (!isInfoLogged(log)) return;
  const { provider, providerAccount: account, eventId, eventType, applyAttempts: attempt } = delivery;
  const ageMs = clock.now().getTime() - delivery.receivedAt.getTime();
  const outcome = { ageMs, durationMs: Math.round(tookMs), outcome: status.toLowerCase(), ...(reason && { reason }) };
  const about = { deliveryId, eventId, eventType, ...(paymentId !== null && { paymentId }) };
  log.info({ provider, account, ...about, attempt, ...outcome }, messages[status]);
}
