import { after } from '../domain/clock.ts';
import { applyPaymentReport } from '../domain/decide.ts';
import type { PaymentReport, ReportOutcome } from '../domain/report.ts';
import { claimDeliveries, type Delivery, finishDelivery, postponeDelivery } from '../events/inbox.ts';
import type { WebhookMessage } from '../providers/provider.ts';
import { changeOrder } from '../store/order-store.ts';
import { findPayment } from '../store/payment-store.ts';
import { apart } from './apart.ts';
import { type CommandContext, providerOf } from './context.ts';

/** How long a callback that cannot be applied is kept trying before a person must look. */
const triedForMsMax = 24 * 60 * 60_000;
const retryDelayMsMin = 5000;
const retryDelayMsMax = 60 * 60_000;

/** Applies callbacks that wait in the inbox: those that are due, or just the one named. Returns how many it took. */
export async function applyDeliveries(
  context: CommandContext,
  limit: number,
  deliveryId: string | null = null,
): Promise<number> {
  const deliveries = await claimDeliveries(context.db.pool, context.clock.now(), limit, deliveryId);
  for (const delivery of deliveries) {
    await apart(context, { deliveryId: delivery.id }, async () => {
      await apply(context, delivery).catch(async (error: unknown) => {
        await tryLater(context, delivery, 'failed');
        throw error;
      });
    });
  }
  return deliveries.length;
}

type Verdict = Parameters<typeof finishDelivery>[2];

async function apply(context: CommandContext, delivery: Delivery): Promise<void> {
  const { db, clock } = context;
  const message = read(context, delivery);
  const at = clock.now();
  if (message === null) {
    return finishDelivery(db.pool, delivery.id, { status: 'REVIEW', reason: 'unreadable', paymentId: null, at });
  }
  if (message.kind === 'ignored') {
    return finishDelivery(db.pool, delivery.id, { status: 'IGNORED', reason: message.reason, paymentId: null, at });
  }
  const payment = await findPayment(db.pool, message.report.paymentId);
  const isOfAccount = payment?.provider === delivery.provider && payment.providerAccount === delivery.providerAccount;
  if (payment === null || !isOfAccount) return tryLater(context, delivery, 'unknown_payment');
  await applyTo(context, delivery, payment.orderId, message.report);
}

/** The report and the verdict on its delivery are committed together: a crash leaves both or neither. */
async function applyTo(
  { db, clock, wakes }: CommandContext,
  delivery: Delivery,
  orderId: string,
  report: PaymentReport,
): Promise<void> {
  const at = clock.now();
  const changed = await db.transaction(async (tx) => {
    const changed = await changeOrder(tx, clock, orderId, (change) => applyPaymentReport(change, report));
    if (changed === null) throw new Error(`Order ${orderId} is gone.`);
    await finishDelivery(tx, delivery.id, { ...verdictOf(changed.result), paymentId: report.paymentId, at });
    return changed;
  });
  if (changed.wake !== null) wakes.wake(changed.wake);
}

function verdictOf(outcome: ReportOutcome): Pick<Verdict, 'status' | 'reason'> {
  switch (outcome.effect) {
    case 'applied':
      return { status: 'APPLIED', reason: null };
    case 'repeated':
      return { status: 'IGNORED', reason: 'repeated' };
    case 'refused':
      return { status: outcome.reason === 'mismatch' ? 'REVIEW' : 'IGNORED', reason: outcome.reason };
  }
}

/**
 * Not now: the callback may have overtaken the commit of its payment, the payment may be in a database that was restored since, or
 * something is wrong with us. After a day a person must look.
 */
async function tryLater({ db, clock, log }: CommandContext, delivery: Delivery, reason: string): Promise<void> {
  const at = clock.now();
  if (at.getTime() - delivery.receivedAt.getTime() >= triedForMsMax) {
    log.error({ deliveryId: delivery.id, reason }, 'a callback could not be applied for a day and needs a person');
    return finishDelivery(db.pool, delivery.id, { status: 'REVIEW', reason, paymentId: null, at });
  }
  const delayMs = Math.min(retryDelayMsMin * 2 ** (delivery.applyAttempts - 1), retryDelayMsMax);
  await postponeDelivery(db.pool, delivery.id, after(at, delayMs), reason);
}

function read(context: CommandContext, delivery: Delivery): WebhookMessage | null {
  const provider = providerOf(context, delivery);
  try {
    return provider.readWebhook(delivery.body, delivery.receivedAt);
  } catch (error) {
    context.log.error(
      { err: error, deliveryId: delivery.id },
      'a verified callback could not be read and needs a person',
    );
    return null;
  }
}
