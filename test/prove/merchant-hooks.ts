import type { InProcessRequest, InProcessResponse } from '../../sandbox/in-process.ts';
import { developmentMasterKeys } from '../../src/accounts/master-key.ts';
import { createWebhookEndpoint } from '../../src/commands/create-webhook-endpoint.ts';
import { resendWebhook } from '../../src/commands/resend-webhook.ts';
import { resumeWebhookEndpoint } from '../../src/commands/resume-webhook-endpoint.ts';
import type { Database } from '../../src/database/database.ts';
import { type EventType, eventTypes } from '../../src/domain/event.ts';
import type { Failpoint } from '../../src/domain/failpoint.ts';
import { listWebhookEndpoints } from '../../src/store/webhook-endpoint-store.ts';
import { listWebhookMessages } from '../../src/store/webhook-message-store.ts';
import { Dice } from './dice.ts';
import type { HookRequest, HookSide } from './hook-invariants.ts';
import type { Tally } from './tally.ts';

/** Requests to these paths go to the merchant, not to a provider. */
export const hookPath = '/merchant-hooks/';
export const hookMasterKeys = developmentMasterKeys('the merchant of the schedules');
export const hookRules = { isProduction: false, allowsLoopback: true } as const;

const failpoints: readonly Failpoint[] = ['webhook.queued', 'webhook.sending', 'webhook.answered'];
/** How often an endpoint answers 410 in place of another failure. */
const goneShare = 0.15;
const resumes = 0.4;

type Endpoint = HookSide & {
  readonly id: string;
  /** The probability that a request fails, and that it fails as long as the time is in the outage. */
  readonly fails: number;
  readonly outageMs: readonly [from: number, until: number];
};

/** The merchant's servers, which get events: they fail, hang, lose their answers and say that they are gone. */
export class MerchantHooks {
  readonly endpoints: Endpoint[] = [];
  /** From now on every request is answered well. */
  isWellBehaved = false;
  readonly #dice: Dice;
  readonly #tally: Tally;
  readonly #crash: (failpoint: Failpoint) => void;
  #beganMs = 0;

  /** @param crash lets a node die when it passes the failpoint next. */
  constructor(seed: number, tally: Tally, crash: (failpoint: Failpoint) => void) {
    this.#dice = new Dice(seed, 'webhooks');
    this.#tally = tally;
    this.#crash = crash;
  }

  /** Registers one or two endpoints, in most schedules. */
  async register(db: Database, merchantId: string, now: () => Date): Promise<void> {
    const dice = this.#dice;
    this.#beganMs = now().getTime();
    const count = dice.weigh([
      [1, 0],
      [5, 1],
      [3, 2],
    ] as const);
    for (let index = 0; index < count; index += 1) {
      const ordered = dice.hit(0.7);
      const types: readonly EventType[] = dice.hit(0.75) ? [] : eventTypes.filter(() => dice.hit(0.4));
      const outageFrom = dice.pick([0, 1000, 60_000, 3_600_000]);
      const outage = dice.hit(0.4) ? dice.pick([30_000, 600_000, 6 * 3_600_000, 80 * 3_600_000]) : 0;
      const parts = { db, clock: { now }, masterKeys: hookMasterKeys, webhookRules: hookRules };
      const url = `http://127.0.0.1${hookPath}${index}`;
      const { endpoint } = await createWebhookEndpoint(parts, merchantId, { url, ordered, eventTypes: types });
      this.endpoints.push({
        ...{ id: endpoint.id, ordered, types: types.length === 0 ? null : types, requests: [] },
        ...{ fails: dice.pick([0, 0.1, 0.4]), outageMs: [outageFrom, outageFrom + outage] },
      });
    }
  }

  /** The merchant's answer to one request. */
  answer({ path, body = '' }: InProcessRequest, now: Date): InProcessResponse | 'unanswered' {
    const endpoint = this.endpoints[Number(path.slice(hookPath.length))];
    if (endpoint === undefined) throw new RangeError(`There is no endpoint at ${path}.`);
    const { data } = JSON.parse(body) as { data: Omit<HookRequest, 'isAcknowledged'> };
    const status = this.#statusOf(endpoint, now);
    this.#tally.count('webhooks', status === null ? 'not answered' : String(status));
    const isAcknowledged = status === 204;
    endpoint.requests.push({ id: data.id, orderId: data.orderId, sequence: data.sequence, isAcknowledged });
    if (!this.isWellBehaved && this.#dice.hit(0.04)) this.#crash(this.#dice.pick(failpoints));
    return status === null ? 'unanswered' : { status, headers: {}, body: '' };
  }

  /** The merchant notices now and then that an endpoint is paused, and resumes it. */
  async resumePaused(db: Database, merchantId: string, now: () => Date): Promise<void> {
    if (this.endpoints.length === 0 || !(this.isWellBehaved || this.#dice.hit(resumes))) return;
    for (const { id, status } of await listWebhookEndpoints(db.pool, merchantId)) {
      if (status !== 'PAUSED') continue;
      this.#tally.count('webhooks', 'resumed');
      await resumeWebhookEndpoint({ db, clock: { now } }, merchantId, id);
    }
    if (this.isWellBehaved) await this.#resendFailed(db, merchantId, now);
  }

  /** An event that failed for three days while others were taken waits until the merchant has it sent again. */
  async #resendFailed(db: Database, merchantId: string, now: () => Date): Promise<void> {
    for (const { id } of this.endpoints) {
      for (const { eventId } of await listWebhookMessages(db.pool, id, {
        status: 'FAILED',
        before: null,
        limit: 100,
      })) {
        this.#tally.count('webhooks', 'sent again');
        await resendWebhook({ db, clock: { now } }, merchantId, id, eventId);
      }
    }
  }

  /** Null for no answer: the merchant may have processed the event all the same. */
  #statusOf({ fails, outageMs: [from, until] }: Endpoint, now: Date): number | null {
    if (this.isWellBehaved) return 204;
    const sinceMs = now.getTime() - this.#beganMs;
    const isOut = sinceMs >= from && sinceMs < until;
    if (!isOut && !this.#dice.hit(fails)) return 204;
    if (this.#dice.hit(goneShare)) return 410;
    return this.#dice.pick([500, 503, 404, 302, null]);
  }
}
