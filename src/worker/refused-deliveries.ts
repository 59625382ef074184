import { setTimeout as delay } from 'node:timers/promises';
import { firstPaymentIdIn } from '../domain/ids.ts';
import type { Log } from '../domain/log.ts';
import { insertRejectedDelivery, rejectedPerMinuteMax } from '../events/inbox.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import type { PaymentProvider, WebhookDelivery } from '../providers/provider.ts';
import { hintPayments, type PaymentHint } from '../store/payment-store.ts';
import { keptHeadersOf } from './receive-delivery.ts';

/** The maximum number of payments whose hint waits or is being written. Further ones are not hinted. */
const hintsMax = 1000;
/** Hints wait this long, so that a flood of them is written by a few statements. */
const hintsGatheredMs = 200;

/**
 * Records callbacks that could not be verified, after they were refused. A flood of them must cost next to nothing: this process writes a few a
 * minute for each provider, and the hints of payments that they name together.
 */
export type RefusedDeliveries = {
  /** Returns at once. A callback is refused even if this fails. `log` is that of its request. */
  record(provider: PaymentProvider, delivery: WebhookDelivery, reason: string, log: Log): void;
  /** Resolves when nothing is being written. */
  idle(): Promise<void>;
};

export function createRefusedDeliveries({ db }: Pick<CommandContext, 'db'>): RefusedDeliveries {
  const underWay = new Set<Promise<void>>();
  /** The minute of the last refusals of a provider, and how many of them were written. */
  const minutes = new Map<string, { readonly minute: number; readonly count: number }>();
  /** By payment id: the hints that wait for the next statement, and the ids of those that are being written. */
  let hints = new Map<string, PaymentHint>();
  let written: ReadonlySet<string> = new Set();
  let isWriting = false;

  async function writeHints(): Promise<void> {
    isWriting = true;
    try {
      while (hints.size > 0) {
        await delay(hintsGatheredMs);
        const batch = [...hints.values()];
        written = new Set(hints.keys());
        hints = new Map();
        await hintPayments(db.pool, batch);
      }
    } finally {
      written = new Set();
      isWriting = false;
    }
  }

  function start(work: () => Promise<unknown>, log: Log): void {
    const working = work().then(
      () => {},
      (error: unknown) => log.warn({ err: error }, 'a refused callback could not be stored'),
    );
    underWay.add(working);
    void working.then(() => underWay.delete(working));
  }

  function takePlace(name: string, receivedAt: Date): boolean {
    const minute = Math.floor(receivedAt.getTime() / 60_000);
    const last = minutes.get(name);
    const count = last?.minute === minute ? last.count : 0;
    if (count >= rejectedPerMinuteMax) return false;
    minutes.set(name, { minute, count: count + 1 });
    return true;
  }

  return {
    record(provider, delivery, reason, log) {
      const { receivedAt } = delivery;
      const { name, account } = provider;
      if (takePlace(name, receivedAt)) {
        const headers = keptHeadersOf(provider, delivery);
        const body = provider.redactWebhook(delivery.body, 'done');
        start(() => insertRejectedDelivery(db.pool, { provider: name, reason, headers, body, receivedAt }), log);
      }
      const paymentId = firstPaymentIdIn(delivery.body.toString('latin1'));
      if (paymentId === null || hints.has(paymentId) || written.has(paymentId)) return;
      if (hints.size + written.size >= hintsMax) return;
      hints.set(paymentId, { paymentId, name, account, at: receivedAt });
      if (!isWriting) start(writeHints, log);
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
