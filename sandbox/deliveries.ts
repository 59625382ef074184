import { setMaxListeners } from 'node:events';
import type { CallbackPost, CallbackRequest } from './callback-post.ts';
import type { Clock } from './clock.ts';
import type { CallbackFault, Faults } from './faults.ts';
import type { Ledger, Table } from './ledger.ts';
import type { ProviderKey } from './provider.ts';

/** What a provider wants posted, as it is kept: its sender writes and signs it anew for each attempt. */
export type Notice = {
  readonly eventId: string;
  readonly type: string;
  readonly content: string;
  /** Where the merchant asked for it, when the provider lets each payment name a place of its own. */
  readonly url?: string | null;
};

/** An attempt as it is posted, byte for byte. */
export type Written = { readonly headers: Readonly<Record<string, string>>; readonly body: string };

/** How one provider writes and signs its callbacks; everything else about delivering is the same for all. */
export type Sender = {
  readonly provider: ProviderKey;
  /**
   * Writes and signs one attempt. `secret: 'wrong'` asks for a signature that must be refused; so does `'probe'`, in the form
   * in which a provider tests whether anybody checks, if it has one.
   */
  readonly write: (content: string, atSeconds: number, secret: 'right' | 'wrong' | 'probe') => Written;
  /** What was written, changed on its way: its signature must not fit any more. */
  readonly altered: (body: string) => string;
  /** The receiver took it. */
  readonly isAcknowledged: (status: number, body: string) => boolean;
  /** The same content, telling another amount. */
  readonly withWrongAmount: (content: string) => string;
  /** The same content, with a status that is in no documentation. */
  readonly withUnknownStatus: (content: string) => string;
  /** The same content, with amounts that are none. */
  readonly withoutAmount: (content: string) => string;
  /** The same content, to be written in GBK where the provider knows that. */
  readonly inGbk: (content: string) => string;
  /** The same content, told of another account, whose callbacks come to the same place under the same signature. */
  readonly ofAnotherAccount: (content: string) => string;
};

/** What is wrong with a delivery; of `alter`, `stale` and `probe` only the first attempt suffers. */
export type Spoiled = Extract<
  CallbackFault,
  'forge' | 'alter' | 'stale' | 'probe' | 'wrong_amount' | 'unknown_status' | 'unreadable' | 'gbk' | 'another_account'
>;

export type DeliveryState = 'pending' | 'held' | 'delivered' | 'gave_up' | 'dropped';

export type AttemptRow = {
  readonly atMs: number;
  readonly status: number | null;
  readonly error: string | null;
  readonly durationMs: number;
};

export type DeliveryRow = {
  readonly id: string;
  readonly provider: ProviderKey;
  readonly eventId: string;
  readonly type: string;
  /** Where it goes; null: where the settings say when it goes. */
  readonly url: string | null;
  readonly state: DeliveryState;
  readonly spoiled: Spoiled | null;
  readonly attempts: readonly AttemptRow[];
  readonly nextAttemptMs: number | null;
};

/** How callbacks reach their receiver, and how long one attempt may take in real time. */
export type Posting = { readonly post: CallbackPost; readonly attemptTimeoutMs: number };

/** `url` is where everything goes; null leaves it to each notice, and what names no place goes nowhere. */
export type WebhookSettings = { url: string | null; retryDelaysMs: readonly number[] };

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Live Stripe retries for up to three days, longer and longer apart; the first waits are shortened. */
export const defaultRetryDelaysMs: readonly number[] = [
  1000,
  5000,
  30_000,
  5 * minuteMs,
  30 * minuteMs,
  hourMs,
  2 * hourMs,
  4 * hourMs,
  8 * hourMs,
  8 * hourMs,
  24 * hourMs,
  24 * hourMs,
];
/** A receiver that has not answered by then, in real time, has failed this attempt. */
export const defaultAttemptTimeoutMs = 10_000;
/** A held delivery goes out after this long even when no other follows. */
export const heldMsMax = 30_000;
const inFlightMax = 32;
const staleSeconds = 600;

type Attempted = { readonly status: number | null; readonly body: string; readonly error: string | null };

