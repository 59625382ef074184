import { setMaxListeners } from 'node:events';
import { type AttemptResult, attemptPost, type CallbackTransport } from './callback-post.ts';
import { type Callback, type CallbackProtocol, type DeliveryFault, writeAttempt } from './callback-protocol.ts';
import type { SandboxContext } from './context.ts';
import type { Table } from './ledger.ts';
import type { ProviderKey } from './provider-key.ts';

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
  /** Null: the URL that the settings name at the time of the attempt. */
  readonly url: string | null;
  readonly state: DeliveryState;
  readonly spoiled: DeliveryFault | null;
  readonly attempts: readonly AttemptRow[];
  readonly nextAttemptMs: number | null;
};

/** `url` replaces the URL of every callback. Null: each callback goes to its own URL, and one without a URL is not delivered. */
export type WebhookSettings = { url: string | null; retryDelaysMs: readonly number[] };

/** A held delivery is sent after this time even when no other callback follows. */
export const heldMsMax = 30_000;
const inFlightMax = 32;

/** Delivers the callbacks of one provider, applies callback faults, and retries until the receiver acknowledges. */
export class Deliveries {
  readonly settings: WebhookSettings;
  readonly rows: Table<DeliveryRow>;
  #context: Pick<SandboxContext, 'ledger' | 'clock' | 'faults'>;
  #protocol: CallbackProtocol;
  #transport: CallbackTransport;
  #contentOf: (eventId: string) => string | undefined;
  #newId: () => string;
  #inFlight = 0;
  #held = new Set<string>();
  /** The time of the next attempt of each delivery, so that it is scheduled once. */
  #scheduled = new Map<string, number>();
  /** Attempts that wait for one of the `inFlightMax` slots. */
  #queue: (() => void)[] = [];
  #stopped = new AbortController();

  constructor(
    context: Pick<SandboxContext, 'ledger' | 'clock' | 'faults'>,
    protocol: CallbackProtocol,
    transport: CallbackTransport,
    settings: WebhookSettings,
    source: { readonly contentOf: (eventId: string) => string | undefined; readonly newId: () => string },
  ) {
    this.#context = context;
    this.#protocol = protocol;
    this.#transport = transport;
    this.settings = settings;
    this.#contentOf = source.contentOf;
    this.#newId = source.newId;
    this.rows = context.ledger.table(`${protocol.provider}_deliveries`);
    setMaxListeners(inFlightMax + 1, this.#stopped.signal);
  }

  /** Schedules the delivery of a callback. Must run inside the transaction that creates its event. Does nothing without a URL. */
  enqueue(callback: Callback): void {
    if (this.settings.url === null && (callback.url ?? null) === null) return;
    const rule = this.#context.faults.takeCallback({ type: callback.type, text: callback.content });
    switch (rule?.fault) {
      case 'drop':
        return this.#add(callback, 0, 'dropped', null);
      case 'delay':
        return this.#add(callback, rule.ms ?? 0, 'pending', null);
      case 'reorder':
        return this.#add(callback, rule.ms ?? heldMsMax, 'held', null);
      case 'duplicate':
        for (let copy = 0; copy <= rule.count; copy += 1) this.#add(callback, 0, 'pending', null);
        return;
      case 'forge': // the forgery goes first: a merchant must not take the genuine callback for a duplicate of it
        this.#add(callback, 0, 'pending', 'forge');
        return this.#add(callback, 0, 'pending', null);
      case 'alter':
      case 'stale':
      case 'probe':
      case 'wrong_amount':
      case 'unknown_status':
      case 'unreadable':
      case 'gbk':
      case 'another_account':
        return this.#add(callback, 0, 'pending', rule.fault);
      case undefined:
        return this.#add(callback, 0, 'pending', null);
    }
  }

  /** Schedules unfinished deliveries again after a restart. */
  resume(): void {
    for (const row of this.rows.all()) this.#schedule(row);
  }

  /** Makes one more attempt now with the same event id, whatever the state of the delivery. */
  async redeliver(id: string): Promise<DeliveryRow | undefined> {
    if (this.rows.get(id)) await this.#attempt(id);
    return this.rows.get(id);
  }

  /** Aborts the attempts in flight and makes no more. */
  stop(): void {
    this.#stopped.abort();
  }

  #add(callback: Callback, delayMs: number, state: DeliveryState, spoiled: DeliveryFault | null): void {
    const row = this.rows.put({
      id: this.#newId(),
      provider: this.#protocol.provider,
      eventId: callback.eventId,
      type: callback.type,
      url: callback.url ?? null,
      state,
      spoiled,
      attempts: [],
      nextAttemptMs: state === 'dropped' ? null : this.#context.clock.nowMs() + delayMs,
    });
    this.#context.ledger.afterCommit(() => this.#schedule(row));
  }

  #schedule(row: DeliveryRow): void {
    const { nextAttemptMs } = row;
    if (nextAttemptMs === null || (row.state !== 'pending' && row.state !== 'held')) return;
    if (row.state === 'held') this.#held.add(row.id);
    if (this.#scheduled.get(row.id) === nextAttemptMs) return;
    this.#scheduled.set(row.id, nextAttemptMs);
    this.#context.clock.at(nextAttemptMs, () => {
      if (this.#scheduled.get(row.id) !== nextAttemptMs) return undefined; // scheduled for another time since
      this.#scheduled.delete(row.id);
      return this.rows.get(row.id)?.nextAttemptMs === nextAttemptMs ? this.#attempt(row.id) : undefined;
    });
  }

  async #attempt(id: string): Promise<void> {
    if (this.#inFlight >= inFlightMax) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#inFlight += 1;
    try {
      await this.#attemptNow(id);
    } finally {
      this.#inFlight -= 1;
      this.#queue.shift()?.();
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
    const isFirst = row.attempts.length === 0;
    const signed = writeAttempt(this.#protocol, content, clock.wireSeconds(), row.spoiled, isFirst);
    const result = await attemptPost(this.#transport, { url, ...signed }, this.#stopped.signal);
    if (this.#stopped.signal.aborted) return; // the delivery stays pending and is attempted again after the restart
    this.#record(id, atMs, clock.wireMs() - startedMs, result);
  }

  #record(id: string, atMs: number, durationMs: number, { status, body, error }: AttemptResult): void {
    const row = this.rows.get(id);
    if (!row) return;
    const attempts = [...row.attempts, { atMs, status, error, durationMs }];
    const isAcknowledged = status !== null && this.#protocol.isAcknowledged(status, body);
    const delayMs = row.spoiled === 'forge' ? undefined : this.settings.retryDelaysMs[attempts.length - 1];
    const isDelivered = row.state === 'delivered' || isAcknowledged;
    const next: DeliveryRow = isDelivered
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
