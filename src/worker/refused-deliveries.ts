import { createGatherer } from '../database/gatherer.ts';
import { firstPaymentIdIn } from '../domain/ids.ts';
import { insertRejectedDelivery, rejectedPerMinuteMax } from '../events/inbox.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import type { PaymentProvider, WebhookDelivery } from '../providers/provider.ts';
import { hintPayments, type PaymentHint } from '../store/payment-store.ts';
import { keptHeadersOf } from './receive-delivery.ts';

/** The maximum number of payments whose hint is being written. Further ones are not hinted. */
const hintsMax = 1000;
const hintsTogetherMax = 500;

/**
 * Records callbacks that could not be verified, after they were refused. A flood of them must cost next to nothing: this process writes a few a
 * minute for each provider, and the hints of payments that they name together.
 */
export type RefusedDeliveries = {
  /** Returns at once. A callback is refused even if this fails. */
  record(provider: PaymentProvider, delivery: WebhookDelivery, reason: string): void;
  /** Resolves when nothing is being written. */
  idle(): Promise<void>;
};

export function createRefusedDeliveries({ db, log }: Pick<CommandContext, 'db' | 'log'>): RefusedDeliveries {
  const underWay = new Set<Promise<void>>();
  /** The minute of the last refusals of a provider, and how many of them were written. */
  const minutes = new Map<string, { readonly minute: number; readonly count: number }>();
  const hinted = new Set<string>();
  const hints = createGatherer<PaymentHint, null>({
    sizeMax: hintsTogetherMax,
    keysOf: () => [],
    async run(items) {
      await hintPayments(db.pool, items);
      return items.map(() => ({ kind: 'done', result: null }));
    },
  });

  function start(work: () => Promise<unknown>): void {
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
    record(provider, delivery, reason) {
      const { receivedAt } = delivery;
      const { name, account } = provider;
      if (takePlace(name, receivedAt)) {
        const headers = keptHeadersOf(provider, delivery);
        const body = provider.redactWebhook(delivery.body, 'done');
        start(() => insertRejectedDelivery(db.pool, { provider: name, reason, headers, body, receivedAt }));
      }
      const paymentId = firstPaymentIdIn(delivery.body.toString('latin1'));
      if (paymentId === null || hinted.has(paymentId) || hinted.size >= hintsMax) return;
      hinted.add(paymentId);
      start(() => hints.run({ paymentId, name, account, at: receivedAt }).finally(() => hinted.delete(paymentId)));
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