/** Posts callbacks, spoils them as the rules say, and tries again until they are taken. */
export class Deliveries {
  readonly settings: WebhookSettings;
  readonly rows: Table<DeliveryRow>;
  #context: { readonly ledger: Ledger; readonly clock: Clock; readonly faults: Faults };
  #sender: Sender;
  #posting: Posting;
  #contentOf: (eventId: string) => string | undefined;
  #newId: () => string;
  #inFlight = 0;
  #held = new Set<string>();
  /** When the next attempt of each delivery is planned, so that it is planned once. */
  #planned = new Map<string, number>();
  #waiting: (() => void)[] = [];
  #stopped = new AbortController();

  constructor(
    context: { readonly ledger: Ledger; readonly clock: Clock; readonly faults: Faults },
    sender: Sender,
    posting: Posting,
    settings: WebhookSettings,
    source: { readonly contentOf: (eventId: string) => string | undefined; readonly newId: () => string },
  ) {
    this.#context = context;
    this.#sender = sender;
    this.#posting = posting;
    this.settings = settings;
    this.#contentOf = source.contentOf;
    this.#newId = source.newId;
    this.rows = context.ledger.table(`${sender.provider}_deliveries`);
    setMaxListeners(inFlightMax + 1, this.#stopped.signal);
  }

  /** Plans the delivery of what is being kept; must run inside the act that makes the event. Without a URL, nothing. */
  announce(notice: Notice): void {
    if (this.settings.url === null && (notice.url ?? null) === null) return;
    const rule = this.#context.faults.takeCallback({ type: notice.type, text: notice.content });
    switch (rule?.fault) {
      case 'drop':
        return this.#plan(notice, 0, 'dropped', null);
      case 'delay':
        return this.#plan(notice, rule.ms ?? 0, 'pending', null);
      case 'reorder':
        return this.#plan(notice, rule.ms ?? heldMsMax, 'held', null);
      case 'duplicate':
        for (let copy = 0; copy <= rule.count; copy += 1) this.#plan(notice, 0, 'pending', null);
        return;
      case 'forge': // the forgery first: it must not make the real one look like a repetition
        this.#plan(notice, 0, 'pending', 'forge');
        return this.#plan(notice, 0, 'pending', null);
      case 'alter':
      case 'stale':
      case 'probe':
      case 'wrong_amount':
      case 'unknown_status':
      case 'unreadable':
      case 'gbk':
      case 'another_account':
        return this.#plan(notice, 0, 'pending', rule.fault);
      case undefined:
        return this.#plan(notice, 0, 'pending', null);
    }
  }

  /** Takes up again what was under way before a restart. */
  resume(): void {
    for (const row of this.rows.all()) this.#schedule(row);
  }

  /** Makes one more attempt now, under the same event id, whatever became of the delivery before. */
  async redeliver(id: string): Promise<DeliveryRow | undefined> {
    if (this.rows.get(id)) await this.#attempt(id);
    return this.rows.get(id);
  }

  /** Lets attempts under way fail and makes no more. */
  stop(): void {
    this.#stopped.abort();
  }

  #plan(notice: Notice, inMs: number, state: DeliveryState, spoiled: Spoiled | null): void {
    const row = this.rows.put({
      id: this.#newId(),
      provider: this.#sender.provider,
      eventId: notice.eventId,
      type: notice.type,
      url: notice.url ?? null,
      state,
      spoiled,
      attempts: [],
      nextAttemptMs: state === 'dropped' ? null : this.#context.clock.nowMs() + inMs,
    });
    this.#context.ledger.afterCommit(() => this.#schedule(row));
  }

