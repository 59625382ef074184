import { atFirstMs, type Pause, pauseMs } from './backoff.ts';
import { type ConnectionInput, type ConnectionState, connectionTable } from './connection.ts';
import { errorOf, isPassing, networkError, PaystreamError } from './errors.ts';
import type { Result, Source, Transport } from './source.ts';

/** What `onStatus` is told. */
export type FollowStatus = {
  readonly state: ConnectionState;
  readonly transport: Transport;
  /** Why the connection broke or the following ended; null when nothing is wrong. */
  readonly error: PaystreamError | null;
  /** The pause before the next try, in milliseconds, in state `waiting`; else null. */
  readonly retryInMs: number | null;
};

export type FollowOptions = {
  /** The last cursor that you processed. Default: from now on, without a gap from the first call of `next` on. */
  readonly after?: string | null;
  /** Ends the following; the loop ends as if it had been left. */
  readonly signal?: AbortSignal;
  readonly onStatus?: (status: FollowStatus) => void;
  /** Default: `auto`, a WebSocket, and Server-Sent Events where there is none, or while it cannot be opened. */
  readonly transport?: Transport | 'auto';
  /** How many events wait for the reader before the connection is closed until it has taken them. Default: 1000. */
  readonly bufferMax?: number;
};

/** Every event after the cursor, once, in order. It reconnects for ever, and throws when that is pointless. */
export type Following<Event> = AsyncIterableIterator<Event> & {
  /** The cursor of the last event that `next` returned, or where it began; null before the beginning is known. */
  readonly cursor: string | null;
};

export type Followed = { readonly cursor: string };

export type FollowParts<Event> = {
  readonly query: string;
  readonly variables: object;
  /** The preferred transport, and one for a network that does not let it through. `hasOpened`: it is known to be possible. */
  readonly sources: readonly {
    readonly transport: Transport;
    readonly source: Source;
    readonly hasOpened?: () => boolean;
  }[];
  /** Reads where the log ends. */
  readonly readEnd: (signal: AbortSignal) => Promise<string>;
  readonly pause: Pause;
  /** Called with each event before the reader gets it. */
  readonly onDelivery: (event: Event) => Promise<void> | void;
  /** Called once when the following has ended. */
  readonly onEnd: () => void;
};

const bufferMaxDefault = 1000;
/** A connection that lived so long, in milliseconds, was no failed try. */
const lifeMsMin = 5000;
/** How long events come over the second transport, in milliseconds, before the preferred one is tried again; longer after each try. */
const returnMsFirst = 5000;
const returnMsMax = 300_000;

export function createFollowing<Event extends Followed>(
  parts: FollowParts<Event>,
  options: FollowOptions,
): Following<Event> & { stop(): void } {
  return new Followings(parts, options);
}

class Followings<Event extends Followed> implements Following<Event> {
  readonly #parts: FollowParts<Event>;
  readonly #options: FollowOptions;
  readonly #bufferMax: number;
  /** Aborts what is in progress when the following ends. */
  readonly #ending = new AbortController();
  #state: ConnectionState = 'waiting';
  #isStarted = false;
  #buffer: Event[] = [];
  /** The cursor after which the next connection continues: that of the last event in the buffer. */
  #received: string | null;
  #delivered: string | null;
  #failure: PaystreamError | null = null;
  /** Aborted when the connection is over: ends the tries to go back to the preferred transport. */
  #leaving = new AbortController();
  /** The number of the connection. What an earlier one still says is ignored: the present one brings it again. */
  #connection = 0;
  #disconnect = () => {};
  #tries = 0;
  /** When the first of these tries was needed. */
  #brokeAt = 0;
  #openedAt: number | null = null;
  /** False while it is asked where the log ends, which says nothing of the transport. */
  #isOpening = false;
  #sourceIndex = 0;
  /** True when the next connection is to use the other transport, if there is one. */
  #isToSwitch = false;
  #wake = () => {};
  /** The calls of `next` run one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: FollowParts<Event>, options: FollowOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#bufferMax = Math.max(1, options.bufferMax ?? bufferMaxDefault);
    this.#received = options.after ?? null;
    this.#delivered = this.#received;
    options.signal?.addEventListener('abort', () => this.stop(), { signal: this.#ending.signal });
  }

  get cursor(): string | null {
    return this.#delivered;
  }

  next(): Promise<IteratorResult<Event, undefined>> {
    const mine = this.#turn.then(() => this.#take());
    this.#turn = mine.catch(() => {});
    return mine;
  }

  async return(): Promise<IteratorResult<Event, undefined>> {
    this.stop();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  stop(): void {
    this.#buffer = [];
    this.#enter('stopped');
  }

  async #take(): Promise<IteratorResult<Event, undefined>> {
    if (this.#options.signal?.aborted) this.stop();
    if (!this.#isStarted) this.#start();
    for (;;) {
      const event = this.#buffer.shift();
      if (event !== undefined) {
        await this.#parts.onDelivery(event);
        this.#delivered = event.cursor;
        if (this.#buffer.length === 0) this.#enter('drained');
        return { done: false, value: event };
      }
      if (this.#state === 'ended') {
        const failure = this.#failure;
        this.#failure = null;
        if (failure !== null) throw failure;
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #start(): void {
    this.#isStarted = true;
    this.#enter('due');
  }

  /** Every change of the state goes through the table. */
  #enter(input: ConnectionInput, error: PaystreamError | null = null): void {
    const from = this.#state;
    const to = connectionTable[from][input];
    this.#state = to;
    if (input === 'received' || input === 'opened' || from !== to) this.#wake();
    if (from === to) return;
    if (to !== 'live') this.#leave();
    switch (to) {
      case 'connecting':
        if (this.#isToSwitch) this.#sourceIndex += 1;
        this.#isToSwitch = false;
        this.#isOpening = false;
        this.#openedAt = null;
        this.#report(null, null);
        void this.#connect();
        return;
      case 'live':
        this.#openedAt = performance.now();
        this.#isOpening = false;
        this.#report(null, null);
        void this.#goBack();
        return;
      case 'waiting':
        this.#wait(error);
        return;
      case 'full':
        this.#report(null, null);
        return;
      case 'ended':
        this.#failure = error;
        this.#ending.abort();
        this.#report(error, null);
        this.#parts.onEnd();
        return;
    }
  }

  #leave(): void {
    this.#connection += 1;
    this.#leaving.abort();
    this.#disconnect();
    this.#disconnect = () => {};
  }

  async #connect(): Promise<void> {
    const connection = this.#connection;
    const isPresent = () => connection === this.#connection;
    try {
      this.#received ??= await this.#parts.readEnd(this.#ending.signal);
      this.#delivered ??= this.#received;
      if (!isPresent()) return;
      const { query, variables } = this.#parts;
      this.#isOpening = true;
      const disconnect = this.#source.source(
        { query, variables: { ...variables, after: this.#received } },
        {
          opened: () => isPresent() && this.#enter('opened'),
          received: (result) => isPresent() && this.#receive(result),
          closed: (error) => isPresent() && this.#fail(error),
        },
      );
      if (isPresent()) this.#disconnect = disconnect;
      else disconnect();
    } catch (error) {
      if (isPresent()) this.#fail(error instanceof PaystreamError ? error : networkError(error));
    }
  }

  #receive({ data, errors }: Result): void {
    const event = Object.values((data ?? {}) as Record<string, unknown>)[0] as Event | null | undefined;
    if (event === null || event === undefined) return this.#fail(errorOf(errors ?? []));
    if (typeof event.cursor !== 'string') {
      return this.#fail(
        new PaystreamError('BAD_USER_INPUT', 'The subscription has to select the `cursor` of the event.'),
      );
    }
    this.#buffer.push(event);
    this.#received = event.cursor;
    this.#tries = 0;
    this.#enter('received');
    if (this.#buffer.length >= this.#bufferMax) this.#enter('overflowed');
  }

  #fail(error: PaystreamError | null): void {
    if (error !== null && !isPassing(error)) return this.#enter('refused', error);
    const livedMs = this.#openedAt === null ? 0 : performance.now() - this.#openedAt;
    this.#isToSwitch = this.#isOpening && !this.#isKnownToOpen();
    if (livedMs >= lifeMsMin) this.#tries = 0;
    this.#enter('dropped', error);
  }

  /**
   * A connection that was never accepted may not be possible here: proxies refuse WebSockets, or buffer streams. But most often the server is
   * away. A client that has had a WebSocket stays with it, because a browser has only six HTTP/1.1 connections to a host for all of its pages, of
   * which each stream takes one. Only when it has had none for a while has it perhaps come into another network.
   */
  #isKnownToOpen(): boolean {
    const outageMs = this.#tries === 0 ? 0 : performance.now() - this.#brokeAt;
    return this.#source.hasOpened?.() === true && outageMs < atFirstMs;
  }

  /** While events come over the second transport, tries now and then whether the preferred one can be opened, and goes back to it. */
  async #goBack(): Promise<void> {
    const { sources, pause } = this.#parts;
    const [preferred] = sources;
    if (preferred === undefined || this.#source === preferred) return;
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    for (let tries = 0; !signal.aborted; tries += 1) {
      const mostMs = Math.min(returnMsMax, returnMsFirst * 2 ** Math.min(tries, 10));
      try {
        await pause(mostMs * (0.5 + Math.random() / 2), signal);
      } catch {
        return; // the connection is over
      }
      if (!(await canOpen(preferred.source, signal)) || signal.aborted) continue;
      this.#sourceIndex = 0;
      this.#tries = 0;
      this.#enter('moved');
    }
  }

  #wait(error: PaystreamError | null): void {
    const nowMs = performance.now();
    if (this.#tries === 0) this.#brokeAt = nowMs;
    this.#tries += 1;
    const waitMs = pauseMs(this.#tries, Math.random(), {
      atLeastMs: error?.retryAfterMs ?? 0,
      outageMs: nowMs - this.#brokeAt,
    });
    this.#report(error, waitMs);
    this.#parts.pause(waitMs, this.#ending.signal).then(
      () => this.#enter('due'),
      () => {}, // it has ended
    );
  }

  get #source(): FollowParts<Event>['sources'][number] {
    const { sources } = this.#parts;
    const source = sources[this.#sourceIndex % sources.length];
    if (source === undefined) throw new PaystreamError('TRANSPORT', 'There is no transport.');
    return source;
  }

  #report(error: PaystreamError | null, retryInMs: number | null): void {
    this.#options.onStatus?.({ state: this.#state, transport: this.#source.transport, error, retryInMs });
  }
}

/** Opens a connection with an operation that does nothing. */
function canOpen(source: Source, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    let end = () => {};
    const finish = (isOpen: boolean) => {
      signal.removeEventListener('abort', onAbort);
      end();
      resolve(isOpen);
    };
    const onAbort = () => finish(false);
    signal.addEventListener('abort', onAbort);
    end = source(
      { query: '{ __typename }', variables: {} },
      { opened: () => finish(true), received: () => finish(true), closed: () => finish(false) },
    );
  });
}