  #schedule(row: DeliveryRow): void {
    const { nextAttemptMs } = row;
    if (nextAttemptMs === null || (row.state !== 'pending' && row.state !== 'held')) return;
    if (row.state === 'held') this.#held.add(row.id);
    if (this.#planned.get(row.id) === nextAttemptMs) return;
    this.#planned.set(row.id, nextAttemptMs);
    this.#context.clock.at(nextAttemptMs, () => {
      if (this.#planned.get(row.id) !== nextAttemptMs) return undefined; // planned for another time meanwhile
      this.#planned.delete(row.id);
      return this.rows.get(row.id)?.nextAttemptMs === nextAttemptMs ? this.#attempt(row.id) : undefined;
    });
  }

  async #attempt(id: string): Promise<void> {
    if (this.#inFlight >= inFlightMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#inFlight += 1;
    try {
      await this.#attemptNow(id);
    } finally {
      this.#inFlight -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #attemptNow(id: string): Promise<void> {
    const row = this.rows.get(id);
    const content = row && this.#contentOf(row.eventId);
    const url = this.settings.url ?? row?.url ?? null;
    if (!row || content === undefined || url === null || this.#stopped.signal.aborted) return;
    const { clock } = this.#context;
    const atMs = clock.nowMs();
    const startedMs = clock.wireMs();
    const attempted = await this.#post(this.#written(url, row, content, clock.wireSeconds()));
    if (this.#stopped.signal.aborted) return; // it stays pending, and is tried again after the restart
    this.#conclude(id, atMs, clock.wireMs() - startedMs, attempted);
  }

  #written(url: string, row: DeliveryRow, content: string, nowSeconds: number): CallbackRequest {
    const isFirst = row.attempts.length === 0;
    const claimed = this.#claimed(row.spoiled, content);
    const atSeconds = row.spoiled === 'stale' && isFirst ? nowSeconds - staleSeconds : nowSeconds;
    const secret = row.spoiled === 'forge' ? 'wrong' : row.spoiled === 'probe' && isFirst ? 'probe' : 'right';
    const { headers, body } = this.#sender.write(claimed, atSeconds, secret);
    return { url, headers, body: row.spoiled === 'alter' && isFirst ? this.#sender.altered(body) : body };
  }

  #claimed(spoiled: Spoiled | null, content: string): string {
    switch (spoiled) {
      case 'wrong_amount':
        return this.#sender.withWrongAmount(content);
      case 'unknown_status':
        return this.#sender.withUnknownStatus(content);
      case 'unreadable':
        return this.#sender.withoutAmount(content);
      case 'gbk':
        return this.#sender.inGbk(content);
      case 'another_account':
        return this.#sender.ofAnotherAccount(content);
      default:
        return content;
    }
  }

  /** Never rejects: what went wrong is the attempt's result. */
  async #post(request: CallbackRequest): Promise<Attempted> {
    const { post, attemptTimeoutMs } = this.#posting;
    const attempt = new AbortController();
    const { signal } = attempt;
    const abandoned = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    const stop = (): void => attempt.abort(new Error('the sandbox was closed'));
    this.#stopped.signal.addEventListener('abort', stop, { once: true });
    const late = (): void => attempt.abort(new Error(`no answer within ${attemptTimeoutMs} ms`));
    const timer = setTimeout(late, attemptTimeoutMs);
    try {
      const { status, body } = await Promise.race([post(request, signal), abandoned]);
      return { status, body, error: null };
    } catch (error) {
      return { status: null, body: '', error: error instanceof Error ? error.message : String(error) };
    } finally {
      clearTimeout(timer);
      this.#stopped.signal.removeEventListener('abort', stop);
    }
  }

  #conclude(id: string, atMs: number, durationMs: number, attempted: Attempted): void {
    const row = this.rows.get(id);
    if (!row) return;
    const { status, error } = attempted;
    const attempts = [...row.attempts, { atMs, status, error, durationMs }];
    const taken = status !== null && this.#sender.isAcknowledged(status, attempted.body);
    const delayMs = row.spoiled === 'forge' ? undefined : this.settings.retryDelaysMs[attempts.length - 1];
    const wasTaken = row.state === 'delivered' || taken;
    const next: DeliveryRow = wasTaken
      ? { ...row, attempts, state: 'delivered', nextAttemptMs: null }
      : delayMs === undefined
        ? { ...row, attempts, state: 'gave_up', nextAttemptMs: null }
        : { ...row, attempts, state: 'pending', nextAttemptMs: this.#context.clock.nowMs() + delayMs };
    this.#context.ledger.transact(() => {
      this.rows.put(next);
      this.#context.ledger.afterCommit(() => this.#schedule(next));
      if (row.state !== 'held') this.#releaseHeld();
    });
  }

  #releaseHeld(): void {
    for (const id of this.#held) {
      const row = this.rows.get(id);
      if (row?.state !== 'held') continue;
      const released = this.rows.put({ ...row, state: 'pending', nextAttemptMs: this.#context.clock.nowMs() });
      this.#context.ledger.afterCommit(() => this.#schedule(released));
    }
    this.#held.clear();
  }
}
